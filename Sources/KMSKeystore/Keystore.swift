import Envelope
import Foundation
import GRDB
import Glibc
import Synchronization
import SystemPackage

/// One SQLite file of master keys (mode 0600). Several processes can use it at the same time.
package final class Keystore: Sendable {
  /// The path of the file itself, even if the store was opened through a symbolic link.
  package let path: FilePath
  let database: KeystoreDatabase
  /// The UUID of the store itself.
  package let id: String
  package let creationDate: Date
  /// The owner of the file.
  package let owner: uid_t
  /// The keystore's own record as it was when the store was opened.
  let record: KeystoreRecord
  /// The audit log is beside this file. It is not `path` while the store is being made.
  private let file: FilePath
  let unlocking = Mutex(Unlocking())
  /// Locked while a thread unlocks the store.
  let attempts = Mutex<Void>(())

  // MARK: Opening

  /// Opens an existing store. Throws `KeystoreError`, `KeystoreFileError`.
  package convenience init(at path: FilePath) throws { try self.init(at: path, readOnly: false) }

  /// Opens a store only to copy it. The file may therefore have several names (hard links).
  package convenience init(copying path: FilePath) throws {
    try self.init(at: path, readOnly: true, mayHaveOtherNames: true)
  }

  init(at path: FilePath, readOnly: Bool, mayHaveOtherNames: Bool = false) throws {
    let file: KeystoreFile
    (file, database, record) = try Self.open(path, readOnly, mayHaveOtherNames)
    self.path = file.path
    self.file = file.path
    owner = file.status.owner
    id = record.id
    creationDate = Date(milliseconds: record.creationDate)
  }

  /// The number of retries if another file takes the name while the store is being opened.
  private static let mostTries = 16

  private static func open(
    _ path: FilePath, _ readOnly: Bool, _ mayHaveOtherNames: Bool
  ) throws -> (KeystoreFile, KeystoreDatabase, KeystoreRecord) {
    var tries = 0
    while true {
      let file = try KeystoreFile(at: path, mayHaveOtherNames: mayHaveOtherNames)
      // A store on a read-only medium can still decrypt.
      let readOnly = readOnly || file.path.withPlatformString { access($0, W_OK) } != 0
      do {
        let (database, record) = try translatingErrors(of: file.path) {
          try upToDate(try KeystoreDatabase(file, readOnly: readOnly), at: file.path)
        }
        return (file, database, record)
      } catch KeystoreFileError.changing(_) where tries < mostTries {
        // Another process replaced a backup at this path: open the new file.
        tries += 1
      }
    }
  }

  /// Makes the object of a store that is not complete yet. Its audit log is beside `file` until the
  /// store has its final name.
  init(
    making path: FilePath, _ database: KeystoreDatabase, _ record: KeystoreRecord, file: FilePath
  ) {
    self.path = path
    self.file = file
    self.database = database
    self.record = record
    owner = geteuid()
    id = record.id
    creationDate = Date(milliseconds: record.creationDate)
  }

  /// Migrates an older store to the current schema, and reads its record. Returns the database to
  /// work with: a copy in memory if an older store cannot be written.
  private static func upToDate(
    _ database: KeystoreDatabase, at path: FilePath
  ) throws -> (KeystoreDatabase, KeystoreRecord) {
    let current = try database.finishOpening { db, steps in
      steps == KeystoreSchema.steps.count ? try record(of: path, db) : nil
    }
    if let current { return (database, current) }
    let migrated = try migrateOrCopy(database, at: path)
    return (migrated, try migrated.read { try record(of: path, $0) })
  }

  private static func migrateOrCopy(
    _ database: KeystoreDatabase, at path: FilePath
  ) throws -> KeystoreDatabase {
    do {
      try database.migrate()
      return database
    } catch let error as DatabaseError
      where [.SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_FULL].contains(error.resultCode)
    {
      // The copy can still decrypt messages. It refuses writes, because they would be lost.
      let image = try database.read { try DatabaseImage(copyingFileOf: $0) }
      let copy = try KeystoreDatabase(reading: image, of: path)
      try copy.finishOpening { _, _ in }
      try copy.migrate()
      try copy.forbidWriting()
      return copy
    }
  }

  static func record(of path: FilePath, _ db: Database) throws -> KeystoreRecord {
    guard let record = try KeystoreRecord.only(db) else {
      throw KeystoreError.notAKeystore(path, "it has no keystore record")
    }
    return record
  }

  /// Leaves the connection open until the process ends. For a process that is about to end.
  package func leaveOpen() { database.leaveOpen() }

  /// The latest date on which something was found due to be destroyed, as of the time when the
  /// store was opened.
  package var foundDueDate: Int64? { record.foundDueDate }

  // MARK: Audit log

  /// True if no key is used unless the use can be recorded. The value is verified when the store is
  /// unlocked.
  package var requiresAudit: Bool { record.requiresAudit != nil }

  /// True if the store is on a file system that is mounted read-only, so that nothing can be
  /// recorded beside the store.
  package var isOnReadOnlyMedium: Bool {
    path.withPlatformString { access($0, W_OK) } != 0 && Errno.current == .readOnlyFileSystem
  }

  package func auditLog(_ unlocked: UnlockedKeystore) throws -> AuditLog {
    // Users who may read and write the store may also read and write its log.
    let permissions = (try? FileStatus.at(file))??.permissions
    return AuditLog(
      at: AuditLog.path(beside: file), key: try unlocked.auditKey(),
      permissions: permissions ?? AuditLog.ownerOnly)
  }

  /// Returns the end of the audit log when the keystore was last changed.
  package func auditAnchor(verifiedBy unlocked: UnlockedKeystore) throws -> AuditAnchor {
    try Self.translatingErrors(of: path) {
      try auditAnchorReentrantly(verifiedBy: unlocked)
    }
  }

  /// Returns the same anchor, read inside the transaction of this thread if there is one. Does not
  /// translate errors of SQLite.
  package func auditAnchorReentrantly(verifiedBy unlocked: UnlockedKeystore) throws -> AuditAnchor {
    try database.readReentrantly { try Self.auditAnchor(verifiedBy: unlocked, $0) }
  }

  static func auditAnchor(
    verifiedBy unlocked: UnlockedKeystore, _ db: Database
  ) throws -> AuditAnchor {
    guard let record = try AuditAnchorRecord.last(verifiedBy: unlocked, db) else { return .none }
    guard record.code.count == AuditEntry.codeLength, record.sequence > 0 else {
      throw KeystoreError.editedRecord(record.recordName)
    }
    return AuditAnchor(sequence: UInt64(record.sequence), code: Array(record.code))
  }

  // MARK: Protectors

  /// Returns the protectors, oldest first.
  package func protectors() throws -> [ProtectorDescription] {
    try read(ProtectorRecord.oldestFirst).map(\.description)
  }

  // MARK: Access

  /// Runs `body` in one transaction, so that everything it reads is consistent.
  func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try Self.translatingErrors(of: path) { try database.read(body) }
  }

  /// Runs `body` in one transaction that holds the write lock from its start. Waits for other
  /// writers, unless `waiting` is false.
  func write<Value>(waiting: Bool = true, _ body: (Database) throws -> Value) throws -> Value {
    try Self.translatingErrors(of: path, isWriting: true) {
      try database.write(waiting: waiting, body)
    }
  }

  /// Runs `body`. Rolls its writes back if it throws.
  static func savepoint<Value>(_ db: Database, _ body: () throws -> Value) throws -> Value {
    var value: Value?
    try db.inSavepoint {
      value = try body()
      return .commit
    }
    return value!
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
      // The store is open already, so the file that cannot be opened is its journal.
      case .SQLITE_CANTOPEN where isWriting: throw KeystoreError.readOnly(path)
      case .SQLITE_NOTADB: throw KeystoreError.notAKeystore(path, "it is not an SQLite database")
      case .SQLITE_TOOBIG: throw KeystoreError.editedRecord("a record that is too long")
      case .SQLITE_NOMEM: throw OutOfMemoryError(count: nil)
      case .SQLITE_FULL: throw IOError(.write, path, .noSpace)
      case .SQLITE_IOERR: throw KeystoreError.ioFailure(path)
      // SQLite also reports this if the disk fails to return the bytes.
      // `WorkLimit` interrupts a statement that a sound file would not keep busy for so long.
      case .SQLITE_CORRUPT, .SQLITE_INTERRUPT: throw KeystoreError.unreadable(path)
      default: throw KeystoreError.database(path, error.message ?? "\(error.resultCode)")
      }
    } catch is RecordError {
      // An index does not lead to a row that was just read from the table.
      throw KeystoreError.unreadable(path)
    } catch is RowDecodingError {
      throw KeystoreError.notAKeystore(path, "a record has an unknown value")
    }
  }
}
