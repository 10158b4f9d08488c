import Glibc
import SystemPackage

func systemErrno() -> Int32 { errno }

/// One owner of a file descriptor, and the calls this program makes on it: complete, retried after
/// EINTR, with the file's name in every error.
public final class Descriptor: Sendable {
  let number: Int32
  private let closes: Bool
  /// The file as the user would name it.
  public let path: FilePath

  init(owning number: Int32, path: FilePath) {
    self.number = number
    self.path = path
    closes = true
  }

  private init(borrowing number: Int32) {
    self.number = number
    path = "-"
    closes = false
  }

  deinit { if closes { close(number) } }

  public static var standardInput: Descriptor { Descriptor(borrowing: STDIN_FILENO) }
  public static var standardOutput: Descriptor { Descriptor(borrowing: STDOUT_FILENO) }

  /// Opens a file for reading. A directory is refused here, not at the first read.
  public static func openInput(_ path: FilePath) throws -> Descriptor {
    let number = retrying { path.withPlatformString { open($0, O_RDONLY | O_CLOEXEC | O_NOCTTY) } }
    guard number >= 0 else { throw IOError.current(.openInput, path) }
    let descriptor = Descriptor(owning: number, path: path)
    if try descriptor.status().kind == .directory { throw FileRuleError.isDirectory(path) }
    _ = posix_fadvise(number, 0, 0, POSIX_FADV_SEQUENTIAL)
    return descriptor
  }

  /// Opens the regular file that was found at a place. Throws `FileRuleError.changed` if another one, a
  /// link or a special file has taken its place.
  public static func openInput(
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
    let descriptor = Descriptor(owning: number, path: place.path)
    guard try descriptor.status().isSameFile(as: found) else {
      throw FileRuleError.changed(place.path)
    }
    _ = posix_fadvise(number, 0, 0, POSIX_FADV_SEQUENTIAL)
    return descriptor
  }

  /// What `fstat` says.
  public func status() throws(IOError) -> FileStatus {
    try FileStatus.of(descriptor: number, path)
  }

  /// Whether this is a terminal.
  public var isTerminal: Bool { isatty(number) == 1 }

  /// Reads at most as many bytes as `buffer` has; 0 says that the input has ended.
  func read(into buffer: inout MutableRawSpan) throws(IOError) -> Int {
    let count = buffer.withUnsafeMutableBytes { target in
      Self.retrying { Glibc.read(number, target.baseAddress, target.count) }
    }
    guard count >= 0 else { throw .current(.read, path) }
    return count
  }

  /// Reads at `offset`, at most as many bytes as `buffer` has; 0 says that the file ends there.
  func read(into buffer: inout MutableRawSpan, at offset: Int64) throws(IOError) -> Int {
    let count = buffer.withUnsafeMutableBytes { target in
      Self.retrying { pread(number, target.baseAddress, target.count, off_t(offset)) }
    }
    guard count >= 0 else { throw .current(.read, path) }
    return count
  }

  /// Writes some of `bytes` at `offset`; returns how many.
  func write(_ bytes: RawSpan, at offset: Int64) throws(IOError) -> Int {
    let count = bytes.withUnsafeBytes { source in
      Self.retrying { pwrite(number, source.baseAddress, source.count, off_t(offset)) }
    }
    guard count > 0 else { throw .current(.write, path) }
    return count
  }

  /// Cuts the file off behind `count` bytes.
  func truncate(to count: Int64) throws(IOError) {
    guard Self.retrying({ ftruncate(number, off_t(count)) }) == 0 else {
      throw .current(.write, path)
    }
  }

  /// What was written is on the disk when this returns.
  func synchronize() throws(IOError) {
    guard Self.retrying({ fsync(number) }) == 0 else { throw .current(.write, path) }
  }

  /// Leaves the descriptor open until the process ends.
  public func keepOpen() { _ = Unmanaged.passRetained(self) }

  /// Writes all of `bytes`.
  func write(_ bytes: RawSpan) throws(IOError) {
    var done = 0
    while done < bytes.byteCount {
      let count = bytes.withUnsafeBytes { source in
        Self.retrying { Glibc.write(number, source.baseAddress! + done, source.count - done) }
      }
      guard count > 0 else { throw .current(.write, path) }
      done += count
    }
  }

