import Glibc
import SystemPackage

package func systemErrno() -> Int32 { errno }

/// The owner of a file descriptor, with the system calls that this program makes on it. Calls are
/// retried after EINTR, and every error names the file.
public final class Descriptor: Sendable {
  package let number: Int32
  private let closes: Bool
  /// The path below `directoryPath`, or the whole path.
  private let name: FilePath
  private let directoryPath: FilePath?

  /// The file as the user would name it.
  public var path: FilePath { directoryPath?.pushing(name) ?? name }

  /// Takes over an open file descriptor, which it closes at the end of its lifetime. `path` names it
  /// in errors.
  public convenience init(owning number: Int32, path: FilePath) {
    self.init(owning: number, path: path, in: nil)
  }

  /// Like `init(owning:path:)`, for the path `name` below `directoryPath`.
  init(owning number: Int32, path name: FilePath, in directoryPath: FilePath?) {
    self.number = number
    self.name = name
    self.directoryPath = directoryPath
    closes = true
  }

  private init(borrowing number: Int32) {
    self.number = number
    name = "-"
    directoryPath = nil
    closes = false
  }

  deinit { if closes { close(number) } }

  /// Standard input, which stays open.
  public static var standardInput: Descriptor { Descriptor(borrowing: STDIN_FILENO) }
  /// Standard output, which stays open.
  public static var standardOutput: Descriptor { Descriptor(borrowing: STDOUT_FILENO) }

  /// Opens a file for reading. Throws `FileRuleError.isDirectory` for a directory, here and not at
  /// the first read, and `IOError` if the system refuses.
  public static func openInput(_ path: FilePath) throws -> Descriptor {
    try openInput(path, waiting: true)
  }

  /// Like `openInput(_:)`. Does not wait for the writer of a FIFO unless `waiting`.
  package static func openInput(_ path: FilePath, waiting: Bool) throws -> Descriptor {
    let flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (waiting ? 0 : O_NONBLOCK)
    let number = retrying { path.withPlatformString { open($0, flags) } }
    guard number >= 0 else { throw IOError.current(.openInput, path) }
    let descriptor = Descriptor(owning: number, path: path)
    if try descriptor.status().kind == .directory { throw FileRuleError.isDirectory(path) }
    _ = posix_fadvise(number, 0, 0, POSIX_FADV_SEQUENTIAL)
    return descriptor
  }

  /// Opens the regular file that was found at a place. Throws `FileRuleError.changed` if another
  /// file, a link or a special file has taken its place.
  package static func openInput(
    _ place: FilePlace, foundAs found: FileStatus
  ) throws -> Descriptor {
    let flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK
    let number = retrying {
      place.name.withPlatformString { openat(place.directory.number, $0, flags) }
    }
    guard number >= 0 else {
      let reason = Errno.current
      throw [.tooManySymbolicLinkLevels, .noSuchAddressOrDevice].contains(reason)
        ? FileRuleError.changed(place.path) : IOError(.openInput, place.path, reason)
    }
    let descriptor = place.descriptor(owning: number)
    guard try descriptor.status().isSameFile(as: found) else {
      throw FileRuleError.changed(place.path)
    }
    _ = posix_fadvise(number, 0, 0, POSIX_FADV_SEQUENTIAL)
    return descriptor
  }

  /// Returns the status of the open file (`fstat`).
  public func status() throws(IOError) -> FileStatus {
    try FileStatus.of(descriptor: number, path)
  }

  /// True if the descriptor is a terminal.
  package var isTerminal: Bool { isatty(number) == 1 }

  /// Reads at most as many bytes as `buffer` holds. Returns 0 at the end of the input.
  func read(into buffer: inout MutableRawSpan) throws(IOError) -> Int {
    let count = buffer.withUnsafeMutableBytes { target in
      Self.retrying { Glibc.read(number, target.baseAddress, target.count) }
    }
    guard count >= 0 else { throw .current(.read, path) }
    return count
  }

  /// Reads at `offset`, at most as many bytes as `buffer` holds. Returns 0 at the end of the file.
  package func read(into buffer: inout MutableRawSpan, at offset: Int64) throws(IOError) -> Int {
    let count = buffer.withUnsafeMutableBytes { target in
      Self.retrying { pread(number, target.baseAddress, target.count, off_t(offset)) }
    }
    guard count >= 0 else { throw .current(.read, path) }
    return count
  }

