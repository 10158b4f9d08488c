import Foundation
import GRDB
import Glibc
import SystemPackage

/// One SQLite file of master keys (mode 0600), safe under concurrent processes.
public final class Keystore {
  public let path: FilePath
  let database: DatabaseQueue
  /// The UUID of the store itself.
  public let id: String
  public let creationDate: Date
  /// Who owns the file.
  let owner: uid_t
  /// As it was when the store was opened.
  let record: KeystoreRecord
  /// The file itself: another than `path` while the store is being made.
  private let file: FilePath
  var unlocked: Result<UnlockedKeystore, any Error>?
  /// The transaction that reads and writes join while `sharingTransaction` runs.
  private var shared: Database?

  // MARK: Opening

  /// Opens an existing store. Throws `KeystoreError`.
  public convenience init(at path: FilePath) throws {
    // On a medium that cannot be written the store still decrypts.
    try self.init(at: path, readOnly: path.withPlatformString { access($0, W_OK) } != 0)
  }

  /// Opens the store at `path`, which is still made under another name where there is a `file`.
  init(at path: FilePath, readOnly: Bool, file: FilePath? = nil) throws {
    let file = file ?? path
    guard let status = try FileStatus.at(file) else { throw KeystoreError.missing(path) }
    guard status.kind == .regular else {
      throw KeystoreError.notAKeystore(path, "it is not a regular file")
    }
    guard try status.permissions & (Self.isShared(path, status) ? 0o007 : 0o077) == 0 else {
      throw KeystoreError.loosePermissions(path, permissions: UInt32(status.permissions))
    }
    self.path = path
    self.file = file
    owner = status.owner
    (database, record) = try Self.translatingErrors(of: path) {
      try Self.prepare(try Self.open(file, readOnly: readOnly), at: path)
    }
    id = record.id
    creationDate = Date(milliseconds: record.creationDate)
  }

  /// Whether the owner lets a group at the store on purpose: its directory is shared by that group.
  private static func isShared(_ path: FilePath, _ status: FileStatus) throws -> Bool {
    let directory = path.removingLastComponent()
    guard let parent = try FileStatus.at(directory.isEmpty ? "." : directory) else { return false }
    return parent.isSharedByGroup && parent.group == status.group
  }

  /// For how many seconds a writer waits for others.
  private static let busyTimeout = 30

