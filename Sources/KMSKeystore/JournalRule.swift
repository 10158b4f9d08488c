import CSQLite
import Envelope
import GRDB
import Glibc
import Synchronization

/// A reason why SQLite must not use a file beside a keystore.
package enum JournalFault: Equatable, Sendable {
  /// The file belongs to a user who is neither the keystore's owner, nor root, nor this user, nor a
  /// member of the group that shares the keystore.
  case owner(UInt32)
  /// Users who may not write to the keystore may write to the file.
  case writable(permissions: UInt32)
  /// The file has several names (hard links), so it also serves as another file.
  case severalNames(UInt64)
}

/// The rule for the files beside a keystore that SQLite may use: a rollback journal, and the files
/// that the WAL mode needs.
///
/// In a directory that others may write to, another user could make such a file first. SQLite would
/// write the pages of that file into the keystore, or store the keystore's pages in that file.
struct JournalRule: Sendable {
  private let owners: [uid_t]
  /// The group that shares the keystore; nil if it is not shared.
  private let sharers: gid_t?

  /// Makes the rule for a keystore with this status.
  init(of keystore: FileStatus, isShared: Bool = false) {
    owners = [keystore.owner, 0, geteuid()]
    sharers = isShared && keystore.permissions & 0o020 != 0 ? keystore.group : nil
  }

  /// Returns the reason why SQLite may not use a regular file; nil if it may.
  func fault(of file: FileStatus) -> JournalFault? {
    let isOfGroup = file.group == sharers
    guard owners.contains(file.owner) || isOfGroup else { return .owner(file.owner) }
    guard file.permissions & (isOfGroup ? 0o002 : 0o022) == 0 else {
      return .writable(permissions: UInt32(file.permissions))
    }
    return file.linkCount > 1 ? .severalNames(file.linkCount) : nil
  }

  // MARK: SQLite's own files

  /// The rules of the keystores that this process has opened, by the names of the files. Names are
  /// bytes, because SQLite passes bytes.
  private static let rules = Mutex<[[CChar]: JournalRule]>([:])

  /// Makes SQLite obey the rule for a connection. SQLite opens a file by its name each time it
  /// needs the file, so a check before that would be too early. The rule is therefore applied to
  /// the open file.
  func enforce(on db: Database) {
    guard Self.isInstalled, let name = sqlite3_db_filename(db.sqliteConnection, "main") else {
      return
    }
    let path = Array(UnsafeBufferPointer(start: name, count: strlen(name)))
    if path.isEmpty { return }
    Self.rules.withLock { rules in
      for ending in KeystoreFile.companions {
        rules[path + ending.utf8.map { CChar(bitPattern: $0) }] = self
      }
    }
  }

  /// True if SQLite opens files with our function. The first access replaces SQLite's own function.
  private static let isInstalled: Bool = {
    guard let system = sqlite3_vfs_find(nil), system.pointee.iVersion >= 3,
      let replace = system.pointee.xSetSystemCall
    else { return false }
    let function: @convention(c) (UnsafePointer<CChar>?, Int32, Int32) -> Int32 = {
      JournalRule.open($0, flags: $1, permissions: $2)
    }
    let pointer = unsafeBitCast(function, to: sqlite3_syscall_ptr.self)
    return replace(system, "open", pointer) == SQLITE_OK
  }()

  /// Opens a file for SQLite. If there is a rule for the name, does not follow a symbolic link,
  /// does not wait for a FIFO, and refuses a file that the rule forbids. Returns -1 and sets
  /// `errno` on failure.
  private static func open(
    _ name: UnsafePointer<CChar>?, flags: Int32, permissions: Int32
  ) -> Int32 {
    guard let name else {
      errno = EFAULT
      return -1
    }
    let permissions = mode_t(truncatingIfNeeded: permissions)
    let path = Array(UnsafeBufferPointer(start: name, count: strlen(name)))
    guard let rule = rules.withLock({ $0[path] }) else {
      return Glibc.open(name, flags, permissions)
    }
    let number = Glibc.open(name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, permissions)
    guard number >= 0 else { return -1 }
    var status = stat()
    if fstat(number, &status) == 0 {
      let file = FileStatus(status)
      if file.kind == .regular, rule.fault(of: file) == nil { return number }
    }
    close(number)
    errno = EPERM
    return -1
  }
}
