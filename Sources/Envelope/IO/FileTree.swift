import Glibc
import SystemPackage

/// The entries of a tree, sorted by name: each directory, beginning with the root, comes before what
/// it contains.
///
/// The walk does not follow links, even if a link replaces a directory meanwhile, and does not open
/// special files. Names are compared as bytes.
package struct FileTree: IteratorProtocol, Sendable {
  /// An entry with its path relative to the root of the tree, or the error in its place.
  package enum Entry {
    case directory(relative: FilePath, FoundDirectory)
    case file(FoundFile)
    case symbolicLink(FoundFile)
    /// A FIFO, a socket or a device.
    case specialFile(relative: FilePath)
    /// A directory that cannot be read, or a name that cannot be looked up. The error of a file
    /// that was removed after its directory was listed is "no such file".
    case failure(IOError)
  }

  /// The number of excluded directories that the walk passed over.
  package private(set) var excludedCount = 0
  private let root: FilePath
  private let excluded: [FileStatus]
  /// A directory that is left out, although it may be made only while the walk is under way.
  package var collector: OutputDirectory?
  /// The rules that leave out entries. The walk does not enter a directory that is left out.
  package let filter: TreeFilter?
  /// The number of entries that rules left out.
  package private(set) var filteredCount = 0
  /// The number of directories without their contents: those on other file systems.
  package private(set) var mountPointCount = 0
  package private(set) var cacheCount = 0
  /// The root, open for reading.
  private var top: Descriptor?
  /// The directories from the root to the current one.
  private var open: [Level] = []
  private var failure: IOError?
  /// True if the current directory has not been returned yet.
  private var isNew = false

  private struct Level {
    let relative: FilePath
    let status: FileStatus
    /// The open directory, in which its names are looked up. At most `openLimit` stay open, so that
    /// no tree is too deep. The others are opened again when the walk comes back to them.
    var descriptor: Descriptor?
    /// The permissions of the directories from the root to this one, with their sticky bits.
    let permissions: [mode_t]
    /// The remaining names, last name first.
    var names: [FilePath]
  }

  private static let openLimit = 32

  /// A tree that leaves out the directories `excluded`.
  package init(_ root: FilePath, excluding excluded: [FileStatus] = []) {
    self.root = root
    self.excluded = excluded
    filter = nil
    enter("", in: nil)
  }

  /// Like `init(_:excluding:)`. If the tree `isWritten` to, throws `FileRuleError.foreignLink` if
  /// the path of its root leads through a link that another user may have made.
  package init(
    _ root: FilePath, excluding excluded: [FileStatus], filter: TreeFilter?, isWritten: Bool
  ) throws {
    self.root = root
    self.excluded = excluded
    self.filter = filter
    do {
      enter("", in: isWritten ? try Descriptor.openDirectory(root) : nil)
    } catch let reason as Errno {
      failure = IOError(.readDirectory, root, reason)
    }
  }

  /// The tree below an open directory, which the user would name `root`.
  package init(_ root: FilePath, in directory: Descriptor) {
    self.root = root
    excluded = []
    filter = nil
    enter("", in: directory)
  }

  package mutating func next() -> Entry? {
    while true {
      if let failure {
        self.failure = nil
        return .failure(failure)
      }
      guard let last = open.indices.last else { return nil }
      if isNew, let descriptor = open[last].descriptor {
        isNew = false
        let level = open[last]
        return .directory(
          relative: level.relative,
          FoundDirectory(
            descriptor: descriptor, status: level.status, permissions: level.permissions))
      }
      guard let name = open[last].names.popLast() else {
        open.removeLast()
        continue
      }
      do throws(IOError) {
        if let entry = try look(at: name, in: directory()) { return entry }
      } catch {
        return .failure(error)
      }
    }
  }

  /// The current directory of the walk, opened again if necessary.
  private mutating func directory() throws(IOError) -> Descriptor {
    let level = open[open.count - 1]
    if let descriptor = level.descriptor { return descriptor }
    let path = root.pushing(level.relative)
    do throws(IOError) {
      let descriptor = try Self.open(path, path, in: AT_FDCWD)
      guard try descriptor.status().isSameFile(as: level.status) else {
        // Another directory is in its place, whose files do not belong to the tree.
        throw IOError(.readDirectory, path, .noSuchFileOrDirectory)
      }
      open[open.count - 1].descriptor = descriptor
      return descriptor
    } catch {
      open.removeLast()
      throw error
    }
  }

  private mutating func look(
    at name: FilePath, in directory: Descriptor
  ) throws(IOError) -> Entry? {
    let level = open[open.count - 1]
    let place = FilePlace(name, in: directory)
    guard let status = try FileStatus.at(name, in: directory) else {
      if HiddenFile.isUnfinished(place.name) { return nil }
      throw IOError(.openInput, place.path, .noSuchFileOrDirectory)
    }
    if let filter,
      filter.excludes(level.relative.pushing(name), isDirectory: status.kind == .directory)
    {
      filteredCount += 1
      return nil
    }
    let found = FoundFile(
      place: place, status: status, directoryPermissions: level.permissions, root: top ?? directory,
      parent: level.relative)
    switch status.kind {
    case .regular: return .file(found)
    case .symbolicLink: return .symbolicLink(found)
    case .other: return .specialFile(relative: found.relative)
    case .directory where isExcluded(status): excludedCount += 1
    case .directory: enter(found.relative, in: directory)
    }
    return nil
  }

  private func isExcluded(_ directory: FileStatus) -> Bool {
    excluded.contains { $0.isSameFile(as: directory) } || collector?.isSame(as: directory) ?? false
  }

  /// Enters a directory: below `parent`, or without that the root itself. `parent` may also be the
  /// root, already open.
  private mutating func enter(_ relative: FilePath, in parent: Descriptor?) {
    do throws(IOError) {
      let path = root.pushing(relative)
      let descriptor: Descriptor
      if let parent {
        let way = relative.lastComponent.map { FilePath().appending($0) } ?? "."
        descriptor = try Self.open(path, way, in: parent.number, O_NOFOLLOW)
      } else {
        descriptor = try Self.open(path, path, in: AT_FDCWD)
      }
      if open.count >= Self.openLimit { open[open.count - 1].descriptor = nil }
      let status = try descriptor.status()
      if open.isEmpty { top = descriptor }
      open.append(
        Level(
          relative: relative, status: status, descriptor: descriptor,
          permissions: (open.last?.permissions ?? []) + [status.directoryPermissions],
          names: try names(in: descriptor, status).reversed()))
      isNew = true
    } catch {
      failure = error
    }
  }

  /// Returns the names in a directory that the walk takes, in their order.
  private mutating func names(
    in directory: Descriptor, _ status: FileStatus
  ) throws(IOError) -> [FilePath] {
    guard let filter else { return try Self.entries(of: directory) }
    if filter.leavesContents(of: status, in: open.first?.status) {
      mountPointCount += 1
      return []
    }
    let names = try Self.entries(of: directory)
    guard filter.leavesCache(directory, names) else { return names }
    cacheCount += 1
    return [CacheTag.name]
  }

  private static func open(
    _ path: FilePath, _ way: FilePath, in directory: Int32, _ flags: Int32 = 0
  ) throws(IOError) -> Descriptor {
    let number = Descriptor.retrying {
      way.withPlatformString {
        openat(directory, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags)
      }
    }
    guard number >= 0 else { throw .current(.readDirectory, path) }
    return Descriptor(owning: number, path: path)
  }

  private static func entries(
    of descriptor: Descriptor
  ) throws(IOError) -> [FilePath] {
    let directory = descriptor.path
    // closedir closes the descriptor that the stream reads from.
    let copy = fcntl(descriptor.number, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw .current(.readDirectory, directory) }
    guard let stream = fdopendir(copy) else {
      let error = IOError.current(.readDirectory, directory)
      close(copy)
      throw error
    }
    defer { closedir(stream) }
    var names: [(name: FilePath, bytes: [CChar])] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw .current(.readDirectory, directory) }
        break
      }
      let bytes = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) {
          Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
        }
      }
      if isDots(bytes) { continue }
      names.append((FilePath(platformString: bytes), bytes))
    }
    names.sort { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    return names.map(\.name)
  }

  /// True for the names of the directory itself and of its parent. `name` ends in a zero.
  private static func isDots(_ name: [CChar]) -> Bool {
    let dot = CChar(UInt8(ascii: "."))
    return name == [dot, 0] || name == [dot, dot, 0]
  }
}

