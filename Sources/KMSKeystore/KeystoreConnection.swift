import CSQLite
import Envelope
import Foundation
import GRDB
import Glibc
import Synchronization
import SystemPackage

/// One connection of a keystore to SQLite. One thread uses it at a time, and the others wait.
///
/// Nothing that somebody put into the file can run: triggers and views are off, and the schema may
/// call harmless functions only. The schema is compared with ours before SQLite parses it, and
/// again after every change.
final class KeystoreConnection: Sendable {
  private let queue: DatabaseQueue
  /// Nil if the database is in memory.
  private let file: KeystoreFile?
  /// Nil if the database was made in memory, so that nobody else can change it.
  private let schema: SchemaGuard?
  private let work = WorkLimit()
  /// Locked while a thread uses the connection.
  private let turn = Mutex<Void>(())
  /// The thread that uses the connection; 0 if none does.
  private let user = Atomic<UInt>(0)

  /// The seconds to wait for locks of other connections and processes.
  private static let busyTimeout = 30

  /// Opens a file. Leaves a transaction open, in which the compared schema cannot change;
  /// `finishOpening` ends it.
  init(_ file: KeystoreFile, readOnly: Bool) throws {
    try file.refuseStrays()
    self.file = file
    let schema = SchemaGuard(file.path)
    var configuration = Self.configuration()
    configuration.readonly = readOnly
    configuration.prepareDatabase { [work] db in
      work.install(on: db)
      file.journals.enforce(on: db)
      try Self.harden(db)
      guard try file.isOpened(by: db) else { throw KeystoreFileError.changing(file.path) }
      try file.refuseJournalOfAnother {
        try DatabaseFile.bytes(of: db.sqliteConnection, at: 0, count: DatabaseHeader.length)
      }
      try schema.beginCompared(db)
    }
    self.schema = schema
    // SQLite would take a name that begins with "file:" for a URI, and other names have a special
    // meaning, too.
    let name = file.path.isAbsolute ? file.path.string : "./" + file.path.string
    queue = try Self.namingStrays(beside: file) {
      try DatabaseQueue(path: name, configuration: configuration)
    }
  }

  /// Makes an empty database in memory.
  init() throws {
    var configuration = Self.configuration()
    configuration.prepareDatabase { try Self.harden($0) }
    file = nil
    schema = nil
    queue = try DatabaseQueue(configuration: configuration)
  }

  /// Opens a copy of a file in memory. Leaves a transaction open, as the first initializer does.
  init(reading image: DatabaseImage, of path: FilePath) throws {
    let schema = SchemaGuard(path)
    var configuration = Self.configuration()
    configuration.prepareDatabase { [work] db in
      work.install(on: db)
      try Self.harden(db)
      try image.attach(to: db)
      try schema.beginCompared(db)
    }
    file = nil
    self.schema = schema
    queue = try DatabaseQueue(configuration: configuration)
  }

  private static func configuration() -> Configuration {
    var configuration = Configuration()
    configuration.busyMode = .timeout(TimeInterval(busyTimeout))
    configuration.label = "envcrypt.keystore"
    // Most commands only read. `prepareToWrite` turns foreign keys on.
    configuration.foreignKeysEnabled = false
    return configuration
  }

  /// Disables everything stored in the file that could run.
  private static func harden(_ db: Database) throws {
    let switches: [(option: Int32, isOn: Int32)] = [
      (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
      (SQLITE_DBCONFIG_ENABLE_TRIGGER, 0), (SQLITE_DBCONFIG_ENABLE_VIEW, 0),
    ]
    for (option, isOn) in switches {
      let code = envcrypt_sqlite_switch(db.sqliteConnection, option, isOn)
      guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }
    for (limit, value) in limits { sqlite3_limit(db.sqliteConnection, limit, value) }
  }

  /// Returns the value of one of SQLite's limits.
  static func limit(_ limit: Int32, of db: Database) -> Int32 {
    sqlite3_limit(db.sqliteConnection, limit, -1)
  }

  /// The most bytes of a value. The longest value is a stack of 500 keys with the longest policies.
  static let mostBytesOfAValue = 1 << 26

  /// The limits on the work and the memory that the file can make SQLite use. SQLite's default
  /// limits are far higher, for example 1 GB for a value.
  static let limits: [(limit: Int32, value: Int32)] = [
    (SQLITE_LIMIT_LENGTH, Int32(mostBytesOfAValue)),
    (SQLITE_LIMIT_SQL_LENGTH, 1 << 14),
    (SQLITE_LIMIT_COLUMN, 64),
    (SQLITE_LIMIT_EXPR_DEPTH, 50),
    (SQLITE_LIMIT_COMPOUND_SELECT, 8),
    (SQLITE_LIMIT_VDBE_OP, 50_000),
    (SQLITE_LIMIT_FUNCTION_ARG, 8),
    // We never attach a second database, so no journal of ours names another file.
    (SQLITE_LIMIT_ATTACHED, 0),
    (SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100),
    (SQLITE_LIMIT_VARIABLE_NUMBER, 64),
    // SQLite deletes a key's rows in other tables as a trigger would. These deletions start no
    // further ones.
    (SQLITE_LIMIT_TRIGGER_DEPTH, 4),
    (SQLITE_LIMIT_WORKER_THREADS, 0),
  ]

  /// Runs `body`. If SQLite cannot open a file, throws an error that names the file that SQLite
  /// must not use, if there is one.
  private static func namingStrays<Value>(
    beside file: KeystoreFile?, _ body: () throws -> Value
  ) throws -> Value {
    do {
      return try body()
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CANTOPEN {
      try file?.refuseStrays()
      throw error
    }
  }

  // MARK: Turns

  /// True if this thread uses the connection.
  var isUsedByThisThread: Bool { user.load(ordering: .relaxed) == UInt(pthread_self()) }

  /// Runs `body` while no other thread uses the connection. SQLite's errors about files that it
  /// must not use get the names of these files.
  private func inTurn<Value>(_ body: () throws -> Value) throws -> Value {
    var result: Result<Value, any Error>?
    turn.withLock { _ in
      user.store(UInt(pthread_self()), ordering: .relaxed)
      result = Result { try Self.namingStrays(beside: file, body) }
      user.store(0, ordering: .relaxed)
    }
    return try result!.get()
  }

  // MARK: Transactions

  /// Runs `body` with the number of schema steps that the file has had. Ends the transaction in
  /// which the file was opened.
  func finishOpening<Value>(_ body: (Database, Int) throws -> Value) throws -> Value {
    try inTurn {
      try queue.unsafeRead { db in
        defer { try? db.cachedStatement(sql: "COMMIT").execute() }
        return try body(db, schema?.steps ?? 0)
      }
    }
  }

  /// Runs `body` in one transaction, so that everything it reads is consistent.
  ///
  /// GRDB's own `read` composes the SQL of each BEGIN, which is slow the first time, as with all
  /// SQL that is not a prepared statement.
  func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try inTurn { try queue.unsafeRead { try read($0, body) } }
  }

  /// Runs `body` as `read` does, but inside the transaction that this thread has begun if there is
  /// one. This thread must be using the connection.
  func readReentrantly<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try queue.unsafeReentrantRead { try $0.isInsideTransaction ? body($0) : read($0, body) }
  }