  static func open(_ path: FilePath, readOnly: Bool) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.busyMode = .timeout(TimeInterval(busyTimeout))
    configuration.label = "envcrypt.keystore"
    configuration.readonly = readOnly
    // `prepareToWrite` sets it: most commands only read.
    configuration.foreignKeysEnabled = false
    return try DatabaseQueue(path: path.string, configuration: configuration)
  }

  /// Comes before the first change that a connection makes.
  private static func prepareToWrite(_ db: Database) throws {
    // What is deleted is overwritten, and a commit is on the disk when it returns.
    try db.execute(
      sql: """
        PRAGMA foreign_keys = ON;
        PRAGMA secure_delete = ON;
        PRAGMA synchronous = EXTRA;
        """)
  }

  static func migrate(_ database: DatabaseQueue) throws {
    try database.writeWithoutTransaction { try prepareToWrite($0) }
    var tries = 0
    while true {
      do {
        return try KeystoreSchema.migrator.migrate(database)
      } catch let error as DatabaseError
        where [.SQLITE_ERROR, .SQLITE_CONSTRAINT].contains(error.resultCode) && tries < 8
      {
        // Another process has taken the step that was to be taken.
        tries += 1
      }
    }
  }

  /// Checks that the file is a keystore of ours, brings it up to date, and reads its record. Returns
  /// the database to work with: where an older store cannot be written, a copy in memory.
  private static func prepare(
    _ database: DatabaseQueue, at path: FilePath
  ) throws -> (DatabaseQueue, KeystoreRecord) {
    let migrator = KeystoreSchema.migrator
    let current = try read(database) { db -> KeystoreRecord? in
      guard
        try Int32.fetchOne(db.cachedStatement(sql: "PRAGMA application_id"))
          == KeystoreSchema.applicationID
      else { throw KeystoreError.notAKeystore(path, "it is some other SQLite database") }
      let applied = try KeystoreSchema.appliedMigrations(db)
      guard applied.isSubset(of: migrator.migrations) else { throw KeystoreError.tooNew(path) }
      return applied.count == migrator.migrations.count ? try record(of: path, db) : nil
    }
    if let current { return (database, current) }
    let migrated = try migrateOrCopy(database)
    return (migrated, try read(migrated) { try record(of: path, $0) })
  }

  private static func migrateOrCopy(_ database: DatabaseQueue) throws -> DatabaseQueue {
    do {
      try migrate(database)
      return database
    } catch let error as DatabaseError
      where [.SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_FULL].contains(error.resultCode)
    {
      // It still opens messages, and nothing of what is written to a copy would last.
      let copy = try DatabaseQueue()
      try database.backup(to: copy)
      try migrate(copy)
      try copy.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = ON") }
      return copy
    }
  }

  static func record(of path: FilePath, _ db: Database) throws -> KeystoreRecord {
    guard let record = try KeystoreRecord.all(db).first else {
      throw KeystoreError.notAKeystore(path, "it has no keystore record")
    }
    return record
  }

  /// Leaves the connection open until the process ends, for a process that is about to: to close it
  /// takes longer than to look a key up, and to let go of it needs a thread, for which libdispatch waits
  /// for ever where the system grants none. Nothing is ever pending on it.
  public func leaveOpen() { _ = Unmanaged.passRetained(database) }

  // MARK: Audit log

  func auditLog(_ unlocked: UnlockedKeystore) throws -> AuditLog {
    // Who may read and write the store may read and write its log.
    let permissions = try FileStatus.at(file)?.permissions
    return AuditLog(
      at: AuditLog.path(beside: file), key: try unlocked.auditKey(),
      permissions: permissions ?? AuditLog.ownerOnly)
  }

  /// Where the audit log was when the keystore was last changed.
  func auditAnchor(verifiedBy unlocked: UnlockedKeystore) throws -> AuditAnchor {
    try Self.translatingErrors(of: path) {
      try Self.auditAnchor(in: database, verifiedBy: unlocked)
    }
  }

  /// The same, for who is on another thread.
  static func auditAnchor(
    in database: DatabaseQueue, verifiedBy unlocked: UnlockedKeystore
  ) throws -> AuditAnchor {
    let found = try read(database) { try AuditAnchorRecord.last(verifiedBy: unlocked, $0) }
    guard let record = found else { return .none }
    guard record.code.count == AuditEntry.codeLength, record.sequence > 0 else {
      throw KeystoreError.editedRecord(record.recordName)
    }
    return AuditAnchor(sequence: UInt64(record.sequence), code: Array(record.code))
  }

  // MARK: Protectors

  /// The protectors, oldest first.
  public func protectors() throws -> [ProtectorDescription] {
    try read(ProtectorRecord.oldestFirst).map(\.description)
  }

  /// Adds a protector beside the others; returns it.
  func addProtector(
    _ record: ProtectorRecord, _ unlocked: UnlockedKeystore
  ) throws -> ProtectorDescription {
    try write { try unlocked.insert(record, $0) }
    return record.description
  }

  /// Removes a protector. Throws `lastProtector` where it is the only one.
  func removeProtector(_ protectorID: String, _ unlocked: UnlockedKeystore) throws {
    try write { db in
      guard let record = try ProtectorRecord.first(db, where: "id = ?", [protectorID]) else {
        throw KeystoreError.noProtector(protectorID)
      }
      let others = try ProtectorRecord.all(db).filter { other in
        other.id != protectorID && (try? unlocked.verifyListed(other, db)) != nil
      }
      guard !others.isEmpty else { throw KeystoreError.lastProtector(protectorID) }
      try unlocked.delete(record, db)
    }
  }

  // MARK: Access

  /// Runs `body` in one transaction: what it reads belongs together.
  func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
    if let shared { return try Self.translatingErrors(of: path) { try body(shared) } }
    return try Self.translatingErrors(of: path) { try Self.read(database, body) }
  }

  /// GRDB's own `read` puts the text of each BEGIN together in a way that is slow the first time, as
  /// it does with all SQL that does not come as a statement.
  private static func read<Value>(
    _ database: DatabaseQueue, _ body: (Database) throws -> Value
  ) throws -> Value {
    try database.unsafeRead { db in
      try db.cachedStatement(sql: "BEGIN").execute()
      defer { try? db.cachedStatement(sql: "COMMIT").execute() }
      return try body(db)
    }
  }

  /// Runs `body` in one transaction that holds the write lock from its start. Waits for other writers
  /// unless told not to.
  func write<Value>(waiting: Bool = true, _ body: (Database) throws -> Value) throws -> Value {
    try Self.translatingErrors(of: path, isWriting: true) {
      if let shared { return try Self.savepoint(shared) { try body(shared) } }
      var value: Value?
      try database.writeWithoutTransaction { db in
        if !waiting { try db.execute(sql: "PRAGMA busy_timeout = 0") }
        defer {
          if !waiting { try? db.execute(sql: "PRAGMA busy_timeout = \(Self.busyTimeout * 1000)") }
        }
        try Self.prepareToWrite(db)
        try db.inTransaction(.immediate) {
          value = try body(db)
          return .commit
        }
      }
      return value!
    }
  }

  /// Runs `body`, and takes back what it wrote where it throws.
  static func savepoint<Value>(_ db: Database, _ body: () throws -> Value) throws -> Value {
    var value: Value?
    try db.inSavepoint {
      value = try body()
      return .commit
    }
    return value!
  }

  /// Whether reads and writes join a transaction that is under way.
  var isSharingTransaction: Bool { shared != nil }

  /// While `body` runs, every read and write of this store joins the transaction of `db`: a write that
  /// throws takes back its own changes only. One thread at a time, as writes are.
  func sharingTransaction<Value>(_ db: Database, _ body: () throws -> Value) rethrows -> Value {
    shared = db
    defer { shared = nil }
    return try body()
  }

  static func translatingErrors<Value>(
    of path: FilePath, isWriting: Bool = false, _ body: () throws -> Value
  ) throws -> Value {
    do {
      return try body()
    } catch let error as DatabaseError {
      switch error.resultCode {
      case .SQLITE_BUSY, .SQLITE_LOCKED: throw KeystoreError.busy(path)
      case .SQLITE_READONLY: throw KeystoreError.readOnly(path)
      // What cannot be opened any more once the store is open is its journal.
      case .SQLITE_CANTOPEN where isWriting: throw KeystoreError.readOnly(path)
      case .SQLITE_NOTADB: throw KeystoreError.notAKeystore(path, "it is not an SQLite database")
      case .SQLITE_FULL: throw IOError(.write, path, .noSpace)
      case .SQLITE_IOERR: throw KeystoreError.ioFailure(path)
      // SQLite's word also for a disk that does not give the bytes back.
      case .SQLITE_CORRUPT: throw KeystoreError.unreadable(path)
      default: throw KeystoreError.database(path, error.message ?? "\(error.resultCode)")
      }
    } catch is RowDecodingError {
      throw KeystoreError.notAKeystore(path, "a record has a value that is not known")
    }
  }
}
