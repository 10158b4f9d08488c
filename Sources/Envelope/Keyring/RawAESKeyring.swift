/// A keyring that wraps data keys with AES-GCM (specification, `framework/raw-aes-keyring.md`). The
/// wrapped data key is bound to the encryption context.
public final class RawAESKeyring: Keyring {
  private let providerID: String
  private let keyName: String
  private let key: WrappingKey

  /// Makes a keyring of a key. The provider ID ("key namespace") and the key name name the key in
  /// messages, in plaintext. Readers try only keys with the right names. The provider ID must not
  /// begin with `aws-kms`.
  public init(providerID: String, keyName: String, wrappingKey: consuming WrappingKey) {
    precondition(!providerID.utf8.starts(with: "aws-kms".utf8), "a provider ID of keys in AWS KMS")
    self.providerID = providerID
    self.keyName = keyName
    key = wrappingKey
  }

  /// Provider ID and key name.
  public var keyDescriptions: [String] { ["\(providerID) \(keyName)"] }

  /// The name of the key in messages.
  public var wrappingKey: WrappingKeyName? {
    WrappingKeyName(providerID: providerID, keyName: keyName)
  }

  /// Returns the data key of `request`, wrapped. Throws `CryptoError` if libcrypto fails.
  public func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey {
    let nonce = try Nonce.random()
    let context = request.context
    let ciphertext = try request.dataKey.bytes.withBytes { (bytes) throws(CryptoError) in
      try AESGCM.seal(bytes, under: key.bytes, nonce: nonce, authenticating: context)
    }
    return EncryptedDataKey(
      providerID: providerID,
      providerInformation: RawAESKeyInformation(keyName: Array(keyName.utf8), nonce: nonce).bytes,
      ciphertext: ciphertext)
  }

  /// Returns the data key in `encrypted`; nil if it has another provider ID or key name, or does not
  /// authenticate with this key and `context`. Throws `CryptoError` if libcrypto fails.
  public func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey? {
    guard encrypted.providerID.utf8.elementsEqual(providerID.utf8),
      let information = RawAESKeyInformation(parsing: encrypted.providerInformation),
      information.keyName.elementsEqual(keyName.utf8)
    else { return nil }
    do {
      let dataKey = try AESGCM.open(
        encrypted.ciphertext, under: key.bytes, nonce: information.nonce,
        authenticating: context)
      return DataKey(bytes: dataKey)
    } catch .authenticationFailed {
      return nil
    }
  }
}
