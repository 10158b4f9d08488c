import Foundation
import GRDB

/// A kind of damage that `check` finds.
package enum KeystoreDamage: Equatable, Sendable {
  /// A record that is not as the program wrote it.
  case edited(String)
  /// A record that the program wrote, but that is not the latest version of this record.
  case outdated(String)
  /// A record that the program wrote. It may not be the latest version: the part of the ledger that
  /// would show this is damaged.
  case uncertain(String)
  /// The ID of a protector that is in the file, but no longer belongs to the keystore.
  case strayProtector(String)
  /// A record that does not belong to any key or other part of the keystore.
  case stray(String)
  /// A record that is missing, although other records need it.
  case missing(String)
  /// SQLite's description of a file that is inconsistent. For example, an index that lacks an entry
  /// for a row hides that row.
  case structure(String)
  case audit(AuditDamage)
}

/// The result of `check`: the numbers of records that it read, and the damage that it found.
package struct KeystoreCheck: Sendable {
  package internal(set) var keys = 0
  package internal(set) var versions = 0
  package internal(set) var aliases = 0
  package internal(set) var tags = 0
  package internal(set) var grants = 0
  package internal(set) var stacks = 0
  package internal(set) var auditRecords = 0
  package internal(set) var damage: [KeystoreDamage] = []
}

extension Keystore {
  /// Verifies every record, unwraps every key version, and reads the audit log from end to end.
  package func check(with unlocked: UnlockedKeystore) throws -> KeystoreCheck {
    var check = KeystoreCheck()
    try read { db in
      let structure = try structuralDamage(db)
      check.damage = structure
      do {
        var records = try RecordCheck(unlocked, db)
        records.damage += structure
        try checkRecords(&records, &check, unlocked, db)
        check.damage = records.finish()
      } catch let error as DatabaseError
        where error.resultCode == .SQLITE_INTERRUPT && !structure.isEmpty
      {
        // Reading the records of this file would not end. The damage says why.
      }
    }
    try checkAuditLog(unlocked, &check)
    return check
  }

  private func checkRecords(
    _ records: inout RecordCheck, _ check: inout KeystoreCheck, _ unlocked: UnlockedKeystore,
    _ db: Database
  ) throws {
    var numbers: [String: Set<Int64>] = [:]
    var keysWithoutPolicy: Set<String> = []
    for version in try records.readable(KeyVersionRecord.self, db) {
      check.versions += 1
      numbers[version.keyID, default: []].insert(version.version)
      if try records.check(version), version.hasMaterial,
        (try? unlocked.unwrap(version)) == nil
      {
        records.note(edited: version.recordName)
      }
    }
    for key in try records.readable(MasterKeyRecord.self, db) {
      check.keys += 1
      guard try records.check(key) else { continue }
      if key.policyDigest == nil { keysWithoutPolicy.insert(key.id) }
      try records.noteEdits { _ = try KeyPolicyRecord.policy(of: key, db) }
      try records.noteEdits { check.grants += try GrantRecord.grants(of: key, db).count }
      guard key.currentVersion > 0, !records.isUnread(KeyVersionRecord.self) else { continue }
      for number in 1...key.currentVersion
      where !(numbers[key.id]?.contains(number) ?? false) {
        records.note(missing: "version \(number) of key \(key.id)")
      }
    }
    try noteLeftovers(keysWithoutPolicy, &records, db)
    for alias in try records.readable(AliasRecord.self, db) {
      check.aliases += 1
      if try records.check(alias),
        try !MasterKeyRecord.exists(alias.targetKeyID, db)
      {
        records.note(missing: "key \(alias.targetKeyID)")
      }
    }
    for tag in try records.readable(TagRecord.self, db) {
      check.tags += 1
      _ = try records.check(tag)
    }
    for stack in try records.readable(StackRecord.self, db) {
      check.stacks += 1
      _ = try records.check(stack)
    }
    for anchor in try records.readable(AuditAnchorRecord.self, db) {
      _ = try records.check(anchor)
    }
    for protector in try records.readable(ProtectorRecord.self, db) {
      try records.check(protector)
    }
  }

  /// Notes policies that no key lists, and grants of keys that do not exist. The check of a key
  /// itself finds every other policy and grant that does not match the key's record.
  private func noteLeftovers(
    _ keysWithoutPolicy: Set<String>, _ records: inout RecordCheck, _ db: Database
  ) throws {
    for policy in try records.readable(KeyPolicyRecord.self, db) {
      if try keysWithoutPolicy.contains(policy.keyID) || !MasterKeyRecord.exists(policy.keyID, db) {
        records.note(stray: "policy of key \(policy.keyID)")
      }
    }
    for grant in try records.readable(GrantRecord.self, db)
    where try !MasterKeyRecord.exists(grant.keyID, db) {
      records.note(stray: "grant \(grant.id) of key \(grant.keyID)")
    }
  }

  private func structuralDamage(_ db: Database) throws -> [KeystoreDamage] {
    do {
      // The memory that SQLite needs for its check depends on the size.
      _ = try DatabaseFile.soundSize(of: db)
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
      return [.structure("the size of the file is wrong")]
    }
    do {
      let found = try String.fetchAll(db, sql: "PRAGMA integrity_check(20)")
      return found == ["ok"] ? [] : found.map(KeystoreDamage.structure)
    } catch let error as DatabaseError where error.resultCode == .SQLITE_TOOBIG {
      return [.structure("a value is too long")]
    } catch let error as DatabaseError where error.resultCode == .SQLITE_INTERRUPT {
      return [.structure("it has more rows than a file of its size can have")]
    }
  }

  private func checkAuditLog(
    _ unlocked: UnlockedKeystore, _ check: inout KeystoreCheck
  ) throws {
    let anchor: AuditAnchor
    do {
      anchor = try auditAnchor(verifiedBy: unlocked)
    } catch KeystoreError.editedRecord {
      // The damage already contains the edited anchor.
      anchor = .none
    } catch KeystoreError.unreadable where !check.damage.isEmpty {
      anchor = .none
    }
    var count = 0
    let damage = try auditLog(unlocked).read(after: anchor) { _ in count += 1 }
    check.auditRecords = count
    check.damage += damage.map(KeystoreDamage.audit)
  }
}