  /// Writes some of `bytes` at `offset`; returns their number.
  package func write(_ bytes: RawSpan, at offset: Int64) throws(IOError) -> Int {
    let count = bytes.withUnsafeBytes { source in
      Self.retrying { pwrite(number, source.baseAddress, source.count, off_t(offset)) }
    }
    guard count > 0 else { throw .current(.write, path) }
    return count
  }

  /// Truncates the file to `count` bytes.
  package func truncate(to count: Int64) throws(IOError) {
    guard Self.retrying({ ftruncate(number, off_t(count)) }) == 0 else {
      throw .current(.write, path)
    }
  }

  /// Writes the file to the disk (`fsync`).
  package func synchronize() throws(IOError) {
    guard Self.retrying({ fsync(number) }) == 0 else { throw .current(.write, path) }
  }

  /// Gives the file the owner, group and mode of another file. A process without the right to give
  /// files away leaves the owner, or the group too, and then gives nobody access that the other
  /// file does not give.
  package func take(ownerAndModeOf other: FileStatus) throws(IOError) {
    if fchown(number, other.owner, other.group) != 0 { _ = fchown(number, uid_t.max, other.group) }
    let now = try status()
    guard fchmod(number, other.permissions(forOwner: now.owner, group: now.group)) == 0 else {
      throw .current(.createOutput, path)
    }
  }

  /// `AT_EMPTY_PATH`, a macro that does not import: the open file itself.
  static let itself: Int32 = 0x1000

  /// Gives the open file a name, or another name. Returns the error.
  func link(to name: FilePath, in directory: Descriptor) -> Errno? {
    // Root may do this, and since Linux 6.10 also the user who opened the file.
    let result = name.withPlatformString {
      linkat(number, "", directory.number, $0, Self.itself)
    }
    if result == 0 { return nil }
    let reason = Errno.current
    guard [.noSuchFileOrDirectory, .notPermitted, .invalidArgument].contains(reason) else {
      return reason
    }
    let linked = "/proc/self/fd/\(number)".withCString { from in
      name.withPlatformString {
        linkat(AT_FDCWD, from, directory.number, $0, AT_SYMLINK_FOLLOW)
      }
    }
    return linked == 0 ? nil : .current
  }

  /// Leaves the descriptor open until the process ends.
  package func keepOpen() { _ = Unmanaged.passRetained(self) }

  /// Writes all of `bytes`.
  package func write(_ bytes: RawSpan) throws(IOError) {
    var done = 0
    while done < bytes.byteCount {
      let count = bytes.withUnsafeBytes { source in
        Self.retrying { Glibc.write(number, source.baseAddress! + done, source.count - done) }
      }
      guard count > 0 else { throw .current(.write, path) }
      done += count
    }
  }

  /// Throws the errors that `close` would report when it is too late to handle them: no room on the
  /// server, or in the quota, for the written bytes. Closes a duplicate of the descriptor for that.
  package func flush() throws(IOError) {
    let copy = fcntl(number, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw .current(.write, path) }
    // An interrupted close closes the descriptor all the same.
    guard close(copy) == 0 || systemErrno() == EINTR else { throw .current(.write, path) }
  }

  /// Enlarges a pipe to 1 MiB, the most that an unprivileged process may set by default, so that
  /// its two ends wait for each other less often. Does nothing if the descriptor is not a pipe or
  /// the pipe may not grow.
  func enlargePipe() {
    // F_SETPIPE_SZ and F_GETPIPE_SZ, macros that do not import.
    let (set, get): (Int32, Int32) = (1031, 1032)
    let wanted: Int32 = 1 << 20
    if case 0..<wanted = fcntl(number, get) { _ = fcntl(number, set, wanted) }
  }

  /// Calls `call` again as long as signals interrupt it.
  package static func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
      let result = call()
      if result != -1 || errno != EINTR { return result }
    }
  }
}

/// The status of a file, as `stat` returns it. An `OutputFile` takes the status of its input.
public struct FileStatus: Sendable {
  package enum Kind: Equatable, Sendable { case regular, directory, symbolicLink, other }

