import Envelope
import Foundation

/// A keystore with its root key. It wraps and unwraps the versions of master keys, and computes and
/// verifies the codes of records. It does both with keys that are derived from the root key.
package final class UnlockedKeystore: Sendable {
  let keystoreID: String
  /// Nil for a store of version 0.1.0, which has no ledger.
  let ledger: Ledger?
  /// The longest text of a record. SQLite would refuse a row with a longer one.
  private static let mostBytesOfAText = KeystoreConnection.mostBytesOfAValue - (1 << 20)
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

  /// Returns the key of the keystore's audit log.
  func auditKey() throws(CryptoError) -> AuditKey {
    AuditKey(
      bytes: try HKDF.derive(
        .sha256, from: rootKey.bytes, salt: Array(keystoreID.utf8),
        info: Array("envcrypt audit log".utf8), count: 32))
  }

  /// Returns an unlocked store with a ledger, for a store that has none.
  func withLedger() throws(CryptoError) -> UnlockedKeystore {
    try UnlockedKeystore(RootKey(bytes: rootKey.bytes.duplicate()), keystoreID: keystoreID)
  }

  /// Returns `record` with its code.
  func authenticating<Record: AuthenticatedRecord>(_ record: Record) throws -> Record {
    // SQLite would end the text at a NUL, so the code would not match the stored text.
    for case .text(let text) in (record.columns + record.laterColumns).map(\.value)
    where text.utf8.contains(0) || text.utf8.count > Self.mostBytesOfAText {
      throw KeystoreError.unstorableText(record.recordName)
    }
    var record = record
    record.authenticationCode = Data(
      try HMAC.authenticate(message(of: record).span.bytes, with: .sha256, under: recordKey))
    return record
  }

  /// Returns the bytes that the code of a record covers. They differ in a store without a ledger,
  /// so that such a code is not valid in a store with a ledger.
  private func message(of record: some AuthenticatedRecord) -> [UInt8] {
    record.authenticatedMessage(keystoreID: keystoreID, inLedger: ledger != nil)
  }

  /// Throws `editedRecord` unless `record` carries its code.
  func verifyCode(of record: some AuthenticatedRecord) throws {
    try verifyCode(of: record, inLedger: ledger != nil)
  }

  /// Throws `editedRecord` unless `record` carries its code for a store with or without a ledger.
  /// For callers that ask if a record is from the time before the ledger.
  func verifyCode(of record: some AuthenticatedRecord, inLedger: Bool) throws {
    let message = record.authenticatedMessage(keystoreID: keystoreID, inLedger: inLedger)
    guard
      try HMAC.verify(
        Array(record.authenticationCode), of: message.span.bytes, with: .sha256, under: recordKey)
    else {
      throw KeystoreError.editedRecord(record.recordName)
    }
  }

  /// Wraps the material of one version. Returns the nonce and the wrapped bytes.
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

  /// Unwraps the material of one version. The record must have been verified.
  package func unwrap(_ version: KeyVersionRecord) throws -> SecretBytes {
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

  /// Returns the API's KeyMaterialId: 64 hexadecimal digits that differ between the materials of
  /// one key. They reveal nothing about the material without the root key.
  package func materialID(_ material: borrowing SecretBytes, keyID: String) throws -> String {
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

  /// Wraps a secret that is not a key version, for example the private key of an import while it is
  /// outside the store. The result is bound to `purpose`.
  package func seal(_ secret: borrowing SecretBytes, purpose: String) throws -> [UInt8] {
    let nonce = try Nonce.random()
    let aad = Self.sealedAAD(keystoreID: keystoreID, purpose: purpose)
    let sealed = try secret.withBytes { (bytes) throws(CryptoError) in
      try AESGCM.seal(bytes, under: wrappingKey, nonce: nonce, authenticating: aad)
    }
    return nonce.bytes + sealed
  }

  /// Unwraps the result of `seal`. Nil if it has another purpose, or if this store did not make it.
  package func open(_ sealed: [UInt8], purpose: String) throws -> SecretBytes? {
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

  /// Wraps the root key for a new protector.
  package func makeProtector(
    _ protector: consuming NewProtector, label: String? = nil, creationDate: Int64
  ) throws -> ProtectorRecord {
    try ProtectorRecord(
      protector, label: label, wrapping: rootKey, keystoreID: keystoreID, creationDate: creationDate
    )
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
