import Foundation
import GRDB
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// Imported key material, with a clock that the test sets.
@Suite final class ImportTests: KeystoreSuite {
  func parameters(
    _ key: String, _ algorithm: WrappingAlgorithm = .rsaesOAEPSHA256,
    _ spec: WrappingKeySpec = .rsa2048
  ) throws -> GetParametersForImportRequest.Response {
    try service.perform(
      GetParametersForImportRequest(
        keyID: key, wrappingAlgorithm: algorithm, wrappingKeySpec: spec))
  }

  /// True if the first version has material, expired or not.
  func storedMaterial(of keyID: String) throws -> Bool {
    try service.keystore.read {
      try KeyVersionRecord.first($0, where: "keyID = ? AND version = 1", [keyID])?.hasMaterial
    } ?? false
  }

  @Test func aKeyWaitsForItsMaterial() throws {
    let key = try service.createKey(origin: .external)
    #expect(key.keyState == .pendingImport && !key.enabled && key.expirationModel == nil)
    let response = try service.importMaterial(patternBytes(32), into: key.keyID)
    let metadata = try service.describe(key.keyID)
    #expect(metadata.keyState == .enabled && metadata.origin == .external)
    #expect(metadata.expirationModel == .keyMaterialDoesNotExpire && metadata.validTo == nil)
    #expect(metadata.currentKeyMaterialID == response.keyMaterialID)
    // The key uses the imported material: a raw AES keyring with that material opens a data key
    // that the key wrapped.
    let wrapped = try TestWrapping.wrap(try service.wrappingKeyring(key.keyID))
    let raw = RawAESKeyring(
      providerID: "envcrypt", keyName: "\(key.keyID)/1",
      wrappingKey: try WrappingKey(bytes: SecretBytes(patternBytes(32))))
    #expect(try TestWrapping.unwrap(raw, wrapped) == patternBytes(32))
  }

