import CSQLite
import GRDB

/// A limit on the work that SQLite does in one transaction. In a damaged file, many entries of a
/// page can lead to the same page. A few such pages, one below the other, are billions of rows to
/// SQLite. In a sound file, the work is in proportion to the size of the file.
///
/// Only the thread that uses the connection uses its limit.
final class WorkLimit: @unchecked Sendable {
  /// The steps of SQLite's virtual machine from one call of the handler to the next.
  private static let interval = 100_000
  /// The steps that every transaction may take, and the further steps for each byte of the file.
  /// Both are many times what any transaction needs. The shortest row has about eight bytes.
  private static let steps: Int64 = 50_000_000
  private static let stepsOfAByte: Int64 = 64

  private var steps: Int64 = 0

  /// Begins the count of a new transaction.
  func begin() { steps = 0 }

  /// Makes SQLite count the steps of the connection. The connection must keep this object.
  func install(on db: Database) {
    sqlite3_progress_handler(
      db.sqliteConnection, Int32(Self.interval),
      { Unmanaged<WorkLimit>.fromOpaque($0!).takeUnretainedValue().count() },
      Unmanaged.passUnretained(self).toOpaque())
    connection = db.sqliteConnection
  }

  private var connection: SQLiteConnection?

  /// Counts some steps. A result other than 0 makes SQLite end the statement with the error
  /// `SQLITE_INTERRUPT`.
  private func count() -> Int32 {
    steps += Int64(Self.interval)
    guard steps > Self.steps, let connection else { return 0 }
    return steps > Self.steps + Self.stepsOfAByte * Self.size(of: connection) ? 1 : 0
  }

  /// Throws `SQLITE_INTERRUPT` if a query has returned more rows than the file has room for.
  /// `count` is the number of rows up to now.
  static func checkRows(_ count: Int, _ db: Database) throws {
    guard count.isMultiple(of: 1 << 14), let connection = db.sqliteConnection else { return }
    // An entry of a page takes at least six bytes.
    guard Int64(count) > size(of: connection) / 6 else { return }
    throw DatabaseError(resultCode: .SQLITE_INTERRUPT)
  }

  /// Returns the size of the pages that SQLite sees in the file; 0 if it is not known.
  private static func size(of connection: SQLiteConnection) -> Int64 {
    min((try? DatabaseFile.sizes(of: connection).pages) ?? 0, DatabaseFile.mostBytes)
  }
}
