import Envelope
import KMSAPI

/// Encrypts and decrypts with symmetric keys of the keystore.
extension UsableKey {
  /// Encrypts `plaintext`. Returns a ciphertext blob that contains the key ID and the version.
  func seal(
    _ plaintext: borrowing SecretBytes, context: EncryptionContext
  ) throws -> [UInt8] {
    let keyVersion = UInt32(version.version)
    let nonce = try Nonce.random()
    let aad = CiphertextBlob.authenticatedData(
      keyID: record.id, keyVersion: keyVersion, context: try context.serialized())
    let key = try material()
    let sealed = try plaintext.withBytes { (bytes) throws(CryptoError) in
      try AESGCM.seal(bytes, under: key, nonce: nonce, authenticating: aad)
    }
    return CiphertextBlob(
      keyID: record.id, keyVersion: keyVersion, nonce: nonce, sealed: sealed
    ).bytes
  }

  /// Decrypts a blob. Throws `invalidCiphertext` for every mistake in the blob or the context.
  func open(_ blob: CiphertextBlob, context: EncryptionContext) throws -> SecretBytes {
    let aad = CiphertextBlob.authenticatedData(
      keyID: blob.keyID, keyVersion: blob.keyVersion, context: try context.serialized())
    let key = try material()
    do {
      return try AESGCM.open(blob.sealed, under: key, nonce: blob.nonce, authenticating: aad)
    } catch .authenticationFailed {
      throw KeyServiceError.invalidCiphertext
    }
  }
}
