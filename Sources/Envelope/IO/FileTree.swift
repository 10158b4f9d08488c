import Glibc
import SystemPackage

/// The regular files below a directory, in the order of their names.
///
/// Links are not followed and special files are not opened: both are counted. Names are bytes, as
/// the system has them.
public struct FileTree {
  /// What was passed over.
  public struct Skipped: Equatable, Sendable {
    public var symbolicLinks = 0
    public var specialFiles = 0
  }

  public private(set) var skipped = Skipped()

  public init() {}

  /// Calls `visit` with each regular file's path relative to `root`, and `fail` with each directory
  /// that cannot be read.
  public mutating func walk(
    _ root: FilePath, visit: (_ relative: FilePath) throws -> Void, fail: (IOError) -> Void
  ) rethrows {
    try walk(root, relative: "", visit: visit, fail: fail)
  }

  private mutating func walk(
    _ directory: FilePath, relative: FilePath, visit: (FilePath) throws -> Void,
    fail: (IOError) -> Void
  ) rethrows {
    let names: [FilePath.Component]
    do {
      names = try Self.entries(of: directory)
    } catch {
      fail(error)
      return
    }
    for name in names {
      let path = directory.appending(name)
      let below = relative.appending(name)
      let status: FileStatus?
      do {
        status = try FileStatus.at(path, followingLinks: false)
      } catch {
        fail(error)
        continue
      }
      switch status?.kind {
      case .regular: try visit(below)
      case .directory: try walk(path, relative: below, visit: visit, fail: fail)
      case .symbolicLink: skipped.symbolicLinks += 1
      case .other: skipped.specialFiles += 1
      case nil: break  // gone since the directory was read
      }
    }
  }

  private static func entries(
    of directory: FilePath
  ) throws(IOError) -> [FilePath.Component] {
    guard let stream = directory.withPlatformString({ opendir($0) }) else {
      throw .current(.readDirectory, directory)
    }
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
