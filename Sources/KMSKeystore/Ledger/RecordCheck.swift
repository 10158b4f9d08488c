import Foundation
import GRDB

/// Holds the records of a keystore against its ledger.
struct RecordCheck {
  var damage: [KeystoreDamage] = []
  private let unlocked: UnlockedKeystore
  /// What the ledger lists and no record was taken for yet; nil where there is no ledger.
  private var listed: [LedgerName: [UInt8]]?
  /// Buckets that are not what their digests say: of their records it is only known that they are ours.
  private var unknown: Set<LedgerBucket.Name> = []

  init(_ unlocked: UnlockedKeystore, _ db: Database) throws {
    self.unlocked = unlocked
    guard unlocked.ledger != nil else { return }
    listed = [:]
    try list(.root, db)
  }

  private mutating func list(_ name: LedgerBucket.Name, _ db: Database) throws {
    do {
      for entry in try unlocked.bucket(name, db).entries() {
        if let child = LedgerBucket.Name(listedAs: entry.name) {
          try list(child, db)
        } else {
          listed?[entry.name] = entry.code
        }
      }
    } catch KeystoreError.editedRecord(let record) {
      damage.append(.edited(record))
      unknown.insert(name)
    }
  }

  /// Returns all rows of a table that can be read, and notes the other ones.
  mutating func readable<Record: KeystoreRow>(
    _ type: Record.Type, _ db: Database
  ) throws -> [Record] {
    var edited: [String] = []
    let rows = try Record.readable(db) { name, _ in edited.append(name) }
    damage += edited.map(KeystoreDamage.edited)
    return rows
  }

  /// Notes what is wrong with a record; returns whether its own code is right.
  mutating func take(_ record: some AuthenticatedRecord & LedgerRecord) throws -> Bool {
    guard unlocked.isAuthentic(record) else {
      let isOurs = unlocked.isFromBeforeLedger(record)
      damage.append(isOurs ? .outdated(record.recordName) : .edited(record.recordName))
      listed?[record.ledgerName] = nil
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
      damage.append(.edited(name))
    }
  }

  /// Notes that a record is not there, once.
  mutating func miss(_ record: String) {
    if !damage.contains(.missing(record)) { damage.append(.missing(record)) }
  }

  /// What is wrong, after all records have been taken.
  mutating func finish() -> [KeystoreDamage] {
    for name in (listed ?? [:]).keys.sorted() { miss(name.recordName) }
    return damage
  }

  private func isUnknown(_ name: LedgerBucket.Name) -> Bool {
    unknown.contains(name) || name.parent.map(isUnknown) ?? false
  }
}
