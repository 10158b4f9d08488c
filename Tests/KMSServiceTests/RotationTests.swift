import Foundation
import Testing

@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// Versions of a key, with a clock that the test sets.
@Suite final class RotationTests: KeystoreSuite {
  func version(under key: String) throws -> String {
    try TestWrapping.wrap(try service.wrappingKeyring(key)).keyName
  }

  @Test func onDemandRotationKeepsWhatIsEncrypted() throws {
    let key = try service.createKey()
    let first = try service.encrypt("first", under: key.keyID)
    let wrapped = try TestWrapping.wrap(try service.wrappingKeyring(key.keyID))
    try service.perform(RotateKeyOnDemandRequest(keyID: key.keyID))
    #expect(try version(under: key.keyID) == "\(key.keyID)/2")
    let second = try service.encrypt("second", under: key.keyID)
    #expect(try service.decrypt(first) == "first")
    #expect(try service.decrypt(second) == "second")
    let keyring = KeystoreKeyring(service, unwrappingUnder: nil)
    #expect(try TestWrapping.unwrap(keyring, wrapped) == patternBytes(32))
    // The key material is different, and the API shows that.
    let ids = try [first, second].map {
      try service.perform(DecryptRequest(ciphertextBlob: $0)).keyMaterialID
    }
    #expect(ids[0] == key.currentKeyMaterialID && ids[1] != ids[0])
    #expect(try service.describe(key.keyID).currentKeyMaterialID == ids[1])
    let rotations = try service.performAll(ListKeyRotationsRequest(keyID: key.keyID)).rotations
    #expect(rotations.map(\.rotationType) == [.onDemand])
    #expect(rotations[0].keyMaterialID == ids[1] && rotations[0].keyMaterialState == .current)
    let all = try service.performAll(
      ListKeyRotationsRequest(keyID: key.keyID, includeKeyMaterial: .allKeyMaterial))
    #expect(all.rotations.map(\.keyMaterialState) == [.nonCurrent, .current])
    #expect(all.rotations[0].rotationDate == nil)
    // The exported keys open both without the keystore.
    let exported = try service.exportKey(key.keyID).file
    #expect(exported.keys.map(\.keyID) == ["\(key.keyID)/1", "\(key.keyID)/2"])
    #expect(try TestWrapping.unwrap(try exported.keyrings()[0], wrapped) == patternBytes(32))
  }