  private func read<Value>(
    _ db: Database, _ body: (Database) throws -> Value
  ) throws -> Value {
    work.begin()
    try db.cachedStatement(sql: "BEGIN").execute()
    defer { try? db.cachedStatement(sql: "COMMIT").execute() }
    try schema?.compareIfChanged(db)
    return try body(db)
  }

  /// Runs `body` in one transaction that holds the write lock from its start. Waits for other
  /// writers, unless `waiting` is false.
  func write<Value>(waiting: Bool, _ body: (Database) throws -> Value) throws -> Value {
    var value: Value?
    try writeWithoutTransaction { db in
      if !waiting { try db.execute(sql: "PRAGMA busy_timeout = 0") }
      defer {
        if !waiting { try? db.execute(sql: "PRAGMA busy_timeout = \(Self.busyTimeout * 1000)") }
      }
      try Self.prepareToWrite(db)
      work.begin()
      try db.inTransaction(.immediate) {
        try schema?.compareIfChanged(db)
        value = try body(db)
        return .commit
      }
    }
    return value!
  }

  /// Prepares a connection for writing.
  private static func prepareToWrite(_ db: Database) throws {
    // Overwrites deleted content, and returns from a commit only when it is on the disk.
    try db.execute(
      sql: """
        PRAGMA foreign_keys = ON;
        PRAGMA secure_delete = ON;
        PRAGMA synchronous = EXTRA;
        """)
  }

  /// Runs `body` with the connection itself.
  func writeWithoutTransaction<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try inTurn { try queue.writeWithoutTransaction(body) }
  }

  /// Makes every later write fail.
  func forbidWriting() throws {
    try writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = ON") }
  }

  /// Migrates the tables to the current schema.
  func migrate() throws {
    try writeWithoutTransaction {
      try Self.prepareToWrite($0)
      work.begin()
    }
    var tries = 0
    while true {
      do {
        return try inTurn { try KeystoreSchema.migrator.migrate(queue) }
      } catch let error as DatabaseError
        where [.SQLITE_ERROR, .SQLITE_CONSTRAINT].contains(error.resultCode) && tries < 8
      {
        // Another process has done the same migration step.
        tries += 1
      }
    }
  }

  /// Returns the bytes of an in-memory database.
  func image() throws -> DatabaseImage {
    try inTurn { try queue.unsafeRead { try DatabaseImage(copyingMemoryOf: $0) } }
  }

  // MARK: Closing

  /// Leaves the connection open until the process ends. For a process that is about to end: closing
  /// takes longer than looking up a key. Releasing the queue needs a thread, and libdispatch waits
  /// forever if the system does not grant one. No work is ever pending on the queue.
  func leaveOpen() { _ = Unmanaged.passRetained(queue) }

  /// Closes the connection, but never releases the queue: libdispatch needs a thread for that, and
  /// waits until the system grants one.
  func close() throws {
    leaveOpen()
    try queue.close()
  }
}

extension KeystoreFile {
  /// True if SQLite has opened this file, and not another file that took its name meanwhile.
  fileprivate func isOpened(by db: Database) throws -> Bool {
    guard let now = try FileStatus.at(path, followingLinks: false) else { return false }
    return now.isSameFile(as: status) && envcrypt_sqlite_has_moved(db.sqliteConnection) != 1
  }
}
