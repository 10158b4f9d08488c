import Foundation

/// The root key at work: it wraps and unwraps master-key versions, and makes and checks the codes
/// of records. Both through keys of their own, derived from it.
final class UnlockedKeystore: Sendable {
  let keystoreID: String
  /// Nil in a store of 0.1.0, which has none.
  let ledger: Ledger?
  private let wrappingKey: SecretBytes
  private let recordKey: SecretBytes
  private let rootKey: RootKey

  init(
    _ rootKey: consuming RootKey, keystoreID: String, hasLedger: Bool = true
  ) throws(CryptoError) {
    let wrappingKey = try HKDF.derive(
      .sha256, from: rootKey.bytes, salt: [], info: Array("envcrypt master key wrapping".utf8),
      count: 32)
    let recordKey = try HKDF.derive(
      .sha256, from: rootKey.bytes, salt: [], info: Array("envcrypt record authentication".utf8),
      count: 32)
    self.keystoreID = keystoreID
    ledger = hasLedger ? Ledger() : nil
    self.wrappingKey = wrappingKey
    self.recordKey = recordKey
    self.rootKey = rootKey
  }

  /// The key of the keystore's audit log.
  func auditKey() throws(CryptoError) -> AuditKey {
    AuditKey(
      bytes: try HKDF.derive(
        .sha256, from: rootKey.bytes, salt: Array(keystoreID.utf8),
        info: Array("envcrypt audit log".utf8), count: 32))
  }

  /// The store with a ledger, for one that has none.
  func withLedger() throws(CryptoError) -> UnlockedKeystore {
    try UnlockedKeystore(RootKey(bytes: rootKey.bytes.duplicate()), keystoreID: keystoreID)
  }

  /// `record` with its code.
  func authenticating<Record: AuthenticatedRecord>(_ record: Record) throws -> Record {
    // SQLite would have the text end at a NUL, and the code would not be that of what is stored.
    for case .text(let text) in (record.columns + record.laterColumns).map(\.value)
    where text.utf8.contains(0) { throw KeystoreError.unstorableText(record.recordName) }
    var record = record
    record.authenticationCode = Data(
      try HMAC.authenticate(message(of: record).span.bytes, with: .sha256, under: recordKey))
    return record
  }

  /// Records of a store without a ledger have other codes: none of them counts where there is one.
  private func message(of record: some AuthenticatedRecord) -> [UInt8] {
    record.authenticatedMessage(keystoreID: keystoreID, inLedger: ledger != nil)
  }

  /// Throws `editedRecord` unless `record` carries its code.
  func verifyCode(of record: some AuthenticatedRecord) throws {
    try verifyCode(of: record, inLedger: ledger != nil)
  }

  /// The same, for who asks whether the record is one from before the ledger.
  func verifyCode(of record: some AuthenticatedRecord, inLedger: Bool) throws {
    let message = record.authenticatedMessage(keystoreID: keystoreID, inLedger: inLedger)
    guard
      try HMAC.verify(
        Array(record.authenticationCode), of: message.span.bytes, with: .sha256, under: recordKey)
    else {
      throw KeystoreError.editedRecord(record.recordName)
    }
  }

  /// Wraps one version's material; returns the nonce and the wrapped bytes.
  func wrap(
    _ material: borrowing SecretBytes, keyID: String, version: Int64
  ) throws -> (nonce: Data, wrapped: Data) {
    let nonce = try Nonce.random()
    let aad = Self.materialAAD(keystoreID: keystoreID, keyID: keyID, version: version)
    let wrapped = try material.withBytes { (bytes) throws(CryptoError) in
      try AESGCM.seal(bytes, under: wrappingKey, nonce: nonce, authenticating: aad)
    }
    return (Data(nonce.bytes), Data(wrapped))
  }

  /// The material of one version, whose record has been verified.
  func unwrap(_ version: KeyVersionRecord) throws -> SecretBytes {
    guard version.nonce.count == AESGCM.nonceLength else {
      throw KeystoreError.editedRecord(version.recordName)
    }
    do {
      return try AESGCM.open(
        Array(version.wrappedMaterial), under: wrappingKey, nonce: Nonce(bytes: version.nonce),
        authenticating: Self.materialAAD(
          keystoreID: keystoreID, keyID: version.keyID, version: version.version))
    } catch .authenticationFailed {
      throw KeystoreError.editedRecord(version.recordName)
    }
  }

  /// The API's KeyMaterialId: 64 hexadecimal digits that tell materials of one key apart, and tell
  /// nothing of the material to who has not unlocked the store.
  func materialID(_ material: borrowing SecretBytes, keyID: String) throws -> String {
    var message: [UInt8] = []
    for field in [RecordField.text("envcrypt key material"), .text(keystoreID), .text(keyID)] {
      field.append(to: &message)
    }
    let secret = SecretBytes(count: message.count + material.count) { span in
      span.withUnsafeMutableBytes { target in
        target.copyBytes(from: message)
        material.withBytes { bytes in
          bytes.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(rebasing: target[message.count...]).copyMemory(from: $0)
          }
        }
      }
    }
    let code = try secret.withBytes { (bytes) throws(CryptoError) in
      try HMAC.authenticate(bytes, with: .sha256, under: recordKey)
    }
    return Hexadecimal.encode(code)
  }

  /// Wraps what is no key version, bound to `purpose`: an import's private key on its way out and in.
  func seal(_ secret: borrowing SecretBytes, purpose: String) throws -> [UInt8] {
    let nonce = try Nonce.random()
    let aad = Self.sealedAAD(keystoreID: keystoreID, purpose: purpose)
    let sealed = try secret.withBytes { (bytes) throws(CryptoError) in
      try AESGCM.seal(bytes, under: wrappingKey, nonce: nonce, authenticating: aad)
    }
    return nonce.bytes + sealed
  }

  /// What `seal` wrapped; nil where it is not for that purpose, or not ours.
  func open(_ sealed: [UInt8], purpose: String) throws -> SecretBytes? {
    guard sealed.count >= AESGCM.nonceLength + AESGCM.tagLength else { return nil }
    let aad = Self.sealedAAD(keystoreID: keystoreID, purpose: purpose)
    do {
      return try AESGCM.open(
        Array(sealed.dropFirst(AESGCM.nonceLength)), under: wrappingKey,
        nonce: Nonce(bytes: sealed.prefix(AESGCM.nonceLength)), authenticating: aad)
    } catch .authenticationFailed {
      return nil
    }
  }

  /// Wraps the root key for one more protector.
  func makeProtector(
    _ protector: consuming NewProtector, creationDate: Int64
  ) throws -> ProtectorRecord {
    try ProtectorRecord(
      protector, wrapping: rootKey, keystoreID: keystoreID, creationDate: creationDate)
  }

  private static func sealedAAD(keystoreID: String, purpose: String) -> [UInt8] {
    var aad: [UInt8] = []
    for field in [RecordField.text("envcrypt sealed"), .text(keystoreID), .text(purpose)] {
      field.append(to: &aad)
    }
    return aad
  }

  private static func materialAAD(keystoreID: String, keyID: String, version: Int64) -> [UInt8] {
    var aad: [UInt8] = []
    for field in [
      RecordField.text("envcrypt master key"), .text(keystoreID), .text(keyID), .integer(version),
    ] { field.append(to: &aad) }
    return aad
  }
}
