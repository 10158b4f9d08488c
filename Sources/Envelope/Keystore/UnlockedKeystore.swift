import Foundation

/// The root key at work: it wraps and unwraps master-key versions, and makes and checks the codes
/// of records. Both through keys of their own, derived from it.
final class UnlockedKeystore: Sendable {
  private let keystoreID: String
  private let wrappingKey: SecretBytes
  private let recordKey: SecretBytes
  private let rootKey: RootKey

  init(_ rootKey: consuming RootKey, keystoreID: String) throws(CryptoError) {
    let wrappingKey = try HKDF.derive(
      .sha256, from: rootKey.bytes, salt: [], info: Array("envcrypt master key wrapping".utf8),
      count: 32)
    let recordKey = try HKDF.derive(
      .sha256, from: rootKey.bytes, salt: [], info: Array("envcrypt record authentication".utf8),
      count: 32)
    self.keystoreID = keystoreID
    self.wrappingKey = wrappingKey
    self.recordKey = recordKey
    self.rootKey = rootKey
  }

  /// `record` with its code.
  func authenticating<Record: AuthenticatedRecord>(_ record: Record) throws -> Record {
    var record = record
    record.authenticationCode = Data(
      try HMAC.authenticate(
        record.authenticatedMessage(keystoreID: keystoreID), under: recordKey))
    return record
  }

  /// Throws `editedRecord` unless `record` carries its code.
  func verify(_ record: some AuthenticatedRecord) throws {
    let message = record.authenticatedMessage(keystoreID: keystoreID)
    guard try HMAC.verify(Array(record.authenticationCode), of: message, under: recordKey) else {
      throw KeystoreError.editedRecord(record.recordName)
    }
  }

  /// Wraps one version's material; returns the nonce and the wrapped bytes.
  func wrap(
    _ material: borrowing SecretBytes, keyID: String, version: Int64
  ) throws -> (nonce: Data, wrapped: Data) {
    let nonce = try Nonce.random()
    let aad = Self.materialAAD(keystoreID: keystoreID, keyID: keyID, version: version)
    let key = wrappingKey.duplicate()
    let wrapped = try material.withBytes { (bytes) throws(CryptoError) in
      try AESGCM.seal(bytes, under: key, nonce: nonce, authenticating: aad)
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

  /// Wraps the root key for one more protector.
  func makeProtector(
    _ protector: consuming NewProtector, creationDate: Int64
  ) throws -> ProtectorRecord {
    try ProtectorRecord(
      protector, wrapping: rootKey, keystoreID: keystoreID, creationDate: creationDate)
  }

  private static func materialAAD(keystoreID: String, keyID: String, version: Int64) -> [UInt8] {
    var aad: [UInt8] = []
    for field in [
      RecordField.text("envcrypt master key"), .text(keystoreID), .text(keyID), .integer(version),
    ] { field.append(to: &aad) }
    return aad
  }
}
