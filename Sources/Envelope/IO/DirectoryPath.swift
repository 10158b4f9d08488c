import CLinux
import Glibc
import SystemPackage

extension Descriptor {
  /// `O_PATH`, a macro that does not import. Such a descriptor serves to open other files, not to
  /// read.
  package static let pathOnly: Int32 = 0o10000000

  /// Opens the directory `path`, relative to the directory `start`. Follows symbolic links on the
  /// way, except links that another user may have made to redirect this process.
  ///
  /// Throws `FileRuleError.foreignLink` for such a link, and system errors as `Errno`.
  static func openDirectory(
    _ path: FilePath, from start: Int32 = AT_FDCWD, flags: Int32 = pathOnly
  ) throws -> Descriptor {
    let way: FilePath = path.isEmpty ? "." : path
    let number = retrying {
      way.withPlatformString {
        envcrypt_open_without_links(start, $0, flags | O_DIRECTORY | O_CLOEXEC)
      }
    }
    if number >= 0 { return Descriptor(owning: number, path: path) }
    switch Errno.current {
    // A component is a link, or the system does not have the call or forbids it.
    case .tooManySymbolicLinkLevels, .noFunction, .notPermitted: break
    case let reason: throw reason
    }
    var walk = DirectoryWalk(path: path, from: start)
    try walk.go(way)
    return try walk.end(flags: flags)
  }
}

extension Descriptor {
  /// True if the directory at `path` is the directory with the status `other`, or below it.
  package static func isDirectory(
    _ path: FilePath, in other: FileStatus
  ) throws(IOError) -> Bool {
    var way = path
    var current: Descriptor?
    var before: FileStatus?
    while true {
      let number = retrying {
        way.withPlatformString {
          openat(current?.number ?? AT_FDCWD, $0, pathOnly | O_DIRECTORY | O_CLOEXEC)
        }
      }
      guard number >= 0 else { throw .current(.openInput, path) }
      let directory = Descriptor(owning: number, path: path)
      let status = try directory.status()
      if status.isSameFile(as: other) { return true }
      // The root is its own parent.
      if let before, status.isSameFile(as: before) { return false }
      (way, current, before) = ("..", directory, status)
    }
  }
}

extension FileStatus {
  /// True if this user or root made the link: one of them owns it, or nobody else may write to
  /// `directory`, which contains it.
  func isTrustedLink(in directory: @autoclosure () throws -> FileStatus) rethrows -> Bool {
    if isTrusted { return true }
    let directory = try directory()
    return directory.isTrusted && directory.permissions & 0o022 == 0
  }
}

/// A walk to a directory, component by component.
private struct DirectoryWalk {
  let path: FilePath
  private var current: Descriptor?
  private let start: Int32
  private var linkCount = 0

  init(path: FilePath, from start: Int32) {
    self.path = path
    self.start = start
  }

  private var number: Int32 { current?.number ?? start }

  mutating func go(_ way: FilePath) throws {
    if way.isAbsolute { try enter("/") }
    for component in way.components { try step(FilePath().appending(component)) }
  }

  /// The directory that the walk has reached.
  func end(flags: Int32) throws -> Descriptor {
    let last = Descriptor.retrying {
      openat(number, ".", flags | O_DIRECTORY | O_CLOEXEC)
    }
    guard last >= 0 else { throw Errno.current }
    return Descriptor(owning: last, path: path)
  }

  private mutating func step(_ name: FilePath) throws {
    let next = Descriptor.retrying {
      name.withPlatformString {
        openat(number, $0, Descriptor.pathOnly | O_NOFOLLOW | O_CLOEXEC)
      }
    }
    guard next >= 0 else { throw Errno.current }
    let found = Descriptor(owning: next, path: path)
    let status = try found.status()
    guard status.kind == .symbolicLink else {
      current = found
      return
    }
    let here = try openHere()
    guard try status.isTrustedLink(in: here.status()) else {
      throw FileRuleError.foreignLink(path)
    }
    linkCount += 1
    guard linkCount <= FilePlace.linkLimit else { throw Errno.tooManySymbolicLinkLevels }
    guard let target = name.linkTarget(in: number) else { throw Errno.current }
    // The text of a link in /proc is not its real target.
    let isMagic = FileSystemType.isProc(here)
    if isMagic { try enter(name) } else { try go(target) }
  }

  private mutating func enter(_ name: FilePath) throws {
    let next = Descriptor.retrying {
      name.withPlatformString {
        openat(number, $0, Descriptor.pathOnly | O_DIRECTORY | O_CLOEXEC)
      }
    }
    guard next >= 0 else { throw Errno.current }
    current = Descriptor(owning: next, path: path)
  }

  private func openHere() throws -> Descriptor { try end(flags: Descriptor.pathOnly) }
}
