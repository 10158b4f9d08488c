import Glibc
import SystemPackage

/// The place of an audit log: a name in a directory that was opened once. No link is followed under that name,
/// so nobody who may write the directory can have another file written or replaced.
struct AuditPlace: Sendable {
  /// The log as the user would name it.
  let path: FilePath
  let directory: Descriptor
  private let name: FilePath

  /// Throws if there is no such directory.
  init(_ path: FilePath) throws(IOError) {
    let parent = path.directory
    let number = Descriptor.retrying {
      (parent.isEmpty ? "." : parent).withPlatformString {
        Glibc.open($0, Descriptor.pathOnly | O_DIRECTORY | O_CLOEXEC)
      }
    }
    guard number >= 0 else { throw .current(.openInput, path) }
    self.path = path
    name = path.lastName ?? path
    directory = Descriptor(owning: number, path: parent)
  }

  /// The status of the file that has the name now; nil if there is none.
  func status() throws(IOError) -> FileStatus? {
    var status = stat()
    let result = name.withPlatformString {
      fstatat(directory.number, $0, &status, AT_SYMLINK_NOFOLLOW)
    }
    if result == 0 { return FileStatus(status) }
    guard systemErrno() == ENOENT else { throw .current(.openInput, path) }
    return nil
  }

  /// -1 and `errno` if it cannot be opened.
  func open(_ flags: Int32, permissions: mode_t = 0) -> Int32 {
    // A FIFO or a device must not make us wait.
    let flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
    return Descriptor.retrying {
      name.withPlatformString { openat(directory.number, $0, flags, permissions) }
    }
  }

  /// Opens a new file of mode 0600 in the same directory; -1 and `errno` if that cannot be.
  func create(_ other: FilePath) -> Int32 {
    Descriptor.retrying {
      (other.lastName ?? other).withPlatformString {
        openat(directory.number, $0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      }
    }
  }

  /// Gives the name to the file that has that of `other` in the same directory.
  func replace(by other: FilePath) throws(IOError) {
    let result = (other.lastName ?? other).withPlatformString { from in
      name.withPlatformString { renameat(directory.number, from, directory.number, $0) }
    }
    guard result == 0 else { throw .current(.createOutput, path) }
  }

  /// New names are on the disk when this returns.
  func synchronizeNames() {
    let number = openat(directory.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { return }
    fsync(number)
    close(number)
  }
}
