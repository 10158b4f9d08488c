import CSQLite
import GRDB

/// The state of a keystore at one moment. It can tell later if anything has changed since.
///
/// Every commit raises a number in the file's header (SQLite's "file change counter"). To read it takes one system call.
/// SQLite's own `PRAGMA data_version` also takes and releases a lock, which is too slow for every message of a run. A
/// writer raises the number before its change counts, so if the number is the same, nothing has changed.
struct KeystoreMoment: @unchecked Sendable {
  /// SQLite's own file: if we closed another descriptor of it, SQLite would lose its locks. To read at an offset changes
  /// nothing of it, so any thread may do that. Nil if the database is a copy in memory.
  private let file: UnsafeMutablePointer<sqlite3_file>?
  /// Keeps the file open.
  private let keystore: Keystore
  private let number: UInt32?
  /// The status of the file that was copied into memory.
  private let original: FileStatus?

  /// The moment that the transaction of `view` sees, which has read something: nobody writes to the file while it lasts.
  init(of keystore: Keystore, _ view: KeystoreView) throws {
    self.keystore = keystore
    let file = envcrypt_sqlite_file(view.db.sqliteConnection)
    self.file = file.flatMap { Self.hasMoved($0) == nil ? nil : $0 }
    number = self.file.flatMap(Self.changeNumber)
    original = self.file == nil ? try FileStatus.at(keystore.path) : nil
  }

  /// True if nothing was written since. Throws `replaced` if the file that was copied into memory has changed.
  func isNow() throws -> Bool {
    if let file { return number != nil && Self.changeNumber(of: file) == number }
    guard let original, try FileStatus.at(keystore.path)?.isUnchanged(since: original) ?? false
    else { throw KeystoreError.replaced(keystore.path) }
    return true
  }

  /// Throws `replaced` if another file has the keystore's name by now, or none has. The file that is open does not tell
  /// what the keystore says then.
  func requireInPlace() throws {
    if let file, Self.hasMoved(file) != false { throw KeystoreError.replaced(keystore.path) }
  }

  /// Nil if the database is not a file.
  private static func hasMoved(_ file: UnsafeMutablePointer<sqlite3_file>) -> Bool? {
    var hasMoved: Int32 = 0
    let code = file.pointee.pMethods.pointee.xFileControl(file, SQLITE_FCNTL_HAS_MOVED, &hasMoved)
    return code == SQLITE_OK ? hasMoved != 0 : nil
  }

  /// The number's place in the header.
  private static let changeNumberOffset: Int64 = 24

  /// Nil if it cannot be read.
  private static func changeNumber(of file: UnsafeMutablePointer<sqlite3_file>) -> UInt32? {
    var number: UInt32 = 0
    let code = file.pointee.pMethods.pointee.xRead(
      file, &number, Int32(MemoryLayout<UInt32>.size), changeNumberOffset)
    return code == SQLITE_OK ? UInt32(bigEndian: number) : nil
  }
}