/// A directory that a walk found.
package struct FoundDirectory: Sendable {
  /// The directory, open for reading.
  package let descriptor: Descriptor
  package let status: FileStatus
  /// The permissions of the directories from the root of the tree to this one.
  package let permissions: [mode_t]
}

/// A regular file or a symbolic link that a walk found. A class, because it is passed on often and
/// has many parts.
package final class FoundFile: Sendable {
  /// The place of the file in the directory that the walk opened.
  package let place: FilePlace
  package let status: FileStatus
  /// The permissions of the directories from the root of the tree to the directory of the file.
  package let directoryPermissions: [mode_t]
  /// The root of the tree.
  let root: Descriptor
  /// The path of the directory of the file, below the root of the tree.
  package let parent: FilePath

  init(
    place: FilePlace, status: FileStatus, directoryPermissions: [mode_t], root: Descriptor,
    parent: FilePath
  ) {
    self.place = place
    self.status = status
    self.directoryPermissions = directoryPermissions
    self.root = root
    self.parent = parent
  }

  /// The path of the file below the root of the tree.
  package var relative: FilePath { parent.pushing(place.name) }

  /// True if the name of the file is that of an unfinished file.
  package var isUnfinished: Bool { HiddenFile.isUnfinished(place.name) }

  /// The place with this name in the directory of the file.
  package func sibling(_ name: FilePath) -> FilePlace { FilePlace(name, in: place.directory) }
}
