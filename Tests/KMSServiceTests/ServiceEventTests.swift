import Foundation
import Testing

@testable import KMSAPI
@testable import KMSService
@testable import TestSupport

/// Rotations and destructions that became due are in the audit log, whichever caller's command
/// found them due.
@Suite final class ServiceEventTests: KeystoreSuite {
  /// Returns the records after the first `count`: operation, key, version and error.
  private func lines(after count: Int) throws -> [String] {
    var lines: [String] = []
    try service.readAuditLog { sequence, record in
      guard sequence > count else { return }
      #expect(record.isServiceEvent == (record.caller == "kms.amazonaws.com"))
      let caller = record.isServiceEvent ? "keystore" : "user"
      lines.append(
        "\(caller) \(record.operation) \(record.keyID) \(record.keyVersion)\(record.errorCode)")
    }
    return lines
  }

  private func count() throws -> Int {
    var count = 0
    try service.readAuditLog { _, _ in count += 1 }
    return count
  }

  @Test func automaticRotationIsRecorded() throws {
    let used = try service.createKey().keyID
    let other = try service.createKey().keyID
    for id in [used, other] { try service.perform(EnableKeyRotationRequest(keyID: id)) }
    clock.advance(days: 365)
    let before = try count()
    _ = try service.encrypt("text", under: used)
    #expect(
      try Set(lines(after: before)) == [
        "keystore RotateKey \(used) 2", "keystore RotateKey \(other) 2", "user Encrypt \(used) 2",
      ])
    #expect(try lines(after: before).last == "user Encrypt \(used) 2")
  }

  @Test func theRotationOfAKeyThatIsEnabledIsRecorded() throws {
    let id = try service.createKey().keyID
    try service.perform(EnableKeyRotationRequest(keyID: id))
    try service.perform(DisableKeyRequest(keyID: id))
    clock.advance(days: 366)
    let before = try count()
    try service.perform(EnableKeyRequest(keyID: id))
    #expect(
      try lines(after: before) == ["user EnableKey \(id) 0", "keystore RotateKey \(id) 2"])
  }

  /// A use of a key that also makes due changes is recorded once, with its own key.
  @Test func aUseThatFindsSomethingDueIsRecordedAsItself() throws {
    let gone = try service.createKey().keyID
    let key = try service.createKey().keyID
    let blob = try service.encrypt("text", under: key)
    try service.perform(ScheduleKeyDeletionRequest(keyID: gone, pendingWindowInDays: 7))
    clock.advance(days: 8)
    try service.perform(UpdateKeyDescriptionRequest(keyID: key, description: "d"))
    clock.advance(days: 2)
    let before = try count()
    _ = try keystore.reopened().decrypt(blob)
    #expect(try lines(after: before) == ["keystore DeleteKey \(gone) 0", "user Decrypt \(key) 1"])
  }

  @Test func destructionIsRecordedWhenItIsDone() throws {
    let id = try service.createKey().keyID
    try service.perform(ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: 7))
    let imported = try service.createKey(origin: .external).keyID
    try service.importMaterial(patternBytes(32), into: imported)
    try service.importMaterial(
      [UInt8](repeating: 5, count: 32), into: imported, validTo: clock.now + 86_400,
      type: .newKeyMaterial)
    try service.perform(RotateKeyOnDemandRequest(keyID: imported))
    clock.advance(days: 7)
    let before = try count()
    // A command that fails makes due changes too.
    func fail() {
      _ = #expect(throws: KeyServiceError.notFound("alias/none")) {
        try service.perform(EnableKeyRequest(keyID: "alias/none"))
      }
    }
    fail()
    #expect(try lines(after: before) == ["user EnableKey  0NotFoundException"])
    clock.advance(days: 1)
    fail()
    #expect(
      try lines(after: before + 1) == [
        "keystore DeleteKey \(id) 0", "keystore DeleteExpiredKeyMaterial \(imported) 2",
        "user EnableKey  0NotFoundException",
      ])
    #expect(try service.check().damage.isEmpty)
  }

  /// Several operations in one transaction may be rolled back. The work that was due is done
  /// anyway.
  @Test func whatIsDueIsNotUndoneWithATransaction() throws {
    let id = try service.createKey().keyID
    try service.perform(ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: 7))
    let disabled = try service.createKey().keyID
    try service.perform(EnableKeyRotationRequest(keyID: disabled, rotationPeriodInDays: 90))
    try service.perform(DisableKeyRequest(keyID: disabled))
    clock.advance(days: 7)
    try service.createKey()
    clock.advance(days: 90)
    let before = try count()
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try service.begin(.createKey).transaction { operations in
        try operations.perform(EnableKeyRequest(keyID: disabled))
        throw Stop()
      }
    }
    #expect(
      try lines(after: before) == [
        "keystore DeleteKey \(id) 0", "user EnableKey \(disabled) 0RolledBack",
        "keystore RotateKey \(disabled) 2RolledBack",
      ])
    #expect(try service.keyVersions(disabled).count == 1)
  }

  @Test func theOwnersDestructionIsRecorded() throws {
    let id = try service.createKey().keyID
    try service.perform(ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: 7))
    clock.advance(days: 7)
    let before = try count()
    _ = try service.destroy(try service.dueDestructions())
    #expect(
      try lines(after: before) == ["keystore DeleteKey \(id) 0", "user DestroyDue \(id) 0"])
  }

  /// A rotation does not count as a use of the key.
  @Test func theyAreNoUses() throws {
    let id = try service.createKey().keyID
    try service.perform(EnableKeyRotationRequest(keyID: id))
    _ = try service.encrypt("text", under: id)
    let used = clock.now
    clock.advance(days: 365)
    try service.createKey()
    #expect(try service.keyVersions(id).count == 2)
    let usage = try service.perform(GetKeyLastUsageRequest(keyID: id)).keyLastUsage
    #expect(usage?.timestamp == used && usage?.operation == "Encrypt")
  }
}
