import Foundation
import GRDB

/// Holds the records of a keystore against its ledger.
struct RecordCheck {
  var damage: [KeystoreDamage] = []
  /// What is in the list already as edited, or as missing.
  private var noted: Set<String> = []
  private var missed: Set<String> = []
  private let unlocked: UnlockedKeystore
  /// What the ledger lists and no record was taken for yet; nil where there is no ledger.
  private var listed: [LedgerName: [UInt8]]?
  /// Buckets that are not what their digests say: of their records it is only known that they are
  /// ours.
  private var unknown: Set<LedgerBucket.Name> = []
  /// The buckets that the ledger has.
  private var buckets: Set<LedgerBucket.Name> = []
  /// The places of records whose own code is wrong. They are not missing.
  private var edited: Set<LedgerName> = []
  /// The tables of which not all rows can be read.
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
      unknown.insert(name)
    }
  }

  /// Notes the rows of the ledger's table that are in no bucket above them. The root is not a row.
  private mutating func noteStrayBuckets(_ db: Database) throws {
    var strays: [LedgerBucket.Name] = []
    var edited: [String] = []
    try LedgerBucket.forEachName(db) { name in
      if name == .root || !(buckets.contains(name) || isUnknown(name)) { strays.append(name) }
    } edited: {
      edited.append($0)
    }
    damage += strays.map { .stray($0.recordName) }
    for name in edited { note(edited: name) }
  }

  /// Returns all rows of a table that can be read, and notes the other ones.
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

  /// True if not all rows of the table can be read, so that nothing can be said to be missing.
  func isUnread(_ type: (some KeystoreRow).Type) -> Bool {
    unread.contains(type.databaseTableName)
  }

  mutating func note(edited name: String) {
    if noted.insert(name).inserted { damage.append(.edited(name)) }
  }

  /// Notes what is wrong with a record; returns whether its own code is right.
  mutating func take(_ record: some AuthenticatedRecord & LedgerRecord) throws -> Bool {
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

  mutating func take(_ protector: ProtectorRecord) throws {
    if try !isListed(protector) { damage.append(.strayProtector(protector.id)) }
  }

  private mutating func isListed(_ record: some LedgerRecord) throws -> Bool {
    guard listed != nil else { return true }
    if isUnknown(record.ledgerName.bucket) {
      damage.append(.uncertain(record.recordName))
      return true
    }
    return try listed?.removeValue(forKey: record.ledgerName) == record.ledgerCode()
  }

  /// Notes what `body` finds edited.
  mutating func noting(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch KeystoreError.editedRecord(let name) {
      note(edited: name)
    }
  }

  /// Notes that a record is not there, once.
  mutating func miss(_ record: String) {
    if missed.insert(record).inserted { damage.append(.missing(record)) }
  }

  /// Notes a record that belongs to nothing.
  mutating func note(stray record: String) { damage.append(.stray(record)) }

  /// What is wrong, after all records have been taken.
  mutating func finish() -> [KeystoreDamage] {
    for name in (listed ?? [:]).keys.sorted()
    where !edited.contains(name) && !unread.contains(name.table) {
      miss(name.recordName)
    }
    return damage
  }

  private func isUnknown(_ name: LedgerBucket.Name) -> Bool {
    unknown.contains(name) || name.parent.map(isUnknown) ?? false
  }
}
