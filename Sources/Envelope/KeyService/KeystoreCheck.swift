import Foundation
import GRDB

/// What `check` found wrong.
public enum KeystoreDamage: Equatable, Sendable {
  /// A record that is not as the program wrote it.
  case edited(String)
  /// A record that others need, and that is not there.
  case missing(String)
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
    let unlocked = try unlock()
    trailIfOpen?.flush()
    var check = KeystoreCheck()
    try keystore.read { db in
      func verify(_ record: some AuthenticatedRecord) throws -> Bool {
        do {
          try unlocked.verify(record)
          return true
        } catch KeystoreError.editedRecord(let name) {
          check.damage.append(.edited(name))
          return false
        }
      }
      func noting(_ body: () throws -> Void) throws {
        do {
          try body()
        } catch KeystoreError.editedRecord(let name) {
          check.damage.append(.edited(name))
        }
      }
      var numbers: [String: Set<Int64>] = [:]
      for version in try KeyVersionRecord.all(db) {
        check.versions += 1
        numbers[version.keyID, default: []].insert(version.version)
        if try verify(version), version.hasMaterial, (try? unlocked.unwrap(version)) == nil {
          check.damage.append(.edited(version.recordName))
        }
      }
      for key in try MasterKeyRecord.all(db) {
        check.keys += 1
        guard try verify(key) else { continue }
        try noting { _ = try KeyPolicyRecord.policy(of: key, db) }
        try noting { check.grants += try GrantRecord.grants(of: key, db).count }
        guard key.currentVersion > 0 else { continue }
        for number in 1...key.currentVersion
        where !(numbers[key.id]?.contains(number) ?? false) {
          check.damage.append(.missing("version \(number) of key \(key.id)"))
        }
      }
      for alias in try AliasRecord.all(db) {
        check.aliases += 1
        if try verify(alias),
          try MasterKeyRecord.first(db, where: "id = ?", [alias.targetKeyID]) == nil
        {
          check.damage.append(.missing("key \(alias.targetKeyID), which \(alias.name) stands for"))
        }
      }
      for tag in try TagRecord.all(db) {
        check.tags += 1
        _ = try verify(tag)
      }
      for stack in try StackRecord.all(db) {
        check.stacks += 1
        _ = try verify(stack)
      }
    }
    try checkAuditLog(unlocked, &check)
    return check
  }

  private func checkAuditLog(
    _ unlocked: UnlockedKeystore, _ check: inout KeystoreCheck
  ) throws {
    let anchor: AuditAnchor
    do {
      anchor = try keystore.auditAnchor(verifiedBy: unlocked)
    } catch KeystoreError.editedRecord(let name) {
      check.damage.append(.edited(name))
      anchor = .none
    }
    var count = 0
    let damage = try keystore.auditLog(unlocked).read(after: anchor) { _ in count += 1 }
    check.auditRecords = count
    check.damage += damage.map(KeystoreDamage.audit)
  }
}