  @Test func twentyFiveTimesAndNoMore() throws {
    let key = try service.createKey()
    for _ in 1...25 { try service.perform(RotateKeyOnDemandRequest(keyID: key.keyID)) }
    #expect(
      throws: KeyServiceError.limitExceeded("a key can be rotated on demand at most 25 times")
    ) { try service.perform(RotateKeyOnDemandRequest(keyID: key.keyID)) }
    #expect(try version(under: key.keyID) == "\(key.keyID)/26")
  }

  @Test(arguments: [90, 365, 2560])
  func automaticRotationHappensWhenItIsDue(days: Int) throws {
    let key = try service.createKey()
    try service.perform(EnableKeyRotationRequest(keyID: key.keyID, rotationPeriodInDays: days))
    let status = try service.perform(GetKeyRotationStatusRequest(keyID: key.keyID))
    #expect(status.nextRotationDate == clock.now + Double(days) * 86_400)
    clock.advance(days: Double(days) - 0.001)
    #expect(try version(under: key.keyID) == "\(key.keyID)/1")
    clock.advance(days: 0.001)
    #expect(try version(under: key.keyID) == "\(key.keyID)/2")
    #expect(try version(under: key.keyID) == "\(key.keyID)/2")
    let next = try service.perform(GetKeyRotationStatusRequest(keyID: key.keyID))
    #expect(next.nextRotationDate == clock.now + Double(days) * 86_400)
    let rotations = try service.performAll(ListKeyRotationsRequest(keyID: key.keyID)).rotations
    #expect(rotations.map(\.rotationType) == [.automatic])
    #expect(rotations[0].rotationDate == clock.now)
  }

  @Test func onDemandRotationLeavesTheDatesAlone() throws {
    let key = try service.createKey()
    try service.perform(EnableKeyRotationRequest(keyID: key.keyID))
    let date = try service.perform(GetKeyRotationStatusRequest(keyID: key.keyID))
      .nextRotationDate
    clock.advance(days: 100)
    try service.perform(RotateKeyOnDemandRequest(keyID: key.keyID))
    #expect(
      try service.perform(GetKeyRotationStatusRequest(keyID: key.keyID)).nextRotationDate == date)
    clock.advance(days: 265)
    #expect(try version(under: key.keyID) == "\(key.keyID)/3")
  }

  @Test func anyWritingCommandRotatesWhatIsDue() throws {
    let keys = try (0..<3).map { _ in try service.createKey().keyID }
    for key in keys { try service.perform(EnableKeyRotationRequest(keyID: key)) }
    clock.advance(days: 366)
    try service.createKey()
    for key in keys { #expect(try service.keyVersions(key).count == 2) }
  }

  @Test func aDisabledKeyIsRotatedWhenItIsEnabledAgain() throws {
    let key = try service.createKey()
    try service.perform(EnableKeyRotationRequest(keyID: key.keyID))
    try service.perform(DisableKeyRequest(keyID: key.keyID))
    clock.advance(days: 366)
    try service.createKey()
    #expect(try service.keyVersions(key.keyID).count == 1)
    try service.perform(EnableKeyRequest(keyID: key.keyID))
    #expect(try service.keyVersions(key.keyID).count == 2)
  }

  @Test func aKeyPendingDeletionIsNotRotated() throws {
    let key = try service.createKey()
    try service.perform(EnableKeyRotationRequest(keyID: key.keyID, rotationPeriodInDays: 90))
    clock.advance(days: 80)
    try service.perform(ScheduleKeyDeletionRequest(keyID: key.keyID, pendingWindowInDays: 30))
    clock.advance(days: 20)
    let status = try service.perform(GetKeyRotationStatusRequest(keyID: key.keyID))
    #expect(!status.keyRotationEnabled && status.nextRotationDate == nil)
    try service.createKey()
    #expect(try service.keyVersions(key.keyID).count == 1)
    try service.perform(CancelKeyDeletionRequest(keyID: key.keyID))
    #expect(
      try service.perform(GetKeyRotationStatusRequest(keyID: key.keyID)).keyRotationEnabled)
  }

  @Test func disablingStopsIt() throws {
    let key = try service.createKey()
    try service.perform(EnableKeyRotationRequest(keyID: key.keyID, rotationPeriodInDays: 90))
    try service.perform(DisableKeyRotationRequest(keyID: key.keyID))
    clock.advance(days: 1000)
    #expect(try version(under: key.keyID) == "\(key.keyID)/1")
    #expect(
      try !service.perform(GetKeyRotationStatusRequest(keyID: key.keyID)).keyRotationEnabled)
  }

  @Test(arguments: [89, 2561, 0, -1, Int.max])
  func periodsAreBounded(days: Int) throws {
    let key = try service.createKey()
    #expect(
      throws: KeyServiceError.validation("RotationPeriodInDays must be 90 to 2560, not \(days)")
    ) {
      try service.perform(EnableKeyRotationRequest(keyID: key.keyID, rotationPeriodInDays: days))
    }
  }

  @Test(arguments: [KeySpec.rsa2048, .eccNISTP256, .hmac256])
  func onlySymmetricKeysHaveVersions(spec: KeySpec) throws {
    let key = try service.createKey(spec: spec)
    func isUnsupported(_ body: () throws -> Void) {
      let error = #expect(throws: KeyServiceError.self) { try body() }
      #expect(error?.name == "UnsupportedOperationException")
    }
    isUnsupported { try service.perform(RotateKeyOnDemandRequest(keyID: key.keyID)) }
    isUnsupported { try service.perform(EnableKeyRotationRequest(keyID: key.keyID)) }
    isUnsupported { try service.perform(GetKeyRotationStatusRequest(keyID: key.keyID)) }
    isUnsupported { try service.perform(ListKeyRotationsRequest(keyID: key.keyID)) }
  }

  /// A read-only keystore still encrypts, under its current version.
  @Test func whatIsDueWaitsWhereNothingCanBeWritten() throws {
    let key = try service.createKey()
    try service.perform(EnableKeyRotationRequest(keyID: key.keyID))
    clock.advance(days: 366)
    try service.keystore.database.writeWithoutTransaction {
      try $0.execute(sql: "PRAGMA query_only = ON")
    }
    #expect(try version(under: key.keyID) == "\(key.keyID)/1")
    #expect(throws: KeystoreError.readOnly(service.keystore.path)) { try service.createKey() }
    try service.keystore.database.writeWithoutTransaction {
      try $0.execute(sql: "PRAGMA query_only = OFF")
    }
    #expect(try version(under: key.keyID) == "\(key.keyID)/2")
  }

  @Test func theDefaultKeyIsRotatedEveryYear() throws {
    let key = try service.createDefaultKey()
    #expect(key.keyManager == .aws)
    clock.advance(days: 365)
    #expect(try version(under: "alias/default") == "\(key.keyID)/2")
    clock.advance(days: 365)
    #expect(try version(under: "alias/default") == "\(key.keyID)/3")
  }

  @Test func theDefaultKeyIsNobodysToChange() throws {
    let id = try service.createDefaultKey().keyID
    func isDenied(_ body: () throws -> Void) {
      let error = #expect(throws: KeyServiceError.self) { try body() }
      #expect(error?.name == "AccessDeniedException")
    }
    isDenied { try service.perform(ScheduleKeyDeletionRequest(keyID: id)) }
    isDenied { try service.perform(DisableKeyRequest(keyID: "alias/default")) }
    isDenied { try service.perform(UpdateKeyDescriptionRequest(keyID: id, description: "x")) }
    isDenied { try service.perform(TagResourceRequest(keyID: id, tags: [])) }
    isDenied { try service.perform(DisableKeyRotationRequest(keyID: id)) }
    isDenied { try service.perform(RotateKeyOnDemandRequest(keyID: id)) }
    // The alias remains under the owner's control.
    let other = try service.createKey()
    try service.updateAlias("alias/default", target: other.keyID)
    #expect(try version(under: "alias/default") == "\(other.keyID)/1")
  }
}
