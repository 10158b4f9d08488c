import Glibc
import SystemPackage

/// A name in an open directory. Reads and writes through it stay in that directory, even if the
/// path of the directory leads elsewhere later.
package struct FilePlace: Sendable {
  package let directory: Descriptor
  /// A single path component.
  package let name: FilePath
  /// The path that the user gave; nil if the place has the path of its directory and its name.
  private let givenPath: FilePath?

  /// The file as the user would name it. A walk over a tree makes many places, and few of them need
  /// it.
  package var path: FilePath { givenPath ?? directory.path.pushing(name) }

  /// `path` is the path as the user would name it, if it is not that of the directory and the name.
  package init(_ name: FilePath, in directory: Descriptor, path: FilePath? = nil) {
    self.directory = directory
    self.name = name
    givenPath = path
  }

  init(_ name: FilePath.Component, in directory: Descriptor) {
    self.init(FilePath().appending(name), in: directory)
  }

  /// A descriptor of the file at this place.
  func descriptor(owning number: Int32) -> Descriptor {
    Descriptor(
      owning: number, path: givenPath ?? name, in: givenPath == nil ? directory.path : nil)
  }

  /// The most links to follow, the same number as in the kernel.
  static let linkLimit = 40

  /// The place that `path` leads to, and the status of the file there. Follows a symbolic link
  /// unless another user may have made it, because that user could redirect the output. If the link
  /// leads to a pipe, a terminal or a device, the place is that of the link.
  ///
  /// Throws `FileRuleError.noDirectory`, `notADirectory`, `outputIsDirectory`, `foreignLink`, `IOError`.
  package static func following(
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

  /// The status of the file at this place; nil if there is none.
  package func status(followingLinks: Bool = false) throws(IOError) -> FileStatus? {
    var status = stat()
    let result = name.withPlatformString {
      fstatat(directory.number, $0, &status, followingLinks ? 0 : AT_SYMLINK_NOFOLLOW)
    }
    if result == 0 { return FileStatus(status) }
    let reason = Errno.current
    // A link may be dangling, or lead in a circle.
    if reason == .noSuchFileOrDirectory || followingLinks { return nil }
    throw IOError(.createOutput, path, reason)
  }

  /// Opens the directory of `target`, relative to the directory `start`.
  static func looking(
    up target: FilePath, from start: Int32, as path: FilePath
  ) throws -> FilePlace {
    guard !target.isEmpty else { throw IOError(.createOutput, path, .noSuchFileOrDirectory) }
    guard let name = target.lastName else {
      let isMissing = try start == AT_FDCWD && FileStatus.at(target, for: .createOutput) == nil
      throw isMissing ? FileRuleError.noDirectory(target) : .outputIsDirectory(path)
    }
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

  /// Opens a pipe, a terminal or a device for writing, here or at the target of a link here.
  /// `found` is its status from before. Refuses a named pipe of another user, who would receive
  /// data that was meant for a file.
  ///
  /// Throws `FileRuleError.foreignPipe`, `changed`, `IOError`.
  package func openSpecial(foundAs found: FileStatus) throws -> Descriptor {
    // The parent process handed over a pipe without a name, so that is trusted.
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
    return descriptor(owning: number)
  }
}

extension FilePath {
  /// The target of the symbolic link with this name in `directory`, as text; nil if it cannot be
  /// read.
  package func linkTarget(in directory: Int32) -> FilePath? {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = withPlatformString { readlinkat(directory, $0, &target, Int(PATH_MAX)) }
    return count < 0 ? nil : FilePath(platformString: target)
  }
}