  /// Has the system say now what it would say when the descriptor is closed, when nobody could hear it
  /// any more: that there is no room on the server, or in the quota, for what was written.
  func flush() throws(IOError) {
    let copy = fcntl(number, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw .current(.write, path) }
    // Interrupted, it is closed all the same.
    guard close(copy) == 0 || systemErrno() == EINTR else { throw .current(.write, path) }
  }

  /// Gives a pipe the most room that an unprivileged process may give it: both ends then work for
  /// longer between waiting for each other. What is no pipe, or may not grow, stays as it is.
  func enlargePipe() {
    // F_SETPIPE_SZ and F_GETPIPE_SZ, macros that do not import.
    let (set, get): (Int32, Int32) = (1031, 1032)
    let wanted: Int32 = 1 << 20
    if case 0..<wanted = fcntl(number, get) { _ = fcntl(number, set, wanted) }
  }

  /// Repeats `call` while a signal interrupts it.
  static func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
      let result = call()
      if result != -1 || errno != EINTR { return result }
    }
  }
}

/// What the system knows of a file.
public struct FileStatus: Sendable {
  public enum Kind: Equatable, Sendable { case regular, directory, symbolicLink, other }

  public let kind: Kind
  let isPipe: Bool
  /// Bytes; meaningful for regular files only.
  public let size: Int64
  /// Permission bits, without set-user-ID, set-group-ID and sticky.
  public let permissions: mode_t
  /// Set-user-ID, set-group-ID and sticky.
  let specialBits: mode_t
  /// Of a directory: files in it get its group, and nobody else comes in, which nobody sets by mistake.
  let isSharedByGroup: Bool
  /// Of a directory: only who owns a file in it may take its name away.
  let isSticky: Bool
  /// True if the file has a name. One without is its opener's alone, whatever its permissions.
  let isNamed: Bool
  public let device: UInt64
  public let inode: UInt64
  public let owner: uid_t
  public let group: gid_t
  /// How many names the file has.
  let linkCount: UInt64
  let accessTime: timespec
  let modificationTime: timespec
  /// When contents, permissions, owner or names last changed. Nobody can set it back.
  let changeTime: timespec

  init(_ status: stat) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: kind = .regular
    case S_IFDIR: kind = .directory
    case S_IFLNK: kind = .symbolicLink
    default: kind = .other
    }
    isPipe = status.st_mode & S_IFMT == S_IFIFO
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

  /// The status of a file that somebody else has opened.
  public static func of(descriptor number: Int32, _ path: FilePath) throws(IOError) -> FileStatus {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw .current(.openInput, path) }
    return FileStatus(status)
  }

  /// What stands at `path`, or nil where nothing does.
  public static func at(_ path: FilePath, followingLinks: Bool = true) throws(IOError)
    -> FileStatus?
  {
    var status = stat()
    let result = path.withPlatformString {
      followingLinks ? stat($0, &status) : lstat($0, &status)
    }
    if result == 0 { return FileStatus(status) }
    let reason = Errno.current
    if reason == .noSuchFileOrDirectory || reason == .notDirectory { return nil }
    throw IOError(.openInput, path, reason)
  }

  /// What stands under `name` in a directory, links not followed; nil where nothing does.
  static func at(
    _ name: FilePath.Component, in directory: Descriptor
  ) throws(IOError) -> FileStatus? {
    var status = stat()
    let result = name.withPlatformString {
      fstatat(directory.number, $0, &status, AT_SYMLINK_NOFOLLOW)
    }
    if result == 0 { return FileStatus(status) }
    let reason = Errno.current
    if reason == .noSuchFileOrDirectory { return nil }
    throw IOError(.openInput, directory.path.appending(name), reason)
  }

  /// True if it belongs to this user or to root, and so does not lead astray.
  var isTrusted: Bool { owner == 0 || owner == geteuid() }

  /// Whether both are one file.
  public func isSameFile(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode
  }

  /// True if both are one file with the same contents, as far as size and times tell.
  public func isUnchanged(since other: FileStatus) -> Bool {
    isSameFile(as: other) && size == other.size
      && Self.areEqual(modificationTime, other.modificationTime)
      && Self.areEqual(changeTime, other.changeTime)
  }

  private static func areEqual(_ time: timespec, _ other: timespec) -> Bool {
    time.tv_sec == other.tv_sec && time.tv_nsec == other.tv_nsec
  }
}
