import Glibc
import Synchronization
import SystemPackage

/// The directories that a run makes for its outputs, and the work that is left to do for them.
package final class MadeDirectories: Sendable {
  private struct State {
    /// Directories that contain new names, which may not be on the disk.
    var changed: [Descriptor] = []
    var unfinished: [Unfinished] = []
  }

  /// A directory that gets its final permissions at the end of the run, because they do not give
  /// its owner the access that the run needs.
  fileprivate struct Unfinished {
    let root: Descriptor
    let relative: FilePath
    let status: FileStatus
    let permissions: mode_t
  }

  private let state = Mutex(State())

  package init() {}

  /// Makes a directory, `relative` below `root`, with these permissions, or with 0777 less the
  /// umask if `permissions` is nil. Until `finish` only the owner may have more permissions. A
  /// directory that exists is left as it is. No other thread may use the directory before this
  /// returns.
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
    // The umask has cleared bits.
    if status.permissions != first { try Self.setPermissions(first, of: made, status) }
    if permissions != first {
      let unfinished = Unfinished(
        root: root, relative: relative, status: status, permissions: permissions)
      state.withLock { $0.unfinished.append(unfinished) }
    }
  }

  /// Returns the directories that contain new names, and forgets them.
  func takeChanged() -> [Descriptor] {
    state.withLock { state in
      defer { state.changed = [] }
      return state.changed
    }
  }

  /// Takes back directories of `takeChanged` whose names are not on the disk yet.
  func putBack(_ changed: [Descriptor]) { state.withLock { $0.changed += changed } }

  /// If there are more directories than this, the whole file system is synchronized instead of each
  /// directory.
  private static let singleLimit = 16

  /// Gives the directories their final permissions, after the last output is written. If
  /// `synchronizing`, brings them to the disk. Returns the errors.
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

  /// Opens a directory; nil if that fails, for example because another process removed it.
  private static func open(_ place: FilePlace) throws(IOError) -> Descriptor? {
    let number = Descriptor.retrying {
      place.name.withPlatformString {
        openat(
          place.directory.number, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      }
    }
    return number < 0 ? nil : Descriptor(owning: number, path: place.path)
  }

  /// True if a directory is empty. A directory with files was put in the place of the new one by
  /// another process, and must not get wider permissions.
  private static func isEmpty(_ directory: Descriptor) -> Bool {
    let copy = fcntl(directory.number, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { return false }
    guard let stream = fdopendir(copy) else {
      close(copy)
      return false
    }
    defer { closedir(stream) }
    // Every directory contains `.` and `..`.
    var count = 0
    while count < 3, readdir(stream) != nil { count += 1 }
    return count < 3
  }

  /// Sets the permission bits. Keeps set-group-ID, which a directory inherits from its parent.
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
