import Glibc
import Synchronization
import SystemPackage

/// A directory that outputs are collected below. Nothing is written outside it: what it is named by may
/// be a symbolic link, but below it none is followed, neither a directory's nor a file's, also where one
/// is put there meanwhile.
public final class OutputDirectory: Sendable {
  public let path: FilePath
  private let descriptor: Descriptor
  /// The directory that was asked for last: trees are walked directory by directory.
  private let latest = Mutex<(relative: FilePath, descriptor: Descriptor)?>(nil)

  /// `O_PATH`, a macro that does not import: to go on from, not to read.
  private static let flags: Int32 = 0o10000000 | O_DIRECTORY | O_CLOEXEC

  /// Without it a directory's own path leads there.
  let isProcMounted = access("/proc/self/fd", F_OK) == 0

  public init(_ path: FilePath) throws(IOError) {
    let number = Descriptor.retrying { path.withPlatformString { Glibc.open($0, Self.flags) } }
    guard number >= 0 else { throw .current(.createOutput, path) }
    self.path = path
    descriptor = Descriptor(owning: number, path: path)
  }

  /// The directory `relative` below this one; it is made where it is missing.
  func directory(_ relative: FilePath) throws -> Descriptor {
    if relative.isEmpty { return descriptor }
    if let latest = latest.withLock({ $0 }), latest.relative == relative {
      return latest.descriptor
    }
    var current = descriptor
    for component in relative.components {
      precondition(component.kind == .regular, "a path that leads back")
      current = try Self.open(component, in: current)
    }
    latest.withLock { $0 = (relative, current) }
    return current
  }

  private static func open(
    _ component: FilePath.Component, in parent: Descriptor
  ) throws -> Descriptor {
    let path = parent.path.appending(component)
    return try component.withPlatformString { name in
      var number = openat(parent.number, name, flags | O_NOFOLLOW)
      if number < 0, errno == ENOENT {
        guard mkdirat(parent.number, name, 0o777) == 0 || errno == EEXIST else {
          throw IOError.current(.createOutput, path)
        }
        number = openat(parent.number, name, flags | O_NOFOLLOW)
      }
      if number >= 0 { return Descriptor(owning: number, path: path) }
      let reason = Errno.current
      var status = stat()
      if fstatat(parent.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 {
        let kind = FileStatus(status).kind
        if kind == .symbolicLink { throw FileRuleError.symbolicLink(path) }
        if kind != .directory { throw FileRuleError.notADirectory(path) }
      }
      throw IOError(.createOutput, path, reason)
    }
  }
}

extension OutputFile {
  /// Prepares to write the file `relative` below `directory`. Throws `FileRuleError.symbolicLink` where
  /// a link is in the way, and `notARegularFile` for a special file, also when replacing.
  public convenience init(
    _ relative: FilePath, below directory: OutputDirectory, replacing: Bool,
    permissions: mode_t? = nil, source: FileStatus? = nil, leftovers: Leftovers
  ) throws {
    guard let name = relative.lastComponent, name.kind == .regular else {
      throw FileRuleError.isDirectory(directory.path.pushing(relative))
    }
    let parent = try directory.directory(relative.directory)
    let path = directory.path.pushing(relative)
    // Through /proc the name is looked up in the directory that was opened, wherever its own name
    // leads by now.
    let way = directory.isProcMounted ? FilePath("/proc/self/fd/\(parent.number)") : parent.path
    let destination = way.appending(name)
    let existing: FileStatus?
    do {
      existing = try FileStatus.at(destination, followingLinks: false)
    } catch {
      throw IOError(.createOutput, path, error.errno)
    }
    switch existing?.kind {
    case .symbolicLink: throw FileRuleError.symbolicLink(path)
    case .other: throw FileRuleError.notARegularFile(path)
    case .regular, .directory, nil: break
    }
    let place = Place(
      destination: destination, directory: parent, existing: existing,
      isProcMounted: directory.isProcMounted)
    try self.init(
      path, at: place, replacing: replacing, permissions: permissions, source: source,
      leftovers: leftovers)
  }
}