  @Test(arguments: [
    (KeySpec.hmac224, KeyUsage.generateVerifyMAC), (.hmac512, .generateVerifyMAC),
    (.eccNISTP256, .keyAgreement), (.eccNISTEdwards25519, .signVerify),
    (.eccSECGP256K1, .signVerify),
  ])
  func everyKindOfMaterial(spec: KeySpec, usage: KeyUsage) throws {
    let key = try service.createKey(spec: spec, usage: usage, origin: .external)
    let material = try NewKeyVersion(generating: spec).bytes.exposed
    try service.importMaterial(material, into: key.keyID)
    #expect(try service.describe(key.keyID).keyState == .enabled)
    // Importing the same material again is accepted.
    try service.importMaterial(material, into: key.keyID)
    let other = try NewKeyVersion(generating: spec).bytes.exposed
    let error = #expect(throws: KeyServiceError.self) {
      try service.importMaterial(other, into: key.keyID)
    }
    #expect(error?.name == "IncorrectKeyMaterialException")
  }

  @Test(arguments: [
    (KeySpec.symmetricDefault, 31), (.symmetricDefault, 33), (.hmac256, 28), (.eccNISTP256, 32),
  ])
  func materialOfAnotherKindIsRefused(spec: KeySpec, count: Int) throws {
    let key = try service.createKey(spec: spec, origin: .external)
    let error = #expect(throws: KeyServiceError.self) {
      try service.importMaterial(patternBytes(count), into: key.keyID)
    }
    #expect(error?.name == "IncorrectKeyMaterialException")
    #expect(try service.describe(key.keyID).keyState == .pendingImport)
  }

  @Test func deletedMaterialComesBackAndNoOther() throws {
    let key = try service.createKey(origin: .external)
    let first = try service.importMaterial(patternBytes(32), into: key.keyID)
    let blob = try service.encrypt("text", under: key.keyID)
    let deleted = try service.perform(DeleteImportedKeyMaterialRequest(keyID: key.keyID))
    #expect(deleted.keyMaterialID == first.keyMaterialID)
    #expect(try service.describe(key.keyID).keyState == .pendingImport)
    #expect(throws: KeyServiceError.invalidState(keyID: key.keyID, state: .pendingImport)) {
      try service.decrypt(blob)
    }
    #expect(throws: KeyServiceError.self) { try service.exportKey(key.keyID).file }
    for type in [nil, ImportType.existingKeyMaterial] {
      let error = #expect(throws: KeyServiceError.self) {
        try service.importMaterial([UInt8](repeating: 9, count: 32), into: key.keyID, type: type)
      }
      #expect(error?.name == "IncorrectKeyMaterialException")
    }
    let again = try service.importMaterial(patternBytes(32), into: key.keyID)
    #expect(again.keyMaterialID == first.keyMaterialID)
    #expect(try service.decrypt(blob) == "text")
  }

  @Test func materialExpires() throws {
    let key = try service.createKey(origin: .external)
    let expiry = clock.now + 86_400
    try service.importMaterial(patternBytes(32), into: key.keyID, validTo: expiry)
    let blob = try service.encrypt("text", under: key.keyID)
    let metadata = try service.describe(key.keyID)
    #expect(metadata.expirationModel == .keyMaterialExpires && metadata.validTo == expiry)
    clock.advance(days: 0.999)
    #expect(try service.decrypt(blob) == "text")
    clock.advance(days: 0.001)
    #expect(try service.describe(key.keyID).keyState == .pendingImport)
    #expect(throws: KeyServiceError.invalidState(keyID: key.keyID, state: .pendingImport)) {
      try service.decrypt(blob)
    }
    #expect(try !service.keyVersions(key.keyID)[0].hasMaterial)
    #expect(try service.describe(key.keyID).validTo == nil)
    let rotations = try service.performAll(
      ListKeyRotationsRequest(keyID: key.keyID, includeKeyMaterial: .allKeyMaterial))
    #expect(rotations.rotations.map(\.importState) == [.pendingImport])
    #expect(throws: KeyServiceError.invalidState(keyID: key.keyID, state: .pendingImport)) {
      try service.exportKey(key.keyID).file
    }
    // The next command that writes records that the material has expired. A command one day later
    // destroys it.
    for hasMaterial in [true, false] {
      try service.createKey()
      #expect(try storedMaterial(of: key.keyID) == hasMaterial)
      clock.advance(days: 1)
    }
    try service.importMaterial(patternBytes(32), into: key.keyID)
    #expect(try service.decrypt(blob) == "text")
    #expect(try service.describe(key.keyID).validTo == nil)
  }

  @Test func expiryIsInTheFutureAndWithinAYear() throws {
    let key = try service.createKey(origin: .external)
    for date in [clock.now, clock.now - 1, clock.now + 366 * 86_400] {
      #expect(throws: KeyServiceError.self) {
        try service.importMaterial(patternBytes(32), into: key.keyID, validTo: date)
      }
    }
    let parameters = try parameters(key.keyID)
    for (model, date) in [
      (ExpirationModel?.none, Date?.none), (.keyMaterialExpires, nil),
      (.keyMaterialDoesNotExpire, clock.now + 60),
    ] {
      let error = #expect(throws: KeyServiceError.self) {
        try service.perform(
          ImportKeyMaterialRequest(
            keyID: key.keyID, importToken: parameters.importToken,
            encryptedKeyMaterial: Blob([1]), validTo: date, expirationModel: model))
      }
      #expect(error?.name == "ValidationException")
    }
  }

  @Test func newMaterialIsRotatedTo() throws {
    let key = try service.createKey(origin: .external)
    try service.importMaterial(patternBytes(32), into: key.keyID)
    let first = try service.encrypt("first", under: key.keyID)
    #expect(throws: KeyServiceError.nothingToRotateTo(keyID: key.keyID)) {
      try service.perform(RotateKeyOnDemandRequest(keyID: key.keyID))
    }
    let next = [UInt8](repeating: 5, count: 32)
    let added = try service.importMaterial(next, into: key.keyID, type: .newKeyMaterial)
    // The new material is pending. Nothing is encrypted under it yet, whatever a message claims.
    let early = try TestWrapping.wrap(
      RawAESKeyring(
        providerID: "envcrypt", keyName: "\(key.keyID)/2",
        wrappingKey: try WrappingKey(bytes: SecretBytes(next))))
    #expect(throws: KeyServiceError.notFound("\(key.keyID)/2")) {
      try TestWrapping.unwrap(KeystoreKeyring(service, unwrappingUnder: nil), early)
    }
    #expect(try service.describe(key.keyID).currentKeyMaterialID != added.keyMaterialID)
    let waiting = try service.performAll(
      ListKeyRotationsRequest(keyID: key.keyID, includeKeyMaterial: .allKeyMaterial)
    ).rotations
    #expect(waiting.map(\.keyMaterialState) == [.current, .pendingRotation])
    let error = #expect(throws: KeyServiceError.self) {
      try service.importMaterial(
        [UInt8](repeating: 6, count: 32), into: key.keyID, type: .newKeyMaterial)
    }
    #expect(error?.name == "LimitExceededException")
    try service.perform(RotateKeyOnDemandRequest(keyID: key.keyID))
    let second = try service.encrypt("second", under: key.keyID)
    #expect(try service.describe(key.keyID).currentKeyMaterialID == added.keyMaterialID)
    #expect(try service.decrypt(first) == "first")
    #expect(try service.decrypt(second) == "second")
    // If any of its materials is missing, the key is pending import.
    let firstID = try #require(waiting[0].keyMaterialID)
    try service.perform(
      DeleteImportedKeyMaterialRequest(keyID: key.keyID, keyMaterialID: firstID))
    #expect(try service.describe(key.keyID).keyState == .pendingImport)
    try service.importMaterial(patternBytes(32), into: key.keyID)
    #expect(try service.describe(key.keyID).keyState == .enabled)
    #expect(try service.decrypt(first) == "first")
  }

  /// Pending material that expires does not affect the key: it never encrypted anything.
  @Test func waitingMaterialExpiresAlone() throws {
    let key = try service.createKey(origin: .external)
    try service.importMaterial(patternBytes(32), into: key.keyID)
    let blob = try service.encrypt("text", under: key.keyID)
    let next = [UInt8](repeating: 5, count: 32)
    func wait() throws {
      try service.importMaterial(
        next, into: key.keyID, validTo: clock.now + 86_400, type: .newKeyMaterial)
      clock.advance(days: 1)
    }
    try wait()
    #expect(throws: KeyServiceError.nothingToRotateTo(keyID: key.keyID)) {
      try service.perform(RotateKeyOnDemandRequest(keyID: key.keyID))
    }
    #expect(try service.describe(key.keyID).keyState == .enabled)
    #expect(try service.keyVersions(key.keyID).count == 2)
    clock.advance(days: 1)
    try service.createKey()
    #expect(try service.keyVersions(key.keyID).count == 1)
    #expect(try service.decrypt(blob) == "text")
    // New material can be imported in its place, even if no command has written since.
    try wait()
    try service.importMaterial(next, into: key.keyID, type: .newKeyMaterial)
    try service.perform(RotateKeyOnDemandRequest(keyID: key.keyID))
    #expect(try service.decrypt(blob) == "text")
    _ = try service.encrypt("more", under: key.keyID)
  }

  // MARK: Rows that somebody edited

  func edit(_ sql: String) throws {
    try DatabaseQueue(path: service.keystore.path.string).write { try $0.execute(sql: sql) }
  }

  /// An operation must not sign an edited row again with a valid code.
  @Test func anEditedVersionIsNotBuiltOn() throws {
    let key = try service.createKey(origin: .external)
    try service.importMaterial(
      patternBytes(32), into: key.keyID, validTo: clock.now + 86_400)
    try service.importMaterial(
      [UInt8](repeating: 5, count: 32), into: key.keyID, type: .newKeyMaterial)
    let waiting = try #require(
      try service.performAll(
        ListKeyRotationsRequest(keyID: key.keyID, includeKeyMaterial: .allKeyMaterial)
      ).rotations.last?.keyMaterialID)
    try edit("UPDATE keyVersion SET validTo = NULL WHERE version = 1")
    #expect(throws: KeystoreError.editedRecord("version 1 of key \(key.keyID)")) {
      try service.perform(
        DeleteImportedKeyMaterialRequest(keyID: key.keyID, keyMaterialID: waiting))
    }
    let own = try service.createKey()
    try service.perform(ScheduleKeyDeletionRequest(keyID: own.keyID))
    try edit("UPDATE keyVersion SET wrappedMaterial = x'' WHERE keyID = '\(own.keyID)'")
    #expect(throws: KeystoreError.editedRecord("version 1 of key \(own.keyID)")) {
      try service.perform(CancelKeyDeletionRequest(keyID: own.keyID))
    }
  }

  /// An edited row of one key does not prevent changes to another key.
  @Test func anEditedRowBlocksNobody() throws {
    let expiring = try service.createKey(origin: .external)
    try service.importMaterial(
      patternBytes(32), into: expiring.keyID, validTo: clock.now + 86_400)
    let rotating = try service.createKey()
    try service.perform(EnableKeyRotationRequest(keyID: rotating.keyID))
    try edit("UPDATE keyVersion SET materialDescription = 'x' WHERE keyID = '\(expiring.keyID)'")
    try edit(
      """
      INSERT INTO keyVersion SELECT keyID, 2, creationDate, publicKey, fingerprint,
        foreignProviderID, foreignKeyName, foreignPadding, nonce, wrappedMaterial,
        authenticationCode, materialID, rotationType, validTo, materialDescription, auditSequence,
        foundDueDate
      FROM keyVersion WHERE keyID = '\(rotating.keyID)'
      """)
    clock.advance(days: 366)
    let other = try service.createKey()
    _ = try service.encrypt("text", under: other.keyID)
    #expect(throws: KeyServiceError.invalidState(keyID: expiring.keyID, state: .pendingImport)) {
      try service.encrypt("text", under: expiring.keyID)
    }
  }

  @Test func onlyImportedKeysAndOnlyOnDemand() throws {
    let key = try service.createKey(origin: .external)
    try service.importMaterial(patternBytes(32), into: key.keyID)
    let error = #expect(throws: KeyServiceError.self) {
      try service.perform(EnableKeyRotationRequest(keyID: key.keyID))
    }
    #expect(error?.name == "UnsupportedOperationException")
  }

  @Test func tokensAreForOneKeyAndOneDay() throws {
    let key = try service.createKey(origin: .external)
    let other = try service.createKey(origin: .external)
    let token = try parameters(key.keyID)
    #expect(throws: KeyServiceError.invalidImportToken) {
      try service.importMaterial(patternBytes(32), into: other.keyID, token: token)
    }
    clock.advance(days: 1)
    #expect(throws: KeyServiceError.expiredImportToken) {
      try service.importMaterial(patternBytes(32), into: key.keyID, token: token)
    }
    #expect(token.parametersValidTo == clock.now)
  }

  @Test func everyChangedByteOfATokenIsRefused() throws {
    let key = try service.createKey(origin: .external)
    let token = try parameters(key.keyID).importToken.bytes
    func attempt(_ bytes: [UInt8]) throws {
      try service.perform(
        ImportKeyMaterialRequest(
          keyID: key.keyID, importToken: Blob(bytes), encryptedKeyMaterial: Blob([1]),
          expirationModel: .keyMaterialDoesNotExpire))
    }
    for position in token.indices {
      var changed = token
      changed[position] ^= 1
      #expect(throws: KeyServiceError.invalidImportToken, "byte \(position)") {
        try attempt(changed)
      }
    }
    for count in [1, 10, token.count - 1] {
      #expect(throws: KeyServiceError.invalidImportToken) {
        try attempt(Array(token.prefix(count)))
      }
    }
    for strange in [[0], [0] + token, [UInt8](repeating: 255, count: 6144)] {
      #expect(throws: KeyServiceError.invalidImportToken) { try attempt(strange) }
    }
    for count in [0, 6145] {
      let error = #expect(throws: KeyServiceError.self) {
        try attempt([UInt8](repeating: 1, count: count))
      }
      #expect(error?.name == "ValidationException")
    }
    #expect(throws: KeyServiceError.invalidCiphertext) { try attempt(token) }
  }

  @Test func anotherKeystoresTokenIsRefused() throws {
    let key = try service.createKey(origin: .external)
    let other = try TestKeystore()
    let token = try other.service.perform(
      GetParametersForImportRequest(
        keyID: try other.service.createKey(origin: .external).keyID,
        wrappingAlgorithm: .rsaesOAEPSHA256, wrappingKeySpec: .rsa2048))
    #expect(throws: KeyServiceError.invalidImportToken) {
      try service.importMaterial(patternBytes(32), into: key.keyID, token: token)
    }
  }

  @Test(arguments: [
    ("from the vault: 2026/11", true), ("", false), ("a*b", false),
    (String(repeating: "a", count: 256), true), (String(repeating: "a", count: 257), false),
  ])
  func descriptionsOfMaterialAreChecked(text: String, isFine: Bool) throws {
    let key = try service.createKey(origin: .external)
    let parameters = try parameters(key.keyID)
    var request = ImportKeyMaterialRequest(
      keyID: key.keyID, importToken: parameters.importToken,
      encryptedKeyMaterial: Blob(
        try RSAPublicKey(subjectPublicKeyInfo: parameters.publicKey.bytes)
          .encrypt(SecretBytes(patternBytes(32)), padding: .oaep(.sha256))),
      expirationModel: .keyMaterialDoesNotExpire)
    request.keyMaterialDescription = text
    if isFine {
      try service.perform(request)
    } else {
      let error = #expect(throws: KeyServiceError.self) { try service.perform(request) }
      #expect(error?.name == "ValidationException")
    }
  }

  @Test(arguments: [WrappingAlgorithm.rsaesPKCS1, .sm2PKE])
  func oldAndForeignWrappingIsRefused(algorithm: WrappingAlgorithm) throws {
    let key = try service.createKey(origin: .external)
    let error = #expect(throws: KeyServiceError.self) { try parameters(key.keyID, algorithm) }
    #expect(error?.name == "UnsupportedOperationException")
  }
}
