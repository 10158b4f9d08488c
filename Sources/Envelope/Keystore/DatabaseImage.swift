import CSQLite
import GRDB
import Glibc
import SystemPackage

/// A whole database as one block of memory.
final class DatabaseImage: @unchecked Sendable {
  private let bytes: UnsafeMutableRawBufferPointer
  /// Pages of a file, not memory of our own.
  private let isMapped: Bool
  /// A connection has the block now, and frees it.
  private var isGivenAway = false

  /// A file as it lies, which nobody else may change meanwhile.
  init(mapping descriptor: Descriptor) throws {
    let count = Int(try descriptor.status().size)
    let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor.number, 0)
    guard let start, start != MAP_FAILED else { throw IOError.current(.read, descriptor.path) }
    bytes = UnsafeMutableRawBufferPointer(start: start, count: count)
    isMapped = true
  }

  /// A copy of the file that a connection has open, as it is in the transaction of `db`.
  init(copyingFileOf db: Database) throws {
    let size = try KeystoreDatabase.size(of: db)
    let block = UnsafeMutableRawBufferPointer(start: try Self.allocate(size), count: Int(size))
    bytes = block
    isMapped = false
    var offset = 0
    try KeystoreDatabase.forEachPiece(of: db) { piece in
      UnsafeMutableRawBufferPointer(rebasing: block[offset...]).copyBytes(from: piece)
      offset += piece.count
    }
  }

  /// A copy of a database that is in memory only.
  init(copyingMemoryOf db: Database) throws {
    var size: sqlite3_int64 = 0
    guard let start = sqlite3_serialize(db.sqliteConnection, "main", &size, 0) else {
      throw DatabaseError(resultCode: .SQLITE_NOMEM)
    }
    bytes = UnsafeMutableRawBufferPointer(start: start, count: Int(size))
    isMapped = false
  }

  deinit {
    guard let start = bytes.baseAddress else { return }
    if isMapped {
      munmap(start, bytes.count)
    } else if !isGivenAway {
      // A root key may be in it in the clear.
      explicit_bzero(start, bytes.count)
      sqlite3_free(start)
    }
  }

  private static func allocate(_ size: Int64) throws -> UnsafeMutableRawPointer {
    guard let start = sqlite3_malloc64(sqlite3_uint64(size)) else {
      throw DatabaseError(resultCode: .SQLITE_NOMEM)
    }
    return start
  }

  /// Has a connection work on the block in place of a file. A file's own pages it may only read.
  func attach(to db: Database) throws {
    let flags =
      isMapped
      ? SQLITE_DESERIALIZE_READONLY : SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE
    precondition(!isGivenAway, "a block is given away once")
    isGivenAway = !isMapped
    let code = sqlite3_deserialize(
      db.sqliteConnection, "main", bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
      sqlite3_int64(bytes.count), sqlite3_int64(bytes.count), UInt32(flags))
    guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
  }

  /// Lends the bytes.
  func withBytes<Value>(_ body: (RawSpan) throws -> Value) rethrows -> Value {
    try body(UnsafeRawBufferPointer(bytes).bytes)
  }
}
