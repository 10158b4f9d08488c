import CSQLite
import Envelope
import GRDB
import Glibc
import Synchronization

/// A reason why a file beside a keystore is not one that SQLite may use.
package enum JournalFault: Equatable, Sendable {
  /// It belongs to a user who is neither the keystore's owner, nor root, nor this user, nor a
  /// member of the group that shares the keystore.
  case owner(UInt32)
  /// Users may write to it who may not write to the keystore.
  case writable(permissions: UInt32)
  /// It has several names (hard links), so it is another file, too.
  case severalNames(UInt64)
}

/// Tells if SQLite may use a file beside a keystore: a rollback journal, or what the WAL mode
/// needs.
///
/// In a directory that others may write to, another user could make such a file first. SQLite would
/// write its pages into the keystore, or keep the keystore's pages in it.
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

  /// Makes SQLite obey the rule for a connection. SQLite opens its files by name, each time it
  /// needs one, so a look at the name before that would be too early. This looks at the file that
  /// is open.
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

  /// Replaces the function with which SQLite opens files, once.
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
  /// does not wait for a FIFO, and refuses a file against the rule. Returns -1 and sets `errno` on
  /// failure.
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
