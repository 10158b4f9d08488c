import GRDB
import Synchronization
import SystemPackage

/// Ensures that a connection uses no schema other than ours.
final class SchemaGuard: Sendable {
  private struct State {
    /// SQLite's schema version (`PRAGMA schema_version`) at the last comparison.
    var number: Int32?
    var steps = 0
  }

  private let path: FilePath
  private let state = Mutex(State())

  init(_ path: FilePath) { self.path = path }

  /// The number of schema steps that the file has had.
  var steps: Int { state.withLock { $0.steps } }

  /// Begins a transaction, and compares the schema before SQLite parses it. The schema cannot
  /// change during the transaction.
  func beginCompared(_ db: Database) throws {
    // In WAL mode SQLite would begin by reading the write-ahead log.
    if try pages(db).header.usesWriteAheadLog { throw KeystoreFileError.writeAheadLog(path) }
    try db.cachedStatement(sql: "BEGIN").execute()
    try compareIfChanged(db)
  }

  /// Compares the schema, unless it is the one of the last comparison. Must be called in a
  /// transaction: the first query takes its lock, and needs no schema.
  func compareIfChanged(_ db: Database) throws {
    let number = try Int32.fetchOne(db.cachedStatement(sql: "PRAGMA schema_version"))
    if let number, state.withLock({ $0.number == number }) { return }
    let schema = try translatingFailures { try StoredSchema(pages(db), of: path) }
    state.withLock { $0 = State(number: number, steps: schema.steps) }
  }

  private func pages(_ db: Database) throws -> DatabasePages {
    try translatingFailures {
      try DatabasePages { offset, count in
        try DatabaseFile.bytes(of: db.sqliteConnection, at: offset, count: count)
      }
    }
  }

  private func translatingFailures<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch DatabasePages.Failure.notADatabase {
      throw KeystoreError.notAKeystore(path, "it is not an SQLite database")
    } catch DatabasePages.Failure.malformed {
      throw KeystoreError.unreadable(path)
    }
  }
}
