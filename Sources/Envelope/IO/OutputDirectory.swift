import Glibc
import Synchronization
import SystemPackage

/// A directory that collects outputs. Nothing is written outside it: its own path may lead through
/// a symbolic link unless another user may have made that, but below it no link to a directory or
/// to a file is followed, even if it is put there meanwhile.
///
/// A missing directory is made, with its missing parents, when the first output needs it.
package final class OutputDirectory: Sendable {
  package let path: FilePath
  /// The open directory with its status; nil as long as it is missing.
  private let root: Mutex<Root?>
  let made: MadeDirectories
  let reserved: (any ReservedFiles)?
  /// The last directory that was returned. A tree is walked directory by directory, so it is often
  /// used again.
  private let latest = Mutex<(relative: FilePath, descriptor: Descriptor)?>(nil)

  private static let flags: Int32 = Descriptor.pathOnly | O_DIRECTORY | O_CLOEXEC

  private struct Root {
    let descriptor: Descriptor
    let status: FileStatus

    init(_ descriptor: Descriptor) throws(IOError) {
      self.descriptor = descriptor
      status = try descriptor.status()
    }
  }

  /// Directories that are made for outputs are recorded in `made`.
  package init(
    _ path: FilePath, recording made: MadeDirectories = MadeDirectories(),
    reserved: (any ReservedFiles)? = nil
  ) throws {
    self.path = path
    self.made = made
    self.reserved = reserved
    root = Mutex(try Self.existing(path).map { try Root($0) })
  }

  /// The status of the directory; nil if it is missing.
  package func status() -> FileStatus? { root.withLock { $0?.status } }

  /// True if it is this directory. Waits for a thread that makes it, so that a walk which comes to
  /// the new directory knows it.
  func isSame(as other: FileStatus) -> Bool { status()?.isSameFile(as: other) ?? false }

  /// Opens the directory `path`; nil if it is missing.
  private static func existing(_ path: FilePath) throws -> Descriptor? {
    do {
      return try Descriptor.openDirectory(path)
    } catch let reason as Errno {
      if reason == .noSuchFileOrDirectory { return nil }
      throw IOError(.createOutput, path, reason)
    }
  }

  /// The directory itself, as a way to what is below it.
  func rootDirectory() throws -> Descriptor {
    try root.withLock { root in
      if let root { return root.descriptor }
      let made = try Root(try make(path))
      root = made
      return made.descriptor
    }
  }

  /// Opens a directory on the way to this one, or this one. Makes it if it is missing.
  private func make(_ path: FilePath) throws -> Descriptor {
    if let existing = try Self.existing(path) { return existing }
    guard let name = path.lastName else { throw FileRuleError.noDirectory(path) }
    let place = FilePlace(name, in: try make(path.directory), path: path)
    return try open(place, relative: name, below: place.directory, permissions: nil)
  }

  /// Opens the directory `relative` below this one. Makes it if it is missing, with the last of
  /// `permissions`, and its missing parents with the permissions before that.
  func directory(_ relative: FilePath, permissions: [mode_t]) throws -> Descriptor {
    let root = try rootDirectory()
    if relative.isEmpty { return root }
    // One thread at a time: another must not use a directory that is not ready yet.
    return try latest.withLock { latest in
      if let latest, latest.relative == relative { return latest.descriptor }
      let components = Array(relative.components)
      var current = root
      var way: FilePath = ""
      for (index, component) in components.enumerated() {
        precondition(component.kind == .regular, "a path that leads back")
        let above = components.count - index
        let mode = permissions.count < above ? nil : permissions[permissions.count - above]
        way.append(component)
        let place = FilePlace(component, in: current)
        current = try open(place, relative: way, below: root, permissions: mode)
      }
      latest = (relative, current)
      return current
    }
  }

  /// Opens the directory `relative` below this one; nil if it does not exist. Makes nothing.
  package func existing(_ relative: FilePath) throws -> Descriptor? {
    guard let root = root.withLock({ $0?.descriptor }) else { return nil }
    if relative.isEmpty { return root }
    return try latest.withLock { latest in
      if let latest, latest.relative == relative { return latest.descriptor }
      var current = root
      for component in relative.components {
        let place = FilePlace(component, in: current)
        let number = place.name.withPlatformString { Self.open($0, in: current) }
        if number < 0, Errno.current == .noSuchFileOrDirectory { return nil }
        current = try Self.opened(number, place)
      }
      latest = (relative, current)
      return current
    }
  }

  /// The place of the output `relative` below this directory. Missing directories on the way get
  /// `permissions`, of which the last is for the directory of the file. Throws
  /// `FileRuleError.symbolicLink` if there is a link on the way.
  package func place(_ relative: FilePath, permissions: [mode_t]) throws -> FilePlace {
    guard let name = relative.lastComponent, name.kind == .regular else {
      throw FileRuleError.outputIsDirectory(path.pushing(relative))
    }
    return try place(
      FilePath().appending(name), in: relative.directory, permissions: permissions)
  }

  /// Like `place(_:permissions:)`, for the name of a file and the path of its directory below this
  /// one.
  package func place(
    _ name: FilePath, in parent: FilePath, permissions: [mode_t]
  ) throws -> FilePlace {
    FilePlace(name, in: try directory(parent, permissions: permissions))
  }

  /// The place with the name `name` in the directory `parent` below this one; nil if that directory
  /// does not exist.
  package func existingPlace(_ name: FilePath, in parent: FilePath) throws -> FilePlace? {
    try existing(parent).map { FilePlace(name, in: $0) }
  }

  private func open(
    _ place: FilePlace, relative way: FilePath, below root: Descriptor, permissions: mode_t?
  ) throws -> Descriptor {
    try place.name.withPlatformString { name in
      var number = Self.open(name, in: place.directory)
      if number < 0, errno == ENOENT {
        try reserved?.check(place, existing: nil)
        try made.make(place, relative: way, below: root, permissions: permissions)
        number = Self.open(name, in: place.directory)
      }
      let directory = try Self.opened(number, place)
      if permissions != nil { try made.makeAccessible(directory, relative: way, below: root) }
      return directory
    }
  }

  /// The directory that was opened at a place. Throws the reason if `number` is negative.
  private static func opened(_ number: Int32, _ place: FilePlace) throws -> Descriptor {
    if number >= 0 { return Descriptor(owning: number, path: place.path) }
    let reason = Errno.current
    let status = try? place.status()
    if status?.kind == .symbolicLink { throw FileRuleError.symbolicLink(place.path) }
    if let status, status.kind != .directory { throw FileRuleError.notADirectory(place.path) }
    throw IOError(.createOutput, place.path, reason)
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
    try self.init(
      beside: try directory.place(relative, permissions: directoryPermissions),
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
