import CSQLite
import GRDB

/// The file of a connection, read through SQLite's own descriptor: closing another one would
/// release the locks of this process.
enum DatabaseFile {
  /// Passes the first `size` bytes of the file, as they are in the transaction of `db`, to `take`
  /// in pieces.
  static func forEachPiece(
    of db: Database, size: Int64, _ take: ([UInt8]) throws -> Void
  ) throws {
    var offset: Int64 = 0
    while offset < size {
      let count = Int(min(size - offset, 1 << 20))
      guard let piece = try bytes(of: db.sqliteConnection, at: offset, count: count) else {
        throw DatabaseError(resultCode: .SQLITE_CORRUPT)
      }
      try take(piece)
      offset += Int64(count)
    }
  }

  /// The most bytes of a file that is copied. It has room for millions of keys.
  static let mostBytes: Int64 = 1 << 34

  /// Returns the number of bytes of a sound file, which must be in a transaction. Throws
  /// `SQLITE_CORRUPT` if the file is far larger than its pages, or too large for a keystore.
  static func soundSize(of db: Database) throws -> Int64 {
    let (file, pages) = try sizes(of: db.sqliteConnection)
    guard pages <= file, pages <= mostBytes, file / 2 <= pages + (1 << 20) else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT)
    }
    return pages
  }

  /// Throws `SQLITE_CORRUPT` if SQLite finds the pages of the file damaged. Returns their size.
  static func checkPages(of db: Database) throws -> Int64 {
    // The memory that SQLite needs for the check depends on the size.
    let size = try soundSize(of: db)
    guard try String.fetchOne(db, sql: "PRAGMA quick_check(1)") == "ok" else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT)
    }
    return size
  }

  /// Returns the size of the file, and of the pages that SQLite sees in it.
  static func sizes(of connection: SQLiteConnection?) throws -> (file: Int64, pages: Int64) {
    var size: Int64 = 0
    try check(envcrypt_sqlite_size(connection, &size))
    let head = try bytes(of: connection, at: 0, count: DatabaseHeader.length) ?? []
    guard let header = try? DatabaseHeader(parsing: head) else {
      throw DatabaseError(resultCode: .SQLITE_NOTADB)
    }
    return (size, header.pageCount.map { $0 * Int64(header.pageSize) } ?? size)
  }

  /// Reads `count` bytes at `offset`; nil if the file ends before the last of them.
  static func bytes(
    of connection: SQLiteConnection?, at offset: Int64, count: Int
  ) throws -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    let code = envcrypt_sqlite_read(connection, &bytes, Int32(count), offset)
    if code == SQLITE_IOERR | (2 << 8) { return nil }
    try check(code)
    return bytes
  }

  private static func check(_ code: Int32) throws {
    guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
  }
}
