import CSQLite
import Envelope
import GRDB

/// The state of a keystore at one moment, with a test if anything has changed since then.
///
/// Every commit increments a number in the file header (SQLite's "file change counter"), which
/// takes one system call to read. SQLite's own `PRAGMA data_version` also takes and releases a
/// lock, which is too slow for every message of a run. A writer increments the number before its
/// commit takes effect, so nothing has changed if the number is the same.
package struct KeystoreMoment: @unchecked Sendable {
  /// SQLite's own file: closing another descriptor of the file would release SQLite's locks. Any
  /// thread may read it, because a read at an offset changes no state. Nil if the database is a
  /// copy in memory.
  private let file: UnsafeMutablePointer<sqlite3_file>?
  /// Keeps the file open.
  private let keystore: Keystore
  private let number: UInt32?
  /// The status of the file that was copied into memory.
  private let original: FileStatus?

  /// Records the moment that the transaction of `db` sees. The transaction must have read
  /// something, so that nobody writes to the file while it lasts.
  package init(of keystore: Keystore, _ view: KeystoreView) throws {
    self.keystore = keystore
    let file = envcrypt_sqlite_file(view.db.sqliteConnection)
    self.file = file.flatMap { Self.hasMoved($0) == nil ? nil : $0 }
    number = self.file.flatMap(Self.changeNumber)
    original = self.file == nil ? try FileStatus.at(keystore.path) : nil
  }

  /// True if nothing was written since that moment. Throws `replaced` if the file that was copied
  /// into memory has changed.
  package func isNow() throws -> Bool {
    if let file { return number != nil && Self.changeNumber(of: file) == number }
    guard let original, try FileStatus.at(keystore.path)?.isUnchanged(since: original) ?? false
    else { throw KeystoreError.replaced(keystore.path) }
    return true
  }

  /// Throws `replaced` if the keystore's name was removed or another file has it now. The open file
  /// then no longer shows the state of the keystore.
  package func requireInPlace() throws {
    if let file, Self.hasMoved(file) != false { throw KeystoreError.replaced(keystore.path) }
  }

  /// True if the file no longer has the name under which it was opened; nil if the database is not
  /// a file.
  private static func hasMoved(_ file: UnsafeMutablePointer<sqlite3_file>) -> Bool? {
    var hasMoved: Int32 = 0
    let code = file.pointee.pMethods.pointee.xFileControl(file, SQLITE_FCNTL_HAS_MOVED, &hasMoved)
    return code == SQLITE_OK ? hasMoved != 0 : nil
  }

  /// The offset of the number in the file header.
  private static let changeNumberOffset: Int64 = 24

  /// Returns the number; nil if it cannot be read.
  private static func changeNumber(of file: UnsafeMutablePointer<sqlite3_file>) -> UInt32? {
    var number: UInt32 = 0
    let code = file.pointee.pMethods.pointee.xRead(
      file, &number, Int32(MemoryLayout<UInt32>.size), changeNumberOffset)
    return code == SQLITE_OK ? UInt32(bigEndian: number) : nil
  }
}
