import GRDB
import Synchronization
import SystemPackage

/// The connections of a keystore to SQLite. The first one reads and writes. If several threads read
/// at the same time, others are opened, so that no thread must wait for another.
///
/// The connections use SQLite's locks among each other as they do with other processes: while one
/// of them commits, the others wait.
final class KeystoreDatabase: Sendable {
  private let pool: Mutex<ConnectionPool>
  /// Opens a further connection to the file; nil if the database is in memory.
  private let openReader: (@Sendable () throws -> KeystoreConnection)?

  /// The most connections to a file. Each of them may keep 2 MB of pages in memory.
  static let mostConnections = 4

  /// Opens a file. Leaves a transaction open, in which the compared schema cannot change;
  /// `finishOpening` ends it.
  init(_ file: KeystoreFile, readOnly: Bool) throws {
    let first = try KeystoreConnection(file, readOnly: readOnly)
    pool = Mutex(ConnectionPool(first, mostConnections: Self.mostConnections))
    openReader = { try Self.reader(of: file, readOnly: readOnly) }
  }

  /// Makes an empty database in memory.
  init() throws {
    pool = Mutex(ConnectionPool(try KeystoreConnection(), mostConnections: 1))
    openReader = nil
  }

  /// Opens a copy of a file in memory. Leaves a transaction open, as the first initializer does.
  init(reading image: DatabaseImage, of path: FilePath) throws {
    let only = try KeystoreConnection(reading: image, of: path)
    pool = Mutex(ConnectionPool(only, mostConnections: 1))
    openReader = nil
  }

  /// Opens a connection that only reads. It is opened by the file's name, so it is compared with
  /// the file as the first connection was.
  private static func reader(of file: KeystoreFile, readOnly: Bool) throws -> KeystoreConnection {
    let reader = try KeystoreConnection(file, readOnly: readOnly)
    try reader.finishOpening { _, steps in
      guard steps == KeystoreSchema.steps.count else {
        throw KeystoreFileError.changing(file.path)
      }
    }
    // SQLite can still roll back the journal of a process that was killed.
    try reader.forbidWriting()
    return reader
  }

  // MARK: Connections

  /// The number of open connections.
  var connectionCount: Int { pool.withLock { $0.connections.count } }

  /// The number of threads that use a connection or wait for one.
  var threadCount: Int { pool.withLock { $0.threadCount } }

  private func usingFirst<Value>(_ body: (KeystoreConnection) throws -> Value) throws -> Value {
    let lease = pool.withLock { $0.takeFirst() }
    defer { pool.withLock { $0.giveBack(lease) } }
    return try body(lease.connection)
  }

  private func usingAny<Value>(_ body: (KeystoreConnection) throws -> Value) throws -> Value {
    let lease = leaseOfAny()
    defer { pool.withLock { $0.giveBack(lease) } }
    return try body(lease.connection)
  }

  private func leaseOfAny() -> ConnectionPool.Lease {
    if let lease = pool.withLock({ $0.take() }) { return lease }
    let opened = try? openReader?()
    return pool.withLock { $0.take(opened: opened) }
  }

  // MARK: Transactions

  /// Runs `body` with the number of schema steps that the file has had. Ends the transaction in
  /// which the file was opened.
  func finishOpening<Value>(_ body: (Database, Int) throws -> Value) throws -> Value {
    try usingFirst { try $0.finishOpening(body) }
  }

  /// Runs `body` in one transaction, so that everything it reads is consistent.
  func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try usingAny { try $0.read(body) }
  }

  /// Runs `body` as `read` does, but inside the transaction of this thread if there is one.
  func readReentrantly<Value>(_ body: (Database) throws -> Value) throws -> Value {
    guard let own = pool.withLock({ $0.connectionOfThisThread }) else { return try read(body) }
    return try own.readReentrantly(body)
  }

  /// Runs `body` in one transaction that holds the write lock from its start. Waits for other
  /// writers, unless `waiting` is false.
  func write<Value>(waiting: Bool = true, _ body: (Database) throws -> Value) throws -> Value {
    try usingFirst { try $0.write(waiting: waiting, body) }
  }

  /// Runs `body` with the connection that writes.
  func writeWithoutTransaction<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try usingFirst { try $0.writeWithoutTransaction(body) }
  }

  /// Makes every later write fail.
  func forbidWriting() throws { try usingFirst { try $0.forbidWriting() } }

  /// Migrates the tables to the current schema.
  func migrate() throws { try usingFirst { try $0.migrate() } }

  /// Returns the bytes of an in-memory database.
  func image() throws -> DatabaseImage { try usingFirst { try $0.image() } }

  // MARK: Closing

  /// Leaves the connections open until the process ends. For a process that is about to end.
  func leaveOpen() {
    for connection in pool.withLock({ $0.connections }) { connection.leaveOpen() }
  }

  func close() throws {
    for connection in pool.withLock({ $0.connections }) { try connection.close() }
  }
}
