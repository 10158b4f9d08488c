import Glibc
import SystemPackage

/// A name in a directory that is open. What is read or written by it stays in that directory, even if
/// the directory's own path leads elsewhere by then.
public struct FilePlace: Sendable {
  let directory: Descriptor
  /// One component.
  let name: FilePath
  /// The file as the user would name it.
  public let path: FilePath

  init(_ name: FilePath, in directory: Descriptor, path: FilePath) {
    self.directory = directory
    self.name = name
    self.path = path
  }

  init(_ name: FilePath.Component, in directory: Descriptor, path: FilePath) {
    self.init(FilePath().appending(name), in: directory, path: path)
  }

  /// How many links are followed, as by the system.
  private static let linkLimit = 40

  /// The place that `path` leads to, and the status of what is there. A symbolic link in the last
  /// component is followed if this user or root has made it: anybody else who may write to the directory
  /// could send the output anywhere.
  ///
  /// Throws `FileRuleError.noDirectory`, `notADirectory`, `isDirectory`, `foreignLink`, `IOError`.
  public static func following(
    _ path: FilePath
  ) throws -> (place: FilePlace, existing: FileStatus?) {
    var place = try looking(up: path, from: AT_FDCWD, as: path)
    for _ in 0..<linkLimit {
      guard let status = try place.status() else { return (place, nil) }
      guard status.kind == .symbolicLink else { return (place, status) }
      guard status.isTrusted else { throw FileRuleError.foreignLink(path) }
      place = try looking(up: place.linkTarget(), from: place.directory.number, as: path)
    }
    throw IOError(.createOutput, path, .tooManySymbolicLinkLevels)
  }

  /// What is there; links are not followed. Nil if nothing is.
  public func status() throws(IOError) -> FileStatus? {
    var status = stat()
    let result = name.withPlatformString {
      fstatat(directory.number, $0, &status, AT_SYMLINK_NOFOLLOW)
    }
    if result == 0 { return FileStatus(status) }
    let reason = Errno.current
    if reason == .noSuchFileOrDirectory { return nil }
    throw IOError(.createOutput, path, reason)
  }

  /// Opens the directory of `target`, relative to the directory `start`.
  private static func looking(
    up target: FilePath, from start: Int32, as path: FilePath
  ) throws -> FilePlace {
    let parent = target.directory
    let name = target.lastName
    guard !target.isEmpty else { throw IOError(.createOutput, path, .noSuchFileOrDirectory) }
    guard let name else { throw FileRuleError.isDirectory(path) }
    let way: FilePath = parent.isEmpty ? "." : parent
    let number = Descriptor.retrying {
      way.withPlatformString { openat(start, $0, Descriptor.pathOnly | O_DIRECTORY | O_CLOEXEC) }
    }
    guard number >= 0 else {
      switch Errno.current {
      case .noSuchFileOrDirectory: throw FileRuleError.noDirectory(way)
      case .notDirectory where try FileStatus.at(way) == nil: throw FileRuleError.noDirectory(way)
      case .notDirectory: throw FileRuleError.notADirectory(way)
      case let reason: throw IOError(.createOutput, path, reason)
      }
    }
    return FilePlace(name, in: Descriptor(owning: number, path: way), path: path)
  }

  private func linkTarget() throws -> FilePath {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = name.withPlatformString {
      readlinkat(directory.number, $0, &target, Int(PATH_MAX))
    }
    guard count >= 0 else { throw IOError.current(.createOutput, path) }
    return FilePath(platformString: target)
  }
}

extension Descriptor {
  /// `O_PATH`, a macro that does not import: to go on from, not to read.
  static let pathOnly: Int32 = 0o10000000
}
