import Foundation
import GRDB

/// A comparison of the records of a keystore with its ledger. It collects the damage.
struct RecordCheck {
  var damage: [KeystoreDamage] = []
  /// The names of records that are in `damage` already, as edited or as missing.
  private var notedEdited: Set<String> = []
  private var notedMissing: Set<String> = []
  private let unlocked: UnlockedKeystore
  /// The entries of the ledger whose record was not checked yet; nil if there is no ledger.
  private var listed: [LedgerName: [UInt8]]?
  /// Buckets that do not match their digests. It is not known if their records are the current
  /// ones, only that the program wrote them.
  private var damagedBuckets: Set<LedgerBucket.Name> = []
  /// The buckets that are reached from the root.
  private var buckets: Set<LedgerBucket.Name> = []
  /// The names of records whose own code is wrong. They do not count as missing.
  private var edited: Set<LedgerName> = []
  /// The tables that have rows which cannot be read. Of these tables, no record counts as missing.
  private var unread: Set<String> = []

  init(_ unlocked: UnlockedKeystore, _ db: Database) throws {
    self.unlocked = unlocked
    guard unlocked.ledger != nil else { return }
    listed = [:]
    try list(.root, db)
    try noteStrayBuckets(db)
  }

  private mutating func list(_ name: LedgerBucket.Name, _ db: Database) throws {
    buckets.insert(name)
    do {
      for entry in try unlocked.bucket(name, db).entries() {
        if let child = LedgerBucket.Name(listedAs: entry.name) {
          try list(child, db)
        } else {
          listed?[entry.name] = entry.code
        }
      }
    } catch KeystoreError.editedRecord(let record) {
      note(edited: record)
      damagedBuckets.insert(name)
    }
  }

  /// Notes the rows of the ledger's table that no parent bucket lists. The root bucket is not
  /// stored in the table.
  private mutating func noteStrayBuckets(_ db: Database) throws {
    var strays: [LedgerBucket.Name] = []
    var edited: [String] = []
    try LedgerBucket.forEachName(db) { name in
      if name == .root || !(buckets.contains(name) || isDamaged(name)) { strays.append(name) }
    } edited: {
      edited.append($0)
    }
    damage += strays.map { .stray($0.recordName) }
    for name in edited { note(edited: name) }
  }

  /// Returns all rows of a table that can be read. Notes the others as edited.
  mutating func readable<Record: KeystoreRow>(
    _ type: Record.Type, _ db: Database
  ) throws -> [Record] {
    var edited: [String] = []
    var isWhole = true
    let rows = try Record.readable(db) { name, row in
      edited.append(name)
      if row == nil { isWhole = false }
    }
    if !isWhole { unread.insert(Record.databaseTableName) }
    for name in edited { note(edited: name) }
    return rows
  }

  /// True if not all rows of the table can be read. A record that is not found may then be among
  /// the others.
  func isUnread(_ type: (some KeystoreRow).Type) -> Bool {
    unread.contains(type.databaseTableName)
  }

  mutating func note(edited name: String) {
    if notedEdited.insert(name).inserted { damage.append(.edited(name)) }
  }

  /// Compares a record with the ledger, and notes the damage. Returns true if the record's own code
  /// is valid.
  mutating func check(_ record: some AuthenticatedRecord & LedgerRecord) throws -> Bool {
    guard unlocked.isAuthentic(record) else {
      if unlocked.isFromBeforeLedger(record) {
        damage.append(.outdated(record.recordName))
      } else {
        note(edited: record.recordName)
      }
      edited.insert(record.ledgerName)
      return false
    }
    if try !isListed(record) { damage.append(.outdated(record.recordName)) }
    return true
  }

  mutating func check(_ protector: ProtectorRecord) throws {
    if try !isListed(protector) {
      damage.append(.strayProtector(protector.id))
    } else if !protector.hasOwnFieldsOnly {
      note(edited: protector.recordName)
    }
  }

  private mutating func isListed(_ record: some LedgerRecord) throws -> Bool {
    guard listed != nil else { return true }
    if isDamaged(record.ledgerName.bucket) {
      damage.append(.uncertain(record.recordName))
      return true
    }
    return try listed?.removeValue(forKey: record.ledgerName) == record.ledgerCode()
  }

  /// Runs `body`. If it throws `editedRecord`, notes that record as edited.
  mutating func noteEdits(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch KeystoreError.editedRecord(let name) {
      note(edited: name)
    }
  }

  /// Notes a record as missing, at most once.
  mutating func note(missing record: String) {
    if notedMissing.insert(record).inserted { damage.append(.missing(record)) }
  }

  /// Notes a record that belongs to no key, or to no other part of the keystore.
  mutating func note(stray record: String) { damage.append(.stray(record)) }

  /// Returns the damage. Call this after all records have been checked.
  mutating func finish() -> [KeystoreDamage] {
    for name in (listed ?? [:]).keys.sorted()
    where !edited.contains(name) && !unread.contains(name.table) {
      note(missing: name.recordName)
    }
    return damage
  }

  private func isDamaged(_ name: LedgerBucket.Name) -> Bool {
    damagedBuckets.contains(name) || name.parent.map(isDamaged) ?? false
  }
}
