import CLinux
import Glibc
import SystemPackage

extension Descriptor {
  /// Brings the file to the disk (`fsync`). Does nothing on the few file systems that do not have
  /// the call: there is nothing to wait for.
  func synchronizeIfPossible() throws(IOError) {
    guard Self.retrying({ fsync(number) }) != 0 else { return }
    let reason = Errno.current
    if !Self.missing.contains(reason) { throw IOError(.write, path, reason) }
  }

  /// The errors that mean that the system does not have the call for this file.
  private static let missing: [Errno] = [
    .invalidArgument, .notSupported, .notSupportedOnSocket, .noFunction, .readOnlyFileSystem,
  ]

  /// Brings the names in this directory to the disk. A directory that may be written but not read
  /// cannot be synchronized by itself. In that case the whole file system of `file`, a file in it,
  /// is synchronized.
  func synchronizeNames(orFileSystemOf file: Descriptor?) throws(IOError) {
    let number = Self.retrying { openat(self.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard number >= 0 else {
      try file?.synchronizeFileSystem()
      return
    }
    try Descriptor(owning: number, path: path).synchronizeIfPossible()
  }

  /// Brings the whole file system of this file to the disk (`syncfs`).
  package func synchronizeFileSystem() throws(IOError) {
    guard Self.retrying({ envcrypt_sync_file_system(number) }) != 0 else { return }
    let reason = Errno.current
    if !Self.missing.contains(reason) { throw IOError(.write, path, reason) }
  }

  /// Drops what the system has of this file in memory, so that it is read from the disk again. Has no
  /// effect on bytes that are not on the disk yet.
  package func readAgain() { _ = posix_fadvise(number, 0, 0, POSIX_FADV_DONTNEED) }

  /// Throws if the system failed to write back part of this file since it was opened. Waits for
  /// writes that are in progress, and starts none.
  func checkWrittenBack() throws(IOError) {
    guard Self.retrying({ envcrypt_check_written_back(number) }) != 0 else { return }
    switch Errno.current {
    case let reason where reason == .ioError || reason == .noSpace || reason.rawValue == EDQUOT:
      throw IOError(.write, path, reason)
    default: return
    }
  }
}

extension FilePlace {
  /// Brings the file that is open here to the disk: its bytes and its name.
  package func synchronize(_ file: Descriptor) throws(IOError) {
    try file.synchronizeIfPossible()
    try directory.synchronizeNames(orFileSystemOf: file)
  }
}
