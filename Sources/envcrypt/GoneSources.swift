import Envelope
import SystemPackage

/// The entries of an output tree that earlier runs made of sources which are gone.
struct GoneSources {
  /// An entry of the output tree.
  struct Entry {
    enum Kind { case message, symbolicLink, directory }

    let kind: Kind
    /// The path below the output tree.
    let relative: FilePath
    let path: FilePath
    let status: FileStatus
  }

  /// Each directory comes before what it contains.
  private(set) var entries: [Entry] = []
  /// The number of files that no run has made. They stay, and so do their directories.
  private(set) var foreignCount = 0

  /// The errors of files that could not be looked at. They stay.
  private(set) var failures: [any Error] = []

  /// The directories that stay, because something in them stays.
  private var kept: Set<FilePath> = []
  private var source: TreeLookup
  private let suffix: NameSuffix
  private let filter: TreeFilter?
  private let spared: (_ relative: FilePath, _ isDirectory: Bool) -> Bool

  /// Compares an output tree with its source. Entries whose source is `spared` stay: it is excluded,
  /// or was not there for a moment. `spared` gets the path of the source below its tree. Entries stay
  /// too if `filter` hides the directory of their source.
  ///
  /// Throws if a directory of either tree cannot be read.
  init(
    in output: FileTree, of source: TreeLookup, filter: TreeFilter?, suffix: NameSuffix,
    sparing spared: @escaping (_ relative: FilePath, _ isDirectory: Bool) -> Bool
  ) throws {
    self.source = source
    self.filter = filter
    self.suffix = suffix
    self.spared = spared
    var output = output
    while let entry = output.next() { try look(at: entry) }
    entries.removeAll { $0.kind == .directory && kept.contains($0.relative) }
  }

  private mutating func look(at entry: FileTree.Entry) throws {
    switch entry {
    case .failure(let error): throw error
    case .directory(let relative, let found):
      if relative.isEmpty { return }
      if try isGone(relative, .directory) {
        add(.directory, relative, found.descriptor.path, found.status)
      } else {
        keep(relative)
      }
    case .symbolicLink(let found):
      let relative = found.relative
      if try isGone(relative, .symbolicLink) {
        add(.symbolicLink, relative, found.place.path, found.status)
      } else {
        keep(relative)
      }
    case .specialFile(let relative): keepForeign(relative)
    case .file(let found): try look(at: found, found.relative)
    }
  }

  private mutating func look(at file: FoundFile, _ relative: FilePath) throws {
    guard !file.isUnfinished, let name = suffix.removed(from: relative) else {
      return keepForeign(relative)
    }
    guard try isGone(name, .regular) else { return keep(relative) }
    do {
      guard try Self.isMessage(file) else { return keepForeign(relative) }
    } catch {
      failures.append(error)
      return keep(relative)
    }
    add(.message, relative, file.place.path, file.status)
  }

  private mutating func isGone(_ relative: FilePath, _ kind: FileStatus.Kind) throws -> Bool {
    if spared(relative, kind == .directory) { return false }
    if try source.status(of: relative)?.kind == kind { return false }
    return try filter.map { try !source.isHidden(relative.directory, by: $0) } ?? true
  }

  /// True if the file is a whole message. Throws if it cannot be read.
  private static func isMessage(_ found: FoundFile) throws -> Bool {
    let file = try Descriptor.openInput(found.place, foundAs: found.status)
    do {
      _ = try MeasuredMessage(file, size: found.status.size)
      return true
    } catch is MessageError {
      return false
    }
  }

  private mutating func add(
    _ kind: Entry.Kind, _ relative: FilePath, _ path: FilePath, _ status: FileStatus
  ) {
    entries.append(Entry(kind: kind, relative: relative, path: path, status: status))
  }

  private mutating func keepForeign(_ relative: FilePath) {
    foreignCount += 1
    keep(relative)
  }

  /// Keeps an entry, and so the directories that contain it.
  private mutating func keep(_ relative: FilePath) {
    var directory = relative
    while !directory.isEmpty, kept.insert(directory).inserted {
      directory = directory.removingLastComponent()
    }
  }
}
