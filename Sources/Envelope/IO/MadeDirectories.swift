import Glibc
import Synchronization
import SystemPackage

/// The directories that a run makes for its outputs, and what is still to be done about them.
public final class MadeDirectories: Sendable {
  private struct State {
    /// Directories with new names in them that may not be on the disk.
    var changed: [Descriptor] = []
    var unfinished: [Unfinished] = []
  }

  /// A directory that its owner may not write to in the end, and has to until then.
  fileprivate struct Unfinished {
    let root: Descriptor
    let relative: FilePath
    let status: FileStatus
    let permissions: mode_t
  }

  private let state = Mutex(State())

  public init() {}

  /// Makes a directory, `relative` below `root`, with these permissions; without some they are 0777 less
  /// the umask. At no moment may anybody but its owner do more there. If it is there already it stays as
  /// it is. Nobody else uses it before this returns.
  func make(
    _ place: FilePlace, relative: FilePath, below root: Descriptor, permissions: mode_t?
  ) throws(IOError) {
    let first = permissions.map { $0 | 0o700 } ?? 0o777
    let result = place.name.withPlatformString { mkdirat(place.directory.number, $0, first) }
    guard result == 0 else {
      let reason = Errno.current
      if reason == .fileExists { return }
      throw IOError(.createOutput, place.path, reason)
    }
    state.withLock { $0.changed.append(place.directory) }
    guard let permissions, let made = try Self.open(place) else { return }
    let status = try made.status()
    if status.permissions == first, permissions == first { return }
    guard status.owner == geteuid(), Self.isEmpty(made) else { return }
    // The umask takes bits away.
    if status.permissions != first { try Self.setPermissions(first, of: made, status) }
    if permissions != first {
      let unfinished = Unfinished(
        root: root, relative: relative, status: status, permissions: permissions)
      state.withLock { $0.unfinished.append(unfinished) }
    }
  }

  /// The directories with new names in them, once.
  func takeChanged() -> [Descriptor] {
    state.withLock { state in
      defer { state.changed = [] }
      return state.changed
    }
  }

  /// The names in these directories are not on the disk after all.
  func putBack(_ changed: [Descriptor]) { state.withLock { $0.changed += changed } }

  /// Of more directories than this, the file system is synchronized and not each by itself.
  private static let singleLimit = 16

  /// Nothing more is written in any of them: they get the permissions that they have in the end, and are
  /// on the disk with them if it is `synchronizing`. Returns what was in the way.
  func finish(synchronizing: Bool) -> [IOError] {
    let (unfinished, changed) = state.withLock { state in
      defer { (state.unfinished, state.changed) = ([], []) }
      return (state.unfinished, state.changed)
    }
    let areMany = unfinished.count > Self.singleLimit
    var failures: [IOError] = []
    func noting(_ body: () throws(IOError) -> Void) {
      do throws(IOError) { try body() } catch { failures.append(error) }
    }
    var fileSystems: [UInt64: Descriptor] = [:]
    // Inner directories come first, while the outer ones can still be entered.
    for one in unfinished.reversed() {
      noting { () throws(IOError) in
        let directory = try one.finish()
        if areMany {
          fileSystems[one.status.device] = directory
        } else if synchronizing {
          try directory.synchronizeIfPossible()
        }
      }
    }
    guard synchronizing else { return failures }
    for directory in fileSystems.values {
      noting { () throws(IOError) in try directory.synchronizeFileSystem() }
    }
    for directory in changed {
      noting { () throws(IOError) in try directory.synchronizeNames(orFileSystemOf: nil) }
    }
    return failures
  }

  /// Nil if it was taken away.
  private static func open(_ place: FilePlace) throws(IOError) -> Descriptor? {
    let number = Descriptor.retrying {
      place.name.withPlatformString {
        openat(
          place.directory.number, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      }
    }
    return number < 0 ? nil : Descriptor(owning: number, path: place.path)
  }

  /// True if nothing is in a directory: another one that somebody put in its place may not be opened up.
  private static func isEmpty(_ directory: Descriptor) -> Bool {
    let copy = fcntl(directory.number, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { return false }
    guard let stream = fdopendir(copy) else {
      close(copy)
      return false
    }
    defer { closedir(stream) }
    // `.` and `..` are in all of them.
    var count = 0
    while count < 3, readdir(stream) != nil { count += 1 }
    return count < 3
  }

  /// Sets the permission bits, and leaves set-group-ID, which a directory has from the one above it.
  fileprivate static func setPermissions(
    _ permissions: mode_t, of directory: Descriptor, _ status: FileStatus
  ) throws(IOError) {
    guard fchmod(directory.number, status.specialBits | permissions) == 0 else {
      throw .current(.createOutput, directory.path)
    }
  }
}

extension MadeDirectories.Unfinished {
  fileprivate func finish() throws(IOError) -> Descriptor {
    let path = root.path.pushing(relative)
    let components = Array(relative.components)
    var current = root
    for (index, component) in components.enumerated() {
      let flags = index == components.count - 1 ? O_RDONLY : Descriptor.pathOnly
      let number = Descriptor.retrying {
        component.withPlatformString {
          openat(current.number, $0, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
      }
      guard number >= 0 else { throw .current(.createOutput, path) }
      current = Descriptor(owning: number, path: path)
    }
    let now = try current.status()
    guard now.isSameFile(as: status) else {
      throw IOError(.createOutput, path, .noSuchFileOrDirectory)
    }
    try MadeDirectories.setPermissions(permissions, of: current, now)
    return current
  }
}
