import CSQLite
import GRDB
import Glibc

/// A whole database in one block of memory.
final class DatabaseImage: @unchecked Sendable {
  private let bytes: UnsafeMutableRawBufferPointer
  /// True if a connection owns the block now, and will free it.
  private var isGivenAway = false

  /// Copies the file that a connection has open, as it is in the transaction of `db`. Throws
  /// `SQLITE_CORRUPT` if SQLite finds the file damaged.
  init(copyingFileOf db: Database) throws {
    let size = try DatabaseFile.checkPages(of: db)
    let block = UnsafeMutableRawBufferPointer(start: try Self.allocate(size), count: Int(size))
    bytes = block
    var offset = 0
    try DatabaseFile.forEachPiece(of: db, size: size) { piece in
      UnsafeMutableRawBufferPointer(rebasing: block[offset...]).copyBytes(from: piece)
      offset += piece.count
    }
  }

  /// Copies an in-memory database.
  init(copyingMemoryOf db: Database) throws {
    var size: sqlite3_int64 = 0
    guard let start = sqlite3_serialize(db.sqliteConnection, "main", &size, 0) else {
      throw DatabaseError(resultCode: .SQLITE_NOMEM)
    }
    bytes = UnsafeMutableRawBufferPointer(start: start, count: Int(size))
  }

  deinit {
    guard !isGivenAway, let start = bytes.baseAddress else { return }
    // The block may contain a root key in the clear.
    explicit_bzero(start, bytes.count)
    sqlite3_free(start)
  }

  private static func allocate(_ size: Int64) throws -> UnsafeMutableRawPointer {
    guard let start = sqlite3_malloc64(sqlite3_uint64(size)) else {
      throw DatabaseError(resultCode: .SQLITE_NOMEM)
    }
    return start
  }

  /// Gives the block to a connection, which uses it in place of a file.
  func attach(to db: Database) throws {
    precondition(!isGivenAway, "a block is given away once")
    isGivenAway = true
    let code = sqlite3_deserialize(
      db.sqliteConnection, "main", bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
      sqlite3_int64(bytes.count), sqlite3_int64(bytes.count),
      UInt32(SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE))
    guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
  }

  /// Lends the bytes to `body`.
  func withBytes<Value>(_ body: (RawSpan) throws -> Value) rethrows -> Value {
    try body(UnsafeRawBufferPointer(bytes).bytes)
  }
}
