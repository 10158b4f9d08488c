import Foundation
import GRDB

/// What `check` found wrong.
public enum KeystoreDamage: Equatable, Sendable {
  /// A record that is not as the program wrote it.
  case edited(String)
  /// A record that the program wrote, and not the last that it wrote there.
  case outdated(String)
  /// A record that the program wrote; whether it is the last there is lost with a part of the ledger.
  case uncertain(String)
  /// A protector that the keystore does not have any more, by its ID.
  case strayProtector(String)
  /// A record that others need, and that is not there.
  case missing(String)
  /// SQLite's own words for a file that contradicts itself: for example, an index that lacks a row hides it.
  case structure(String)
  case audit(AuditDamage)
}

/// What `check` looked at.
public struct KeystoreCheck: Sendable {
  public internal(set) var keys = 0
  public internal(set) var versions = 0
  public internal(set) var aliases = 0
  public internal(set) var tags = 0
  public internal(set) var grants = 0
  public internal(set) var stacks = 0
  public internal(set) var auditRecords = 0
  public internal(set) var damage: [KeystoreDamage] = []
}

extension KeyService {
  /// Verifies every record of the keystore, unwraps every key version, and goes along the audit log.
  public func check() throws -> KeystoreCheck {
    let unlocked = try host.unlockForCheck()
    host.trailIfOpen?.flush()
    var check = KeystoreCheck()
    try keystore.read { db in
      var records = try RecordCheck(unlocked, db)
      records.damage += try structuralDamage(db)
      var numbers: [String: Set<Int64>] = [:]
      for version in try records.readable(KeyVersionRecord.self, db) {
        check.versions += 1
        numbers[version.keyID, default: []].insert(version.version)
        if try records.take(version), version.hasMaterial,
          (try? unlocked.unwrap(version)) == nil
        {
          records.damage.append(.edited(version.recordName))
        }
      }
      for key in try records.readable(MasterKeyRecord.self, db) {
        check.keys += 1
        guard try records.take(key) else { continue }
        try records.noting { _ = try KeyPolicyRecord.policy(of: key, db) }
        try records.noting { check.grants += try GrantRecord.grants(of: key, db).count }
        guard key.currentVersion > 0 else { continue }
        for number in 1...key.currentVersion
        where !(numbers[key.id]?.contains(number) ?? false) {
          records.miss("version \(number) of key \(key.id)")
        }
      }
      for alias in try records.readable(AliasRecord.self, db) {
        check.aliases += 1
        if try records.take(alias),
          try MasterKeyRecord.first(db, where: "id = ?", [alias.targetKeyID]) == nil
        {
          records.miss("key \(alias.targetKeyID)")
        }
      }
      for tag in try records.readable(TagRecord.self, db) {
        check.tags += 1
        _ = try records.take(tag)
      }
      for stack in try records.readable(StackRecord.self, db) {
        check.stacks += 1
        _ = try records.take(stack)
      }
      for anchor in try records.readable(AuditAnchorRecord.self, db) {
        _ = try records.take(anchor)
      }
      for protector in try records.readable(ProtectorRecord.self, db) {
        try records.take(protector)
      }
      check.damage = records.finish()
    }
    try checkAuditLog(unlocked, &check)
    return check
  }

  private func structuralDamage(_ db: Database) throws -> [KeystoreDamage] {
    let found = try String.fetchAll(db, sql: "PRAGMA integrity_check(20)")
    return found == ["ok"] ? [] : found.map(KeystoreDamage.structure)
  }

  /// Takes the records that are there for the last ones, where the program wrote them: after a part of the
  /// keystore was put back. Protectors that the keystore does not have any more are removed. Returns what
  /// `check` had to say, and says no more.
  public func acceptRecords() throws -> [KeystoreDamage] {
    try requireOwner(for: .acceptRecords)
    // By a protector that the keystore still has: one that was put back must not have itself accepted, nor
    // what was put back with it.
    let unlocked = try unlock()
    let damage = try check().damage
    try managing(.acceptRecords) { call in
      try keystore.change(unlocked) { transaction in
        try transaction.acceptRecords()
        try call.recordAsDone()
      }
    }
    let left = try check().damage
    return damage.filter { !left.contains($0) }
  }

  private func checkAuditLog(
    _ unlocked: UnlockedKeystore, _ check: inout KeystoreCheck
  ) throws {
    let anchor: AuditAnchor
    do {
      anchor = try keystore.auditAnchor(verifiedBy: unlocked)
    } catch KeystoreError.editedRecord {
      // It is among the damage already.
      anchor = .none
    }
    var count = 0
    let damage = try keystore.auditLog(unlocked).read(after: anchor) { _ in count += 1 }
    check.auditRecords = count
    check.damage += damage.map(KeystoreDamage.audit)
  }
}
