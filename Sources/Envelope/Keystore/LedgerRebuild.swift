import Foundation
import GRDB

extension UnlockedKeystore {
  /// Gives a store of 0.1.0 its ledger, and its records the codes that count there. A record whose code
  /// is wrong stays as it is, and is not listed.
  func takeOver(from old: UnlockedKeystore, _ db: Database) throws {
    try rebuildLedger(db, from: old)
  }

  /// Takes the records that are there, and that the program wrote, for the last ones. Throws `editedRecord` if the
  /// upper part of the ledger is damaged: then the keystore's own record may be an older one, put back with a
  /// protector of then.
  func acceptRecords(_ db: Database) throws {
    for entry in try bucket(.root, db).entries() {
      if let child = LedgerBucket.Name(listedAs: entry.name) { _ = try bucket(child, db) }
    }
    try rebuildLedger(db, from: nil)
  }

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
          var record = record
          if !isAuthentic(record) {
            // A process that was at work since before there was a ledger may have written it.
            guard isFromBeforeLedger(record) else { continue }
            record = try authenticating(record)
            try record.update(db)
          }
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
    // A protector that was removed is not accepted again. If the ledger cannot say which those are, nothing is.
    let listed = old == nil ? try bucket(.store, db) : nil
    for protector in try ProtectorRecord.all(db) {
      if let listed, try listed[protector.ledgerName] != protector.ledgerCode() {
        try protector.delete(db)
        continue
      }
      // No entry has room for a longer name, and no protector of ours has one.
      guard protector.id.utf8.count <= Int(UInt16.max) else { continue }
      entries.append(
        LedgerBucket.Entry(name: protector.ledgerName, code: try protector.ledgerCode()))
    }
    guard var record = try KeystoreRecord.only(db) else { return }
    try (old ?? self).verifyCode(of: record)
    record.ledger = try Ledger.replace(with: entries, db)
    try authenticating(record).update(db)
  }

  /// Whether the program wrote the record when the store had no ledger.
  func isFromBeforeLedger(_ record: some AuthenticatedRecord) -> Bool {
    (try? verifyCode(of: record, inLedger: false)) != nil
  }

  func isAuthentic(_ record: some AuthenticatedRecord) -> Bool {
    (try? verifyCode(of: record)) != nil
  }
}
