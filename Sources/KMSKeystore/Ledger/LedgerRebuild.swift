import Foundation
import GRDB

extension UnlockedKeystore {
  /// Adds a ledger to a store of version 0.1.0, and gives its records new codes. Codes are
  /// different if there is a ledger: `old` verifies the present ones. A record with a wrong code
  /// stays as it is, and is not listed.
  func takeOver(from old: UnlockedKeystore, _ db: Database) throws {
    try rebuildLedger(db, from: old)
  }

  /// Accepts the present records as the current ones, if the program wrote them. Throws
  /// `editedRecord` if the root or a bucket below it is damaged. In that case somebody may have put
  /// back an older record of the keystore, together with a protector of that time.
  func acceptRecords(_ db: Database) throws {
    for entry in try bucket(.root, db).entries() {
      if let child = LedgerBucket.Name(listedAs: entry.name) { _ = try bucket(child, db) }
    }
    try removeLeftovers(db)
    try rebuildLedger(db, from: nil)
  }

  /// Removes policies and grants that belong to no key. No other command can remove them, because
  /// no key lists them.
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

  /// Makes the ledger from the records. `old` is the store as it was without a ledger; nil if it
  /// has a ledger already.
  private func rebuildLedger(_ db: Database, from old: UnlockedKeystore?) throws {
    var entries: [LedgerBucket.Entry] = []
    func list<Record: AuthenticatedRecord & LedgerRecord>(_ type: Record.Type) throws {
      for record in try Record.readable(db, { _, _ in }) {
        let code: [UInt8]
        if let old {
          // This code is valid only with a ledger, so the store had a ledger already. Somebody put
          // back an older record of the keystore, which has no ledger.
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
      // An entry has 16 bits for the length of an ID. The program does not make longer IDs.
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
