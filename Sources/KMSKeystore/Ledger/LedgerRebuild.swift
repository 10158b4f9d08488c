import Foundation
import GRDB

extension UnlockedKeystore {
  /// Adds a ledger to a store of version 0.1.0, and gives its records the codes that are valid with
  /// a ledger. A record with a wrong code stays as it is, and is not listed.
  func takeOver(from old: UnlockedKeystore, _ db: Database) throws {
    try rebuildLedger(db, from: old)
  }

  /// Accepts the current records as the latest ones, if the program wrote them. Throws
  /// `editedRecord` if the upper part of the ledger is damaged: the keystore's own record may then
  /// be an older one that was put back with a protector of that time.
  func acceptRecords(_ db: Database) throws {
    for entry in try bucket(.root, db).entries() {
      if let child = LedgerBucket.Name(listedAs: entry.name) { _ = try bucket(child, db) }
    }
    try removeLeftovers(db)
    try rebuildLedger(db, from: nil)
  }

  /// Removes policies and grants that belong to no key: nobody else can, and nothing lists them.
  private func removeLeftovers(_ db: Database) throws {
    for table in [KeyPolicyRecord.databaseTableName, GrantRecord.databaseTableName] {
      try db.execute(
        sql: """
          DELETE FROM \(table)
          WHERE NOT EXISTS (SELECT 1 FROM masterKey WHERE masterKey.id = \(table).keyID)
          """)
    }
    for key in try MasterKeyRecord.readable(db, { _, _ in })
    where key.policyDigest == nil && isAuthentic(key) {
      try KeyPolicyRecord.deleteOne(db, key: key.id)
    }
  }

  private func rebuildLedger(_ db: Database, from old: UnlockedKeystore?) throws {
    var entries: [LedgerBucket.Entry] = []
    func list<Record: AuthenticatedRecord & LedgerRecord>(_ type: Record.Type) throws {
      for record in try Record.readable(db, { _, _ in }) {
        let code: [UInt8]
        if let old {
          // The store had a ledger before: somebody put back the keystore's own record from the
          // time without one.
          if isAuthentic(record) { throw KeystoreError.editedRecord("keystore \(keystoreID)") }
          guard old.isAuthentic(record) else { continue }
          let record = try authenticating(record)
          try record.update(db)
          code = try record.ledgerCode()
        } else {
          var record = record
          if !isAuthentic(record) {
            // A process that began before the store had a ledger may have written the record.
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
    // A protector that was removed is not accepted again. This throws if the ledger cannot tell
    // which protectors were removed.
    let listed = old == nil ? try bucket(.store, db) : nil
    var unreadable: [Int64] = []
    let protectors = try ProtectorRecord.readable(db, columns: "*, rowid") { _, row in
      if let row { unreadable.append(row["rowid"]) }
    }
    if old == nil {
      for row in unreadable {
        try db.execute(sql: "DELETE FROM protector WHERE rowid = ?", arguments: [row])
      }
    }
    for protector in protectors {
      if let listed, try listed[protector.ledgerName] != protector.ledgerCode() {
        try protector.delete(db)
        continue
      }
      // An entry has no room for a longer ID. No protector of ours has one.
      guard protector.id.utf8.count <= Int(UInt16.max) else { continue }
      entries.append(
        LedgerBucket.Entry(name: protector.ledgerName, code: try protector.ledgerCode()))
    }
    guard var record = try KeystoreRecord.only(db) else { return }
    try (old ?? self).verifyCode(of: record)
    record.ledger = try Ledger.replace(with: entries, db)
    try authenticating(record).update(db)
  }

  /// True if the program wrote the record while the store had no ledger.
  func isFromBeforeLedger(_ record: some AuthenticatedRecord) -> Bool {
    (try? verifyCode(of: record, inLedger: false)) != nil
  }

  func isAuthentic(_ record: some AuthenticatedRecord) -> Bool {
    (try? verifyCode(of: record)) != nil
  }
}
