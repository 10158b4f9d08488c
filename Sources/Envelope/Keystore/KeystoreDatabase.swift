import CSQLite
import Foundation
import GRDB
import Glibc
import Synchronization
import SystemPackage

/// A keystore's connection to SQLite. Nothing that somebody put into the file runs: triggers and views are off,
/// the schema may call no function that matters, and it is compared with ours before SQLite reads it, and whenever
/// it has changed since.
final class KeystoreDatabase: Sendable {
  private let queue: DatabaseQueue
  /// Nil if the database is one in memory, which nobody else has.
  private let schema: SchemaGuard?

  /// For how many seconds a writer waits for others.
  private static let busyTimeout = 30

  /// Opens a file, and leaves a transaction open, in which the schema is as it was compared: `finishOpening` ends
  /// it.
  init(_ file: KeystoreFile, readOnly: Bool) throws {
    try file.refuseStrays()
    let schema = SchemaGuard(file.path)
    var configuration = Self.configuration()
    configuration.readonly = readOnly
    configuration.prepareDatabase { db in
      try Self.harden(db)
      guard try file.isOpened(by: db) else { throw KeystoreFileError.changing(file.path) }
      try schema.beginCompared(db)
    }
    self.schema = schema
    // "file:" at the beginning of a name would be an address to SQLite, and other names have a meaning too.
    let name = file.path.isAbsolute ? file.path.string : "./" + file.path.string
    queue = try DatabaseQueue(path: name, configuration: configuration)
  }

  /// An empty one in memory.
  init() throws {
    var configuration = Self.configuration()
    configuration.prepareDatabase { try Self.harden($0) }
    schema = nil
    queue = try DatabaseQueue(configuration: configuration)
  }

  /// A copy of a file in memory. Leaves a transaction open as the first does.
  init(reading image: DatabaseImage, of path: FilePath) throws {
    let schema = SchemaGuard(path)
    var configuration = Self.configuration()
    configuration.prepareDatabase { db in
      try Self.harden(db)
      try image.attach(to: db)
      try schema.beginCompared(db)
    }
    self.schema = schema
    queue = try DatabaseQueue(configuration: configuration)
  }

  private static func configuration() -> Configuration {
    var configuration = Configuration()
    configuration.busyMode = .timeout(TimeInterval(busyTimeout))
    configuration.label = "envcrypt.keystore"
    // `prepareToWrite` sets it: most commands only read.
    configuration.foreignKeysEnabled = false
    return configuration
  }

  /// From now on nothing that is stored in the file can act.
  private static func harden(_ db: Database) throws {
    let switches: [(option: Int32, isOn: Int32)] = [
      (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
      (SQLITE_DBCONFIG_ENABLE_TRIGGER, 0), (SQLITE_DBCONFIG_ENABLE_VIEW, 0),
    ]
    for (option, isOn) in switches {
      let code = envcrypt_sqlite_switch(db.sqliteConnection, option, isOn)
      guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }
    // Nobody here works with several files at once, so no journal of ours names another.
    sqlite3_limit(db.sqliteConnection, SQLITE_LIMIT_ATTACHED, 0)
  }

  // MARK: Transactions

  /// Runs `body` with how many of the schema's steps the file has had, and ends the transaction in which it was
  /// opened.
  func finishOpening<Value>(_ body: (Database, Int) throws -> Value) throws -> Value {
    try queue.unsafeRead { db in
      defer { try? db.cachedStatement(sql: "COMMIT").execute() }
      return try body(db, schema?.steps ?? 0)
    }
  }

  /// Runs `body` in one transaction: what it reads belongs together.
  ///
  /// GRDB's own `read` puts the text of each BEGIN together in a way that is slow the first time, as
  /// it does with all SQL that does not come as a statement.
  func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try queue.unsafeRead { try read($0, body) }
  }

