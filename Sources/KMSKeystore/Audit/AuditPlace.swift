import Envelope
import Glibc
import SystemPackage

/// The place of an audit log: a name in a directory that is opened once. A symbolic link under that
/// name is not followed, so a user who may write the directory cannot make us write or replace
/// another file.
package struct AuditPlace: Sendable {
  /// The path of the log, as the user would name it.
  let path: FilePath
  let directory: Descriptor
  private let name: FilePath

  /// Opens the directory. Throws if there is none.
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

  /// Returns the status of the file that has the name now; nil if there is none.
  func status() throws(IOError) -> FileStatus? {
    var status = stat()
    let result = name.withPlatformString {
      fstatat(directory.number, $0, &status, AT_SYMLINK_NOFOLLOW)
    }
    if result == 0 { return FileStatus(status) }
    guard systemErrno() == ENOENT else { throw .current(.openInput, path) }
    return nil
  }

  // MARK: The log and its keystore

  /// Returns the reason why an existing file cannot be the log of the keystore beside it; nil if it
  /// can be. In a directory that others may write to, another user could create the file first, and
  /// truncate it later. If the file does not have the name of a keystore's log, anybody may own it.
  func fault(
    of log: FileStatus, mayHaveOtherNames: Bool = false
  ) throws(IOError) -> AuditFileFault? {
    guard keystoreName != nil else { return nil }
    let keystore = try keystoreStatus()
    var owners = [0, geteuid()]
    if let keystore { owners.append(keystore.owner) }
    let sharingGroup = keystore.flatMap { $0.permissions & 0o020 != 0 ? $0.group : nil }
    guard owners.contains(log.owner) || log.group == sharingGroup else { return .owner(log.owner) }
    var writeBits = keystore.map { $0.permissions & 0o022 } ?? 0
    if log.group != sharingGroup { writeBits &= ~0o020 }
    guard log.permissions & 0o022 & ~writeBits == 0 else {
      return .writable(permissions: UInt32(log.permissions))
    }
    // An append would also change the file under its other name.
    return !mayHaveOtherNames && log.linkCount > 1 ? .severalNames : nil
  }

  /// The name of the keystore beside the log; nil unless the log has such a name with the suffix
  /// `AuditLog.fileSuffix`.
  private var keystoreName: [CChar]? {
    name.withPlatformString { name in
      let count = strlen(name) - AuditLog.fileSuffix.utf8.count
      guard count > 0, strcmp(name + count, AuditLog.fileSuffix) == 0 else { return nil }
      return Array(UnsafeBufferPointer(start: name, count: count)) + [0]
    }
  }

  /// Returns the status of the keystore beside the log; nil if there is none.
  func keystoreStatus() throws(IOError) -> FileStatus? {
    guard let keystoreName else { return nil }
    var status = stat()
    if fstatat(directory.number, keystoreName, &status, 0) == 0 { return FileStatus(status) }
    guard systemErrno() == ENOENT else { throw .current(.openInput, path) }
    return nil
  }

  // MARK: Files of the directory

  /// Opens the log. Returns -1 and sets `errno` on failure.
  func open(_ flags: Int32, permissions: mode_t = 0) -> Int32 {
    // Opening a FIFO or a device must not block.
    let flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
    return Descriptor.retrying {
      name.withPlatformString { openat(directory.number, $0, flags, permissions) }
    }
  }

  /// Creates a file of mode 0600 in the same directory. Returns -1 and sets `errno` on failure.
  func create(_ other: FilePath) -> Int32 {
    Descriptor.retrying {
      (other.lastName ?? other).withPlatformString {
        openat(directory.number, $0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      }
    }
  }

  /// Renames the file `other` in the same directory to the log's name.
  func replace(by other: FilePath) throws(IOError) {
    let result = (other.lastName ?? other).withPlatformString { from in
      name.withPlatformString { renameat(directory.number, from, directory.number, $0) }
    }
    guard result == 0 else { throw .current(.createOutput, path) }
  }

  /// Flushes new names to the disk.
  func synchronizeNames() {
    let number = openat(directory.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { return }
    fsync(number)
    close(number)
  }
}

/// A reason why a file cannot be the audit log of a keystore.
package enum AuditFileFault: Equatable, Sendable {
  /// It belongs to a user who is neither the keystore's owner, nor root, nor this user, nor a
  /// member of the group that shares the keystore.
  case owner(UInt32)
  /// Users may write to it who may not write to the keystore.
  case writable(permissions: UInt32)
  /// It has other names (hard links), so a write also changes the file under those names.
  case severalNames
}
