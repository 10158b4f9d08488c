import CLinux
import Glibc
import SystemPackage

extension Descriptor {
  /// Brings what was written to the disk, if the file system has a call for it. A few have none, and then
  /// there is nothing to wait for.
  func synchronizeIfPossible() throws(IOError) {
    guard Self.retrying({ fsync(number) }) != 0 else { return }
    let reason = Errno.current
    if !Self.missing.contains(reason) { throw IOError(.write, path, reason) }
  }

  /// The errors of a system that does not have the call for this file.
  private static let missing: [Errno] = [
    .invalidArgument, .notSupported, .notSupportedOnSocket, .noFunction, .readOnlyFileSystem,
  ]

  /// The names in this directory are on the disk when this returns. A directory that may be written and
  /// not read cannot be synchronized by itself: the whole file system of `file`, which is in it, can.
  func synchronizeNames(orFileSystemOf file: Descriptor?) throws(IOError) {
    let number = Self.retrying { openat(self.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard number >= 0 else {
      try file?.synchronizeFileSystem()
      return
    }
    try Descriptor(owning: number, path: path).synchronizeIfPossible()
  }

  /// Everything on the file's file system is on the disk when this returns.
  func synchronizeFileSystem() throws(IOError) {
    guard Self.retrying({ envcrypt_sync_file_system(number) }) != 0 else { return }
    let reason = Errno.current
    if !Self.missing.contains(reason) { throw IOError(.write, path, reason) }
  }

  /// Throws if the system could not write back something of this file since it was opened. It waits for
  /// what is on its way, and starts nothing.
  func checkWrittenBack() throws(IOError) {
    guard Self.retrying({ envcrypt_check_written_back(number) }) != 0 else { return }
    switch Errno.current {
    case let reason where reason == .ioError || reason == .noSpace || reason.rawValue == EDQUOT:
      throw IOError(.write, path, reason)
    default: return
    }
  }
}