  /// The same, but within the transaction of this thread if one is under way.
  func readReentrantly<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try queue.unsafeReentrantRead { try $0.isInsideTransaction ? body($0) : read($0, body) }
  }

  private func read<Value>(
    _ db: Database, _ body: (Database) throws -> Value
  ) throws -> Value {
    try db.cachedStatement(sql: "BEGIN").execute()
    defer { try? db.cachedStatement(sql: "COMMIT").execute() }
    try schema?.compareIfChanged(db)
    return try body(db)
  }

  /// Runs `body` in one transaction that holds the write lock from its start. Waits for other writers
  /// unless told not to.
  func write<Value>(waiting: Bool = true, _ body: (Database) throws -> Value) throws -> Value {
    var value: Value?
    try queue.writeWithoutTransaction { db in
      if !waiting { try db.execute(sql: "PRAGMA busy_timeout = 0") }
      defer {
        if !waiting { try? db.execute(sql: "PRAGMA busy_timeout = \(Self.busyTimeout * 1000)") }
      }
      try Self.prepareToWrite(db)
      try db.inTransaction(.immediate) {
        try schema?.compareIfChanged(db)
        value = try body(db)
        return .commit
      }
    }
    return value!
  }

  /// Comes before the first change that a connection makes.
  private static func prepareToWrite(_ db: Database) throws {
    // Deleted content is overwritten, and a commit is on the disk when it returns.
    try db.execute(
      sql: """
        PRAGMA foreign_keys = ON;
        PRAGMA secure_delete = ON;
        PRAGMA synchronous = EXTRA;
        """)
  }

  /// Runs `body` with the bare connection.
  func writeWithoutTransaction<Value>(_ body: (Database) throws -> Value) rethrows -> Value {
    try queue.writeWithoutTransaction(body)
  }

  /// From now on nothing can be written.
  func forbidWriting() throws {
    try writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = ON") }
  }

  /// Brings the tables up to date.
  func migrate() throws {
    try queue.writeWithoutTransaction { try Self.prepareToWrite($0) }
    var tries = 0
    while true {
      do {
        return try KeystoreSchema.migrator.migrate(queue)
      } catch let error as DatabaseError
        where [.SQLITE_ERROR, .SQLITE_CONSTRAINT].contains(error.resultCode) && tries < 8
      {
        // Another process has taken the step that was to be taken.
        tries += 1
      }
    }
  }

  // MARK: The whole file

  /// Hands the first `size` bytes of the file, as they are in the transaction of `db`, to `take`, piece after piece.
  static func forEachPiece(
    of db: Database, size: Int64, _ take: ([UInt8]) throws -> Void
  ) throws {
    var offset: Int64 = 0
    while offset < size {
      let count = Int(min(size - offset, 1 << 20))
      guard let piece = try bytes(of: db, at: offset, count: count) else {
        throw DatabaseError(resultCode: .SQLITE_CORRUPT)
      }
      try take(piece)
      offset += Int64(count)
    }
  }

  /// The bytes of a database that is in memory only.
  func image() throws -> DatabaseImage {
    try queue.unsafeRead { try DatabaseImage(copyingMemoryOf: $0) }
  }

  static func size(of db: Database) throws -> Int64 {
    var size: Int64 = 0
    try check(envcrypt_sqlite_size(db.sqliteConnection, &size))
    return size
  }

  /// Nil if the file ends before.
  fileprivate static func bytes(of db: Database, at offset: Int64, count: Int) throws -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    let code = envcrypt_sqlite_read(db.sqliteConnection, &bytes, Int32(count), offset)
    if code == SQLITE_IOERR | (2 << 8) { return nil }
    try check(code)
    return bytes
  }

  private static func check(_ code: Int32) throws {
    guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
  }

  // MARK: Its end

  /// Leaves the connection open until the process ends, for a process that is about to: to close it
  /// takes longer than to look a key up, and to let go of it needs a thread, for which libdispatch waits
  /// for ever if the system grants none. Nothing is ever pending on it.
  func leaveOpen() { _ = Unmanaged.passRetained(queue) }

  /// Closes the connection. Its object stays for ever: what libdispatch does when a queue goes away needs a
  /// thread, and if the system grants none it waits until it does.
  func close() throws {
    leaveOpen()
    try queue.close()
  }
}

extension KeystoreFile {
  /// True if SQLite has opened this file, and not another that took its name meanwhile.
  fileprivate func isOpened(by db: Database) throws -> Bool {
    guard let now = try FileStatus.at(path, followingLinks: false) else { return false }
    return now.isSameFile(as: status) && envcrypt_sqlite_has_moved(db.sqliteConnection) != 1
  }
}

/// Sees to it that a connection knows no other schema than ours.
private final class SchemaGuard: Sendable {
  private struct State {
    /// SQLite's number of the schema that was compared last.
    var number: Int32?
    var steps = 0
  }

  private let path: FilePath
  private let state = Mutex(State())

  init(_ path: FilePath) { self.path = path }

  /// How many of the schema's steps the file has had.
  var steps: Int { state.withLock { $0.steps } }

  /// Begins a transaction with the schema compared before SQLite reads it. Nobody changes it while that lasts.
  func beginCompared(_ db: Database) throws {
    // In a file of that kind SQLite would begin by looking for the changes.
    if try pages(db).header.usesWriteAheadLog { throw KeystoreFileError.writeAheadLog(path) }
    try db.cachedStatement(sql: "BEGIN").execute()
    try compareIfChanged(db)
  }

  /// Compares the schema unless it is the one that was compared before. In a transaction, to whose lock the first
  /// question leads, and which needs no schema itself.
  func compareIfChanged(_ db: Database) throws {
    let number = try Int32.fetchOne(db.cachedStatement(sql: "PRAGMA schema_version"))
    if let number, state.withLock({ $0.number == number }) { return }
    let schema = try translatingFailures { try StoredSchema(pages(db), of: path) }
    state.withLock { $0 = State(number: number, steps: schema.steps) }
  }

  private func pages(_ db: Database) throws -> DatabasePages {
    try translatingFailures {
      try DatabasePages { offset, count in
        try KeystoreDatabase.bytes(of: db, at: offset, count: count)
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
