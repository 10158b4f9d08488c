import Glibc
import Synchronization
import SystemPackage

/// A directory that collects outputs. Nothing is written outside it: its own path may lead through
/// a symbolic link unless another user may have made that, but below it no link to a directory or
/// to a file is followed, even if it is put there meanwhile.
package final class OutputDirectory: Sendable {
  package let path: FilePath
  private let descriptor: Descriptor
  private let made: MadeDirectories
  private let reserved: (any ReservedFiles)?
  /// The last directory that was returned. A tree is walked directory by directory, so it is often
  /// used again.
  private let latest = Mutex<(relative: FilePath, descriptor: Descriptor)?>(nil)

  private static let flags: Int32 = Descriptor.pathOnly | O_DIRECTORY | O_CLOEXEC

  /// Missing directories below it are made when outputs need them, and recorded in `made`.
  package init(
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

  package func status() throws(IOError) -> FileStatus { try descriptor.status() }

  /// Opens the directory `relative` below this one. Makes it if it is missing, with the last of
  /// `permissions`, and its missing parents with the permissions before that.
  func directory(_ relative: FilePath, permissions: [mode_t]) throws -> Descriptor {
    if relative.isEmpty { return descriptor }
    // One thread at a time: another must not use a directory that is not ready yet.
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

  /// Opens a directory without following a link.
  private static func open(_ name: UnsafePointer<CChar>, in parent: Descriptor) -> Int32 {
    Descriptor.retrying { openat(parent.number, name, flags | O_NOFOLLOW) }
  }
}

extension OutputFile {
  /// Prepares to write the file `relative` below `directory`. Missing directories on the way get
  /// `directoryPermissions`, of which the last is for the directory of the file. Throws
  /// `FileRuleError.symbolicLink` if there is a link on the way, and `notARegularFile` for a
  /// special file, even when replacing.
  package convenience init(
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

  /// Prepares to write at a place in an open directory. Does not follow a link, as below an
  /// `OutputDirectory`.
  package convenience init(
    beside place: FilePlace, replacing: Bool, permissions: mode_t?, source: FileStatus?,
    reserved: (any ReservedFiles)?, leftovers: Leftovers
  ) throws {
    try self.init(
      at: place, try place.status(), replacing: replacing, permissions: permissions,
      source: source, reserved: reserved, leftovers: leftovers)
  }
}