  package let kind: Kind
  let isPipe: Bool
  package let isDevice: Bool
  /// Bytes; meaningful for regular files only.
  package let size: Int64
  /// Permission bits, without set-user-ID, set-group-ID and sticky.
  package let permissions: mode_t
  /// Set-user-ID, set-group-ID and sticky.
  let specialBits: mode_t
  /// True if the set-group-ID bit is set and others have no access. A directory has both only on
  /// purpose; new files in it get its group.
  package let isSharedByGroup: Bool
  /// True if the sticky bit is set: in such a directory only the owner of a file or of the
  /// directory may rename or remove the file.
  package let isSticky: Bool
  /// The permission bits that a copy of a directory gets. With the sticky bit too, because without it
  /// others could remove the files in a directory that everybody may write to.
  var directoryPermissions: mode_t { permissions | (isSticky ? S_ISVTX : 0) }
  /// True if the file has a name. A file without a name belongs to the processes that have it open,
  /// whatever its permissions.
  let isNamed: Bool
  package let device: UInt64
  package let inode: UInt64
  package let owner: uid_t
  package let group: gid_t
  /// The number of hard links.
  package let linkCount: UInt64
  let accessTime: timespec
  let modificationTime: timespec
  /// The time of the last change of contents, permissions, owner or names. No system call sets it
  /// back.
  let changeTime: timespec

  package init(_ status: stat) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: kind = .regular
    case S_IFDIR: kind = .directory
    case S_IFLNK: kind = .symbolicLink
    default: kind = .other
    }
    isPipe = status.st_mode & S_IFMT == S_IFIFO
    isDevice = [S_IFCHR, S_IFBLK].contains(status.st_mode & S_IFMT)
    size = Int64(status.st_size)
    permissions = status.st_mode & 0o777
    specialBits = status.st_mode & 0o7000
    isSharedByGroup = status.st_mode & S_ISGID != 0 && status.st_mode & 0o007 == 0
    isSticky = status.st_mode & S_ISVTX != 0
    isNamed = status.st_nlink > 0
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    owner = status.st_uid
    group = status.st_gid
    linkCount = UInt64(status.st_nlink)
    accessTime = status.st_atim
    modificationTime = status.st_mtim
    changeTime = status.st_ctim
  }

  /// The status of an open file that no `Descriptor` owns.
  package static func of(
    descriptor number: Int32, _ path: @autoclosure () -> FilePath
  ) throws(IOError) -> FileStatus {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw .current(.openInput, path()) }
    return FileStatus(status)
  }

  /// The status of the file at `path`; nil if there is none.
  package static func at(
    _ path: FilePath, followingLinks: Bool = true, for operation: IOError.Operation = .openInput
  ) throws(IOError) -> FileStatus? {
    var status = stat()
    let result = path.withPlatformString {
      followingLinks ? stat($0, &status) : lstat($0, &status)
    }
    if result == 0 { return FileStatus(status) }
    let reason = Errno.current
    if reason == .noSuchFileOrDirectory || reason == .notDirectory { return nil }
    throw IOError(operation, path, reason)
  }

  /// The status of the file `name` in a directory; nil if there is none. Does not follow a link.
  static func at(
    _ name: FilePath, in directory: Descriptor
  ) throws(IOError) -> FileStatus? {
    var status = stat()
    let result = name.withPlatformString {
      fstatat(directory.number, $0, &status, AT_SYMLINK_NOFOLLOW)
    }
    if result == 0 { return FileStatus(status) }
    let reason = Errno.current
    if reason == .noSuchFileOrDirectory { return nil }
    throw IOError(.openInput, directory.path.pushing(name), reason)
  }

  /// True if the owner is this user or root, whose links and pipes are trusted.
  var isTrusted: Bool { owner == 0 || owner == geteuid() }

  /// True if both are the same file.
  package func isSameFile(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode
  }

  /// True if both are the same file and size and times give no sign of a change.
  package func isUnchanged(since other: FileStatus) -> Bool {
    isSameFile(as: other) && size == other.size
      && Self.areEqual(modificationTime, other.modificationTime)
      && Self.areEqual(changeTime, other.changeTime)
  }

  /// True if names, owner, permissions, attributes or contents of this file changed after the other
  /// file did.
  package func hasChangedAfter(_ other: FileStatus) -> Bool {
    (changeTime.tv_sec, changeTime.tv_nsec) > (other.changeTime.tv_sec, other.changeTime.tv_nsec)
  }

  private static func areEqual(_ time: timespec, _ other: timespec) -> Bool {
    time.tv_sec == other.tv_sec && time.tv_nsec == other.tv_nsec
  }
}
