import Glibc
import Synchronization
import SystemPackage

/// The directories of a run's outputs, and the work that is left to do for them at its end.
package final class MadeDirectories: Sendable {
  private struct State {
    /// False if nothing is brought to the disk.
    var isSynchronizing = true
    /// Directories that contain new names, which may not be on the disk.
    var changed: [Descriptor] = []
    var unfinished: [UnfinishedDirectory] = []
    var failures: [IOError] = []
    /// The number of threads that bring directories of `noteName` to the disk.
    var synchronizing = 0
  }

  private let state = Mutex(State())

  package init() {}

  /// Call before the first directory is made if nothing is to be brought to the disk.
  func neverSynchronize() { state.withLock { $0.isSynchronizing = false } }

  // MARK: During the run

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
    noteName(in: place.directory)
    guard let permissions, let made = try Self.open(place) else { return }
    let status = try made.status()
    if status.permissions == first, permissions == first { return }
    guard status.owner == geteuid(), Self.isEmpty(made) else { return }
    // The umask has cleared bits. Set-group-ID, which a directory inherits from its parent, stays.
    if status.permissions != first, fchmod(made.number, status.specialBits | first) != 0 {
      throw .current(.createOutput, place.path)
    }
    if permissions != first {
      add(.permissions(permissions), for: status, relative: relative, below: root)
    }
  }

  /// Lets the owner of a directory write to it until `finish`, if this is the user of the process
  /// and not root, who needs no permission.
  func makeAccessible(
    _ directory: Descriptor, relative: FilePath, below root: Descriptor
  ) throws(IOError) {
    let user = geteuid()
    guard user != 0 else { return }
    let status = try directory.status()
    guard status.owner == user, status.permissions & 0o700 != 0o700 else { return }
    // The descriptor only serves to open other files, so fchmod does not take it.
    let mode = status.specialBits | status.permissions | 0o700
    let result = "/proc/self/fd/\(directory.number)".withCString { chmod($0, mode) }
    if result == 0 {
      add(.permissions(status.permissions), for: status, relative: relative, below: root)
    }
  }

  /// Gives a directory these attributes in `finish`.
  func keep(
    _ attributes: FileAttributes, _ extended: ExtendedAttributes?, of status: FileStatus,
    relative: FilePath, below root: Descriptor, noting lost: LostAttributes
  ) {
    add(.attributes(attributes, extended, lost), for: status, relative: relative, below: root)
  }

  /// Forgets a directory that was removed.
  func forget(_ status: FileStatus) {
    state.withLock { state in
      state.unfinished.removeAll { $0.device == status.device && $0.inode == status.inode }
    }
  }

  private func add(
    _ wanted: UnfinishedDirectory.Wanted, for status: FileStatus, relative: FilePath,
    below root: Descriptor
  ) {
    let directory = UnfinishedDirectory(
      root: root, relative: relative, device: status.device, inode: status.inode, wanted: wanted)
    state.withLock { $0.unfinished.append(directory) }
  }

  // MARK: New names

  /// The most directories with new names that stay open.
  private static let openLimit = 64
  /// If there are more directories than this, the whole file system is synchronized instead of each
  /// directory.
  private static let singleLimit = 16

  /// Records that a directory contains a new name.
  func noteName(in directory: Descriptor) {
    let full = state.withLock { state -> [Descriptor] in
      guard state.isSynchronizing, state.changed.last !== directory else { return [] }
      state.changed.append(directory)
      guard state.changed.count > Self.openLimit else { return [] }
      state.synchronizing += 1
      defer { state.changed = [] }
      return state.changed
    }
    if full.isEmpty { return }
    let failures = Self.synchronize(full)
    state.withLock { state in
      state.synchronizing -= 1
      state.failures += failures
    }
  }

  /// True if no directory failed so far and none is on its way to the disk, so that the names of all
  /// outputs that the batch has completed are on the disk, with the directories above them.
  package var isSettled: Bool {
    state.withLock { $0.failures.isEmpty && $0.synchronizing == 0 }
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

  /// Brings the names in these directories to the disk. Returns the errors.
  private static func synchronize(_ directories: [Descriptor]) -> [IOError] {
    var failures: [IOError] = []
    var fileSystems: Set<UInt64> = []
    for directory in directories {
      do throws(IOError) {
        if directories.count > singleLimit {
          let device = try directory.status().device
          if fileSystems.contains(device) { continue }
          if (try? directory.reopened().synchronizeFileSystem()) != nil {
            fileSystems.insert(device)
            continue
          }
        }
        try directory.synchronizeNames(orFileSystemOf: nil)
      } catch {
        failures.append(error)
      }
    }
    return failures
  }

  // MARK: At the end

  /// Gives the directories their final attributes, after the last output is written. If
  /// `synchronizing`, brings them to the disk. Returns the errors.
  func finish(synchronizing: Bool) -> [IOError] {
    var (unfinished, changed, failures) = state.withLock { state in
      defer { (state.unfinished, state.changed, state.failures) = ([], [], []) }
      return (UnfinishedDirectory.last(state.unfinished), state.changed, state.failures)
    }
    let areMany = unfinished.count > Self.singleLimit
    var fileSystems: [UInt64: Descriptor] = [:]
    while let one = unfinished.popLast() {
      do throws(IOError) {
        guard let directory = try one.finish() else { continue }
        if areMany {
          fileSystems[one.device] = directory
        } else if synchronizing {
          try directory.synchronizeIfPossible()
        }
      } catch {
        failures.append(error)
      }
    }
    guard synchronizing else { return failures }
    for directory in fileSystems.values {
      do throws(IOError) { try directory.synchronizeFileSystem() } catch { failures.append(error) }
    }
    return failures + Self.synchronize(changed)
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
}
