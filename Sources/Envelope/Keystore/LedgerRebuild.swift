import Foundation
import GRDB

extension UnlockedKeystore {
  /// Gives a store of 0.1.0 its ledger, and its records the codes that count there. A record whose code
  /// is wrong stays as it is, and is not listed.
  func takeOver(from old: UnlockedKeystore, _ db: Database) throws {
    try rebuildLedger(db, from: old)
  }

  /// Takes the records that are there, and that the program wrote, for the last ones.
  func acceptRecords(_ db: Database) throws { try rebuildLedger(db, from: nil) }

  private func rebuildLedger(_ db: Database, from old: UnlockedKeystore?) throws {
    var entries: [LedgerBucket.Entry] = []
    func list<Record: AuthenticatedRecord & LedgerRecord>(_ type: Record.Type) throws {
      for record in try Record.all(db) {
        let code: [UInt8]
        if let old {
          // With a ledger there was one already: the keystore's own record from before was put back.
          if isAuthentic(record) { throw KeystoreError.editedRecord("keystore \(keystoreID)") }
          guard old.isAuthentic(record) else { continue }
          let record = try authenticating(record)
          try record.update(db)
          code = try record.ledgerCode()
        } else {
          guard isAuthentic(record) else { continue }
          code = try record.ledgerCode()
        }
        entries.append(LedgerBucket.Entry(name: record.ledgerName, code: code))
      }
    }
    try list(MasterKeyRecord.self)
    try list(KeyVersionRecord.self)
    try list(AliasRecord.self)
    try list(TagRecord.self)
    try list(StackRecord.self)
    try list(AuditAnchorRecord.self)
    for protector in try ProtectorRecord.all(db) {
      entries.append(
        LedgerBucket.Entry(name: protector.ledgerName, code: try protector.ledgerCode()))
    }
    guard var record = try KeystoreRecord.all(db).first else { return }
    try (old ?? self).verifyCode(of: record)
    record.ledger = try Ledger.replace(with: entries, db)
    try authenticating(record).update(db)
  }

  func isAuthentic(_ record: some AuthenticatedRecord) -> Bool {
    (try? verifyCode(of: record)) != nil
  }
}
