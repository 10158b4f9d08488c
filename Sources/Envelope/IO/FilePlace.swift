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
  static let linkLimit = 40

  /// The place that `path` leads to, and the status of what is there. A symbolic link is followed unless
  /// another user may have made it, who could send the output anywhere. If a pipe, a terminal or a device
  /// is at its end, the place is the link's own.
  ///
  /// Throws `FileRuleError.noDirectory`, `notADirectory`, `isDirectory`, `foreignLink`, `IOError`.
  public static func following(
    _ path: FilePath
  ) throws -> (place: FilePlace, existing: FileStatus?) {
    var place = try looking(up: path, from: AT_FDCWD, as: path)
    for _ in 0..<linkLimit {
      guard let status = try place.status() else { return (place, nil) }
      guard status.kind == .symbolicLink else { return (place, status) }
      guard try status.isTrustedLink(in: place.directory.status()) else {
        throw FileRuleError.foreignLink(path)
      }
      if let end = try place.status(followingLinks: true), end.kind == .other {
        return (place, end)
      }
      guard let target = place.name.linkTarget(in: place.directory.number) else {
        throw IOError.current(.createOutput, path)
      }
      place = try looking(up: target, from: place.directory.number, as: path)
    }
    throw IOError(.createOutput, path, .tooManySymbolicLinkLevels)
  }

  /// The status of what is there; nil if nothing is.
  public func status(followingLinks: Bool = false) throws(IOError) -> FileStatus? {
    var status = stat()
    let result = name.withPlatformString {
      fstatat(directory.number, $0, &status, followingLinks ? 0 : AT_SYMLINK_NOFOLLOW)
    }
    if result == 0 { return FileStatus(status) }
    let reason = Errno.current
    // A link may lead nowhere, or round in a circle.
    if reason == .noSuchFileOrDirectory || followingLinks { return nil }
    throw IOError(.createOutput, path, reason)
  }

  /// Opens the directory of `target`, relative to the directory `start`.
  private static func looking(
    up target: FilePath, from start: Int32, as path: FilePath
  ) throws -> FilePlace {
    guard !target.isEmpty else { throw IOError(.createOutput, path, .noSuchFileOrDirectory) }
    guard let name = target.lastName else { throw FileRuleError.isDirectory(path) }
    let parent = target.directory
    do {
      return FilePlace(name, in: try Descriptor.openDirectory(parent, from: start), path: path)
    } catch FileRuleError.foreignLink {
      throw FileRuleError.foreignLink(path)
    } catch let reason as Errno {
      let way: FilePath = parent.isEmpty ? "." : parent
      switch reason {
      case .noSuchFileOrDirectory: throw FileRuleError.noDirectory(way)
      case .notDirectory where try FileStatus.at(way) == nil: throw FileRuleError.noDirectory(way)
      case .notDirectory: throw FileRuleError.notADirectory(way)
      default: throw IOError(.createOutput, path, reason)
      }
    }
  }

  /// Opens what is here, or what a link here leads to, for writing: a pipe, a terminal or a device, as it was
  /// `found`. A named pipe of another user is refused, who would get what was meant for a file.
  ///
  /// Throws `FileRuleError.foreignPipe`, `changed`, `IOError`.
  public func openSpecial(foundAs found: FileStatus) throws -> Descriptor {
    // A pipe without a name was handed over by whoever started this process.
    if found.isPipe, !found.isTrusted {
      guard FileSystemType.isOfPipes(try open(Descriptor.pathOnly)) else {
        throw FileRuleError.foreignPipe(path)
      }
    }
    let descriptor = try open(O_WRONLY | O_NOCTTY)
    let status = try descriptor.status()
    guard status.kind == .other, status.isSameFile(as: found) else {
      throw FileRuleError.changed(path)
    }
    return descriptor
  }

  private func open(_ flags: Int32) throws(IOError) -> Descriptor {
    let number = Descriptor.retrying {
      name.withPlatformString { openat(directory.number, $0, flags | O_CLOEXEC) }
    }
    guard number >= 0 else { throw .current(.createOutput, path) }
    return Descriptor(owning: number, path: path)
  }
}

extension FilePath {
  /// The text of a link, which is this one name in a directory; nil if it cannot be read.
  func linkTarget(in directory: Int32) -> FilePath? {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = withPlatformString { readlinkat(directory, $0, &target, Int(PATH_MAX)) }
    return count < 0 ? nil : FilePath(platformString: target)
  }
}
