import Glibc
import Synchronization
import SystemPackage

/// A directory that outputs are collected below. Nothing is written outside it: what it is named by may
/// be a symbolic link, unless another user may have made that, but below it none is followed, neither a directory's nor a file's, even if one
/// is put there meanwhile.
public final class OutputDirectory: Sendable {
  public let path: FilePath
  private let descriptor: Descriptor
  private let made: MadeDirectories
  private let reserved: (any ReservedFiles)?
  /// The directory that was asked for last: trees are walked directory by directory.
  private let latest = Mutex<(relative: FilePath, descriptor: Descriptor)?>(nil)

  private static let flags: Int32 = Descriptor.pathOnly | O_DIRECTORY | O_CLOEXEC

  /// Directories that are missing below it are made, and recorded in `made`.
  public init(
    _ path: FilePath, recording made: MadeDirectories = MadeDirectories(),
    reserved: (any ReservedFiles)? = nil
  ) throws {
    do {
      descriptor = try Descriptor.openDirectory(path)
    } catch let reason as Errno {
      throw IOError(.createOutput, path, reason)
    }
    self.path = path
    self.made = made
    self.reserved = reserved
  }

  public func status() throws(IOError) -> FileStatus { try descriptor.status() }

  /// The directory `relative` below this one. If it is missing, it is made, with the permissions that
  /// the last of `permissions` says, and so is what is missing above it, with those before.
  func directory(_ relative: FilePath, permissions: [mode_t]) throws -> Descriptor {
    if relative.isEmpty { return descriptor }
    // One thread at a time: what is being made is not complete for another.
    return try latest.withLock { latest in
      if let latest, latest.relative == relative { return latest.descriptor }
      let components = Array(relative.components)
      var current = descriptor
      var way: FilePath = ""
      for (index, component) in components.enumerated() {
        precondition(component.kind == .regular, "a path that leads back")
        let above = components.count - index
        let mode = permissions.count < above ? nil : permissions[permissions.count - above]
        way.append(component)
        current = try open(way, component, in: current, permissions: mode)
      }
      latest = (relative, current)
      return current
    }
  }

  private func open(
    _ way: FilePath, _ component: FilePath.Component, in parent: Descriptor, permissions: mode_t?
  ) throws -> Descriptor {
    let place = FilePlace(component, in: parent, path: parent.path.appending(component))
    return try place.name.withPlatformString { name in
      var number = Self.open(name, in: parent)
      if number < 0, errno == ENOENT {
        try reserved?.check(place, existing: nil)
        try made.make(place, relative: way, below: descriptor, permissions: permissions)
        number = Self.open(name, in: parent)
      }
      if number >= 0 { return Descriptor(owning: number, path: place.path) }
      let reason = Errno.current
      let status = try? place.status()
      if status?.kind == .symbolicLink { throw FileRuleError.symbolicLink(place.path) }
      if let status, status.kind != .directory { throw FileRuleError.notADirectory(place.path) }
      throw IOError(.createOutput, place.path, reason)
    }
  }

  /// Does not follow a link.
  private static func open(_ name: UnsafePointer<CChar>, in parent: Descriptor) -> Int32 {
    Descriptor.retrying { openat(parent.number, name, flags | O_NOFOLLOW) }
  }
}

extension OutputFile {
  /// Prepares to write the file `relative` below `directory`. `directoryPermissions` are for the
  /// directories on the way that are missing, the last ones for the file's own. Throws
  /// `FileRuleError.symbolicLink` if a link is in the way, and `notARegularFile` for a special file, even
  /// when replacing.
  public convenience init(
    _ relative: FilePath, below directory: OutputDirectory, directoryPermissions: [mode_t] = [],
    replacing: Bool, permissions: mode_t? = nil, source: FileStatus? = nil,
    reserved: (any ReservedFiles)? = nil, leftovers: Leftovers
  ) throws {
    guard let name = relative.lastComponent, name.kind == .regular else {
      throw FileRuleError.isDirectory(directory.path.pushing(relative))
    }
    try self.init(
      beside: FilePlace(
        name,
        in: try directory.directory(relative.directory, permissions: directoryPermissions),
        path: directory.path.pushing(relative)),
      replacing: replacing, permissions: permissions, source: source, reserved: reserved,
      leftovers: leftovers)
  }

  /// Prepares to write at a place in a directory that is open. No link is followed, as below an
  /// `OutputDirectory`.
  public convenience init(
    beside place: FilePlace, replacing: Bool, permissions: mode_t?, source: FileStatus?,
    reserved: (any ReservedFiles)?, leftovers: Leftovers
  ) throws {
    try self.init(
      at: place, try place.status(), replacing: replacing, permissions: permissions,
      source: source, reserved: reserved, leftovers: leftovers)
  }
}
