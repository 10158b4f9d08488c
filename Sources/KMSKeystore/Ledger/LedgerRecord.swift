import Foundation
import GRDB

/// A row that the ledger lists.
protocol LedgerRecord: KeystoreRow {
  var ledgerName: LedgerName { get }
  /// Returns 32 bytes that differ from those of every earlier row with the same name.
  func ledgerCode() throws -> [UInt8]
}

extension LedgerRecord {
  /// The name of the record in messages.
  package var recordName: String { ledgerName.recordName }

  /// Throws `editedRecord` unless the record belongs to the key. If somebody edited an index of the
  /// database, a query may return records of other keys.
  func requireKey(_ keyID: String) throws(KeystoreError) {
    guard ledgerName.keyID.utf8.elementsEqual(keyID.utf8) else { throw .editedRecord(recordName) }
  }
}

extension LedgerRecord where Self: AuthenticatedRecord {
  func ledgerCode() -> [UInt8] { Array(authenticationCode) }
}

extension UnlockedKeystore {
  // MARK: Verifying

  /// Throws `editedRecord` unless the program wrote `record`, and wrote no later record with the
  /// same name.
  func verify(_ record: some AuthenticatedRecord & LedgerRecord, _ db: Database) throws {
    try verifyCode(of: record)
    try verifyListed(record, db)
  }

  /// Throws `editedRecord` unless `record` is the last record with this name that the program
  /// wrote.
  func verifyListed(_ record: some LedgerRecord, _ db: Database) throws {
    if ledger == nil { return }
    let code = try bucket(record.ledgerName.bucket, db)[record.ledgerName]
    guard try code == record.ledgerCode() else {
      throw KeystoreError.editedRecord(record.recordName)
    }
  }

  /// Throws `editedRecord` unless each record is valid and belongs to the key, and `records` are
  /// all records of this type that the key has.
  func verify<Record: AuthenticatedRecord & LedgerRecord>(
    _ records: [Record], areAllOfKey keyID: String, _ db: Database
  ) throws {
    for record in records {
      try verify(record, db)
      try record.requireKey(keyID)
    }
    if ledger == nil { return }
    let names = Set(records.map(\.ledgerName))
    let bucket = LedgerName(table: Record.databaseTableName, keyID: keyID).bucket
    for entry in try self.bucket(bucket, db).entries()
    where entry.name.keyID == keyID && entry.name.table == Record.databaseTableName {
      guard names.contains(entry.name) else {
        throw KeystoreError.editedRecord(entry.name.recordName)
      }
    }
  }

  /// True if the ledger lists a record of that name.
  func isListed(_ name: LedgerName, _ db: Database) throws -> Bool {
    if ledger == nil { return false }
    return try bucket(name.bucket, db)[name] != nil
  }

  // MARK: Writing

  /// Inserts a new record with its code.
  @discardableResult
  func insert<Record: AuthenticatedRecord & LedgerRecord>(
    _ record: Record, _ db: Database
  ) throws -> Record {
    let record = try authenticating(record)
    try record.insert(db)
    try list(record, db)
    return record
  }

  func insert(_ record: ProtectorRecord, _ db: Database) throws {
    try record.insert(db)
    try list(record, db)
  }

  /// Replaces a record, and gives the new one its code.
  @discardableResult
  func update<Record: AuthenticatedRecord & LedgerRecord>(
    _ record: Record, _ db: Database
  ) throws -> Record {
    let record = try authenticating(record)
    try record.update(db)
    try list(record, db)
    return record
  }

  /// Inserts or replaces a record, with its code.
  func save(_ record: some AuthenticatedRecord & LedgerRecord, _ db: Database) throws {
    let record = try authenticating(record)
    try record.save(db)
    try list(record, db)
  }

  func delete(_ record: some LedgerRecord, _ db: Database) throws {
    try record.delete(db)
    try unlist(record.ledgerName, db)
  }

  /// Deletes a key with everything that belongs to it.
  func delete(_ key: MasterKeyRecord, _ db: Database) throws {
    try key.delete(db)
    try unlistAll(ofKey: key.id, db)
  }

  /// Removes all entries of a key ID from the ledger, before a key with that ID is created again.
  func unlistAll(ofKey keyID: String, _ db: Database) throws {
    let bucket = LedgerName(table: MasterKeyRecord.databaseTableName, keyID: keyID).bucket
    try changeLedger(bucket, db) { try $0.removeAll(ofKey: keyID) }
  }

  /// Removes a name from the ledger, because its record now has another name.
  func unlist(_ name: LedgerName, _ db: Database) throws {
    try changeLedger(name.bucket, db) { try $0.set(nil, for: name) }
  }

  private func list(_ record: some LedgerRecord, _ db: Database) throws {
    let code = try record.ledgerCode()
    try changeLedger(record.ledgerName.bucket, db) {
      try $0.set(code, for: record.ledgerName)
    }
  }

  private func changeLedger(
    _ name: LedgerBucket.Name, _ db: Database, _ change: (inout LedgerBucket) throws -> Void
  ) throws {
    guard let ledger else { return }
    var record = try keystoreRecord(db)
    let root = try record.requireLedger()
    let new = try ledger.change(name, root: root, db, change)
    if new == root { return }
    record.ledger = new
    try authenticating(record).update(db)
  }

  /// Turns required audit on or off in the keystore's own record. If it is on, a use of a key that
  /// cannot be recorded is refused.
  func require(audit isRequired: Bool, _ db: Database) throws {
    var record = try keystoreRecord(db)
    record.requiresAudit = isRequired ? 1 : nil
    try authenticating(record).update(db)
  }

  // MARK: Pending destruction

  /// Returns the latest date on which a command noted that something is due for destruction, if
  /// that is not destroyed yet. Throws `editedRecord`.
  func foundDueDate(_ db: Database) throws -> Int64? { try keystoreRecord(db).foundDueDate }

  func setFoundDueDate(_ date: Int64?, _ db: Database) throws {
    var record = try keystoreRecord(db)
    if record.foundDueDate == date { return }
    record.foundDueDate = date
    try authenticating(record).update(db)
  }

  // MARK: The ledger

  /// Returns a bucket of the ledger, verified. Throws `editedRecord`.
  func bucket(_ name: LedgerBucket.Name, _ db: Database) throws -> LedgerBucket {
    let root = try keystoreRecord(db).requireLedger()
    return try ledger?.bucket(name, root: root, db) ?? LedgerBucket(name, bytes: [])
  }

  /// Returns the names of all records of a table that the ledger lists. Throws `editedRecord` if a
  /// part of the ledger is damaged.
  func ledgerNames(inTable table: String, _ db: Database) throws -> [LedgerName] {
    var names: [LedgerName] = []
    func collect(_ bucket: LedgerBucket.Name) throws {
      for entry in try self.bucket(bucket, db).entries() {
        if let child = LedgerBucket.Name(listedAs: entry.name) {
          try collect(child)
        } else if entry.name.table == table {
          names.append(entry.name)
        }
      }
    }
    if ledger != nil { try collect(.root) }
    return names
  }

  /// Returns the keystore's own record as it is now, verified.
  func keystoreRecord(_ db: Database) throws -> KeystoreRecord {
    guard let record = try KeystoreRecord.only(db) else {
      throw KeystoreError.editedRecord("keystore \(keystoreID)")
    }
    if let ledger {
      try ledger.verifyOnce(record) { try verifyCode(of: $0) }
    } else {
      try verifyCode(of: record)
    }
    return record
  }
}
