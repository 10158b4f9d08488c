import Glibc
import SystemPackage

/// The regular files below a directory, in the order of their names.
///
/// Links are not followed and special files are not opened: both are counted. Names are bytes, as
/// the system has them.
public struct FileTree: IteratorProtocol, Sendable {
  /// What was passed over.
  public struct Skipped: Equatable, Sendable {
    public var symbolicLinks = 0
    public var specialFiles = 0
    /// Directories that were to be left alone.
    public var directories = 0
  }

  /// A file, or what was in the way of one.
  public enum Entry {
    /// The path is relative to the tree's root.
    case file(relative: FilePath, FileStatus)
    /// A directory that cannot be read, or a name that cannot be looked up.
    case failure(IOError)
  }

  public private(set) var skipped = Skipped()
  private let root: FilePath
  private let excluded: [FileStatus]
  /// The directories on the way to the current one, with the names left in each, last name first.
  private var open: [(relative: FilePath, names: [FilePath.Component])] = []
  private var failure: IOError?

  /// Leaves the directories `excluded` alone.
  public init(_ root: FilePath, excluding excluded: [FileStatus] = []) {
    self.root = root
    self.excluded = excluded
    enter("")
  }

  public mutating func next() -> Entry? {
    while true {
      if let failure {
        self.failure = nil
        return .failure(failure)
      }
      guard let name = open.last?.names.last, let directory = open.last?.relative else {
        if open.popLast() == nil { return nil }
        continue
      }
      open[open.count - 1].names.removeLast()
      if let entry = look(at: directory.appending(name)) { return entry }
    }
  }

  private mutating func look(at relative: FilePath) -> Entry? {
    let status: FileStatus?
    do {
      status = try FileStatus.at(root.pushing(relative), followingLinks: false)
    } catch {
      return .failure(error)
    }
    switch status?.kind {
    case .regular: return .file(relative: relative, status!)
    case .directory where excluded.contains { $0.isSameFile(as: status!) }:
      skipped.directories += 1
    case .directory: enter(relative)
    case .symbolicLink: skipped.symbolicLinks += 1
    case .other: skipped.specialFiles += 1
    case nil: break  // gone since the directory was read
    }
    return nil
  }

  private mutating func enter(_ relative: FilePath) {
    do {
      open.append((relative, try Self.entries(of: root.pushing(relative)).reversed()))
    } catch {
      failure = error
    }
  }

  private static func entries(
    of directory: FilePath
  ) throws(IOError) -> [FilePath.Component] {
    var opened = directory.withPlatformString { opendir($0) }
    while opened == nil, systemErrno() == EINTR {
      opened = directory.withPlatformString { opendir($0) }
    }
    guard let stream = opened else { throw .current(.readDirectory, directory) }
    defer { closedir(stream) }
    var names: [(component: FilePath.Component, bytes: [CChar])] = []
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
      guard
        let component = bytes.withUnsafeBufferPointer({
          FilePath.Component(platformString: $0.baseAddress!)
        }), component.kind == .regular
      else { continue }
      names.append((component, bytes))
    }
    names.sort { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    return names.map(\.component)
  }
}

/// Creates `directory` and what is missing above it.
public func createDirectories(_ directory: FilePath, permissions: mode_t = 0o777) throws(IOError) {
  if directory.isEmpty { return }
  let made = directory.withPlatformString { mkdir($0, permissions) }
  if made == 0 { return }
  let reason = Errno.current
  if reason == .fileExists { return }
  guard reason == .noSuchFileOrDirectory, directory.lastComponent != nil else {
    throw IOError(.createOutput, directory, reason)
  }
  try createDirectories(directory.removingLastComponent(), permissions: permissions)
  guard
    directory.withPlatformString({ mkdir($0, permissions) }) == 0 || Errno.current == .fileExists
  else { throw .current(.createOutput, directory) }
}
