/// A keyring that wraps data keys under keys from ECDH key agreement (specification,
/// `framework/raw-ecdh-keyring.md` and `framework/key-agreement-schemas.md`).
///
/// Each data key is wrapped for the recipient with its own ephemeral key pair
/// (EphemeralPrivateKeyToStaticPublicKey). Data keys from any sender are unwrapped
/// (PublicKeyDiscovery). With only a public key, the keyring only wraps. `KeyringFile` and
/// `Recipient` make such keyrings.
public final class RawECDHKeyring: Keyring {
  /// The provider ID of the wrapped data keys. Their key name is the fingerprint of the recipient's
  /// public key.
  public static let providerID = RawECDHKeyInformation.providerID

  private let keyName: String
  private let publicKey: ECPublicKey
  private let privateKey: ECPrivateKey?

  package init(recipient: ECPublicKey) throws(CryptoError) {
    keyName = try recipient.fingerprint()
    publicKey = recipient
    privateKey = nil
  }

  package init(privateKey: consuming ECPrivateKey) throws(CryptoError) {
    publicKey = try privateKey.publicKey()
    keyName = try publicKey.fingerprint()
    self.privateKey = consume privateKey
  }

  /// Provider ID and fingerprint of the public key.
  public var keyDescriptions: [String] { ["\(Self.providerID) \(keyName)"] }

  /// The name of the key in messages.
  public var wrappingKey: WrappingKeyName? {
    WrappingKeyName(providerID: Self.providerID, keyName: keyName)
  }

  /// True if the keyring has the private key.
  public var canUnwrap: Bool { privateKey != nil }

  /// Returns the data key of `request`, wrapped for the recipient. Throws `CryptoError` if libcrypto
  /// fails.
  public func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey {
    let ephemeral = try ECPrivateKey.generate(on: publicKey.curve)
    let information = RawECDHKeyInformation(
      recipient: publicKey, sender: try ephemeral.publicKey())
    let fixedInformation = information.fixedInformation(context: request.context)
    let salt = try Random.bytes(RawECDHCiphertext.saltLength)
    let keys = try AgreedKeys(
      sharedSecret: try ephemeral.derive(with: publicKey), salt: salt,
      fixedInformation: fixedInformation)
    // Each key seals only once, so the nonce may be fixed.
    let sealed = try request.dataKey.bytes.withBytes { (bytes) throws(CryptoError) in
      try AESGCM.seal(
        bytes, under: keys.wrappingKey.bytes, nonce: .zero, authenticating: fixedInformation)
    }
    let commitmentKey = keys.commitmentKey.withBytes { $0.withUnsafeBytes { Array($0) } }
    return EncryptedDataKey(
      providerID: Self.providerID, providerInformation: information.bytes,
      ciphertext: RawECDHCiphertext(salt: salt, commitmentKey: commitmentKey, sealed: sealed)
        .bytes)
  }

  /// Returns the data key in `encrypted`; nil if it is for another recipient, does not authenticate
  /// with `context`, or the keyring has no private key. Throws `CryptoError` if libcrypto fails.
  public func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey? {
    guard privateKey != nil, RawECDHKeyInformation.isWritten(by: encrypted.providerID),
      let information = RawECDHKeyInformation(parsing: encrypted.providerInformation),
      information.recipient == publicKey,
      let ciphertext = RawECDHCiphertext(parsing: encrypted.ciphertext),
      let sharedSecret = try privateKey?.derive(with: information.sender)
    else { return nil }
    let fixedInformation = information.fixedInformation(context: context)
    let keys = try AgreedKeys(
      sharedSecret: sharedSecret, salt: ciphertext.salt, fixedInformation: fixedInformation)
    guard
      SecretBytes.areEqual(
        keys.commitmentKey, SecretBytes(copying: ciphertext.commitmentKey.span.bytes))
    else { return nil }
    do {
      let dataKey = try AESGCM.open(
        ciphertext.sealed, under: keys.wrappingKey.bytes, nonce: .zero,
        authenticating: fixedInformation)
      return DataKey(bytes: dataKey)
    } catch .authenticationFailed {
      return nil
    }
  }
}

/// The two keys that both sides derive from their shared secret: 64 bytes, 32 for each key.
private struct AgreedKeys: ~Copyable {
  /// This key is not secret: it is stored with the wrapped data key.
  let commitmentKey: SecretBytes
  let wrappingKey: WrappingKey

  init(
    sharedSecret: borrowing SecretBytes, salt: [UInt8], fixedInformation: [UInt8]
  ) throws(CryptoError) {
    let derived = try KBKDF.derive(
      .sha384, from: sharedSecret, label: fixedInformation, context: salt,
      count: RawECDHCiphertext.commitmentKeyLength + 32)
    let wrappingKey = try WrappingKey(bytes: derived.suffix(32))
    commitmentKey = derived.prefix(RawECDHCiphertext.commitmentKeyLength)
    self.wrappingKey = wrappingKey
  }
}
