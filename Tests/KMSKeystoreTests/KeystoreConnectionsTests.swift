import Foundation
import GRDB
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// The connections to one file that a process uses.
@Suite final class KeystoreConnectionsTests: KeystoreSuite {
  var keystoreID: String { service.keystore.id }
  var database: KeystoreDatabase { service.keystore.database }

  static func id(_ database: KeystoreDatabase) throws -> String? {
    try database.read { try String.fetchOne($0, sql: "SELECT id FROM keystore") }
  }

  @Test func oneThreadNeedsOneConnection() throws {
    let key = try service.createKey().keyID
    #expect(try service.decrypt(try service.encrypt("text", under: key)) == "text")
    #expect(database.connectionCount == 1)
  }

  @Test func aThreadReadsWhileAnotherReads() throws {
    let database = database
    try database.read { _ in
      let other = TestThread { try Self.id(database) }
      let found = try other.joinIfDone(within: 60)
      #expect(found == keystoreID)
    }
    #expect(database.connectionCount == 2)
  }

  @Test func aThreadReadsTheOldStateWhileAnotherWrites() throws {
    let service = service
    let key = try service.createKey(alias: "alias/a").keyID
    @Sendable func targetOfAlias() throws -> String? {
      try service.keystore.view(verifiedBy: try service.unlock()) {
        try $0.alias(named: "alias/a")?.targetKeyID
      }
    }
    try service.keystore.change(try service.unlock()) { transaction in
      let alias = try #require(try transaction.alias(named: "alias/a"))
      try transaction.delete(alias)
      let other = TestThread { try targetOfAlias() }
      #expect(try other.joinIfDone(within: 60) == .some(key))
    }
    #expect(try TestThread { try targetOfAlias() }.join() == nil)
  }

  /// The part of the ledger that is kept in memory belongs to one state of the keystore. A thread
  /// that reads the old state does not confuse one that makes a new state.
  @Test func threadsVerifyDifferentStates() throws {
    let service = service
    let keys = try (0..<2).map { _ in try service.createKey().keyID }
    @Sendable func readAll() throws {
      try service.keystore.view(verifiedBy: try service.unlock()) { view in
        for key in keys { _ = try view.masterKey(key) }
      }
    }
    for _ in 0..<2 {
      try service.keystore.change(try service.unlock()) { transaction in
        for key in keys {
          var record = try #require(try transaction.masterKey(key))
          record.description += "x"
          try transaction.update(record)
          try #require(try TestThread { try readAll() }.joinIfDone(within: 60) != nil)
        }
        for key in keys {
          #expect(try transaction.masterKey(key)?.description.isEmpty == false)
        }
      }
      try readAll()
      #expect(throws: CancellationError.self) {
        try service.keystore.change(try service.unlock()) { transaction in
          var record = try #require(try transaction.masterKey(keys[0]))
          record.description = "undone"
          try transaction.update(record)
          try TestThread { try readAll() }.join()
          throw CancellationError()
        }
      }
      try readAll()
    }
    #expect(try service.check().damage == [])
  }

  // MARK: Further connections

  /// Runs `body` in transactions of several threads, each of which waits for the next.
  static func nest(
    _ depth: Int, _ database: KeystoreDatabase,
    _ body: @escaping @Sendable (Database) throws -> Void
  ) throws {
    try database.read { db in
      try body(db)
      if depth > 1 { try TestThread { try nest(depth - 1, database, body) }.join() }
    }
  }

  @Test func thereAreOnlySoManyConnections() throws {
    let database = database
    let most = KeystoreDatabase.mostConnections
    try Self.nest(most, database) { _ in }
    #expect(database.connectionCount == most)
    try onThreads(3 * most) { _ in
      for _ in 0..<20 { _ = try Self.id(database) }
    }
    #expect(database.connectionCount == most)
    #expect(database.threadCount == 0)
  }

  @Test func furtherConnectionsHaveLimitsAndOnlyRead() throws {
    let database = database
    try Self.nest(KeystoreDatabase.mostConnections, database) { db in
      for (limit, value) in KeystoreConnection.limits {
        try require(KeystoreConnection.limit(limit, of: db) == value, "\(limit)")
      }
      let isFirst = try Int.fetchOne(db, sql: "PRAGMA query_only") == 0
      try require(isFirst == (database.threadCount == 1))
    }
    #expect(throws: DatabaseError.self) {
      try database.read { _ in
        try TestThread { try database.read { try $0.execute(sql: "DELETE FROM keystore") } }.join()
      }
    }
    #expect(try Self.id(database) == keystoreID)
  }

  /// A connection is opened by the file's name, which another file may have by then.
  @Test func anotherFileWithTheNameIsNotRead() throws {
    let database = database
    let other = try TestKeystore()
    #expect(rename(other.service.keystore.path.string, service.keystore.path.string) == 0)
    var waiting: TestThread<String?>?
    try database.read { _ in
      waiting = TestThread { try Self.id(database) }
      // It has found the other file when it waits for the first connection.
      while database.threadCount < 2 { usleep(1000) }
    }
    #expect(try waiting?.join() == keystoreID)
    #expect(database.connectionCount == 1)
  }

  @Test func whatATransactionReadsInsideItselfIsItsOwn() throws {
    let database = database
    try database.write { db in
      try db.execute(sql: "UPDATE keystore SET foundDueDate = 7")
      let inside = try database.readReentrantly {
        try Int.fetchOne($0, sql: "SELECT foundDueDate FROM keystore")
      }
      #expect(inside == 7)
      let outside = TestThread {
        try database.readReentrantly {
          try Int.fetchOne($0, sql: "SELECT foundDueDate FROM keystore")
        }
      }
      #expect(try outside.joinIfDone(within: 60) == .some(nil))
    }
  }
}
