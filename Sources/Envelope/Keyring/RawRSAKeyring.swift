import Synchronization

/// A keyring that wraps data keys with RSA (specification, `framework/raw-rsa-keyring.md`). With
/// only a public key, it only wraps. `KeyringFile` and `Recipient` make such keyrings.
public final class RawRSAKeyring: Keyring {
  /// The provider ID of bare RSA public keys, whose key name is their fingerprint.
  public static let bareProviderID = "envcrypt-spki"

  private let providerID: String
  private let keyName: String
  private let padding: RSAPadding
  private let publicKey: RSAPublicKey
  private let privateKey: RSAPrivateKey?
  /// True if the public key has been checked.
  private let isChecked = Mutex(true)

  /// Takes a public key that has already been checked.
  package init(providerID: String, keyName: String, padding: RSAPadding, publicKey: RSAPublicKey) {
    self.providerID = providerID
    self.keyName = keyName
    self.padding = padding
    self.publicKey = publicKey
    privateKey = nil
  }

  /// Takes a private key from outside. Its public key is checked only before the first wrapping,
  /// because the check takes longer than unwrapping.
  package init(
    providerID: String, keyName: String, padding: RSAPadding,
    privateKey: consuming RSAPrivateKey
  ) throws(CryptoError) {
    self.providerID = providerID
    self.keyName = keyName
    self.padding = padding
    publicKey = try privateKey.publicKey()
    self.privateKey = consume privateKey
    isChecked.withLock { $0 = false }
  }

  /// Returns the keyring of a bare public key.
  static func recipient(_ key: RSAPublicKey) throws(CryptoError) -> RawRSAKeyring {
    RawRSAKeyring(
      providerID: bareProviderID, keyName: try key.fingerprint(), padding: .oaep(.sha256),
      publicKey: key)
  }

  /// Provider ID and key name.
  public var keyDescriptions: [String] { ["\(providerID) \(keyName)"] }

  /// The name of the key in messages; nil for the padding of PKCS #1 v1.5.
  public var wrappingKey: WrappingKeyName? {
    padding == .pkcs1 ? nil : WrappingKeyName(providerID: providerID, keyName: keyName)
  }

  /// True if the keyring has the private key.
  public var canUnwrap: Bool { privateKey != nil }

  /// Returns the data key of `request`, encrypted with the public key. RSA does not bind it to the
  /// encryption context. Throws `KeyringError.readOnlyPadding` for PKCS #1 v1.5, which is only
  /// supported for reading, and `CryptoError.invalidKey` if the public key is not valid or does not
  /// belong to the private key.
  public func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey {
    guard padding != .pkcs1 else { throw KeyringError.readOnlyPadding(keyName: keyName) }
    try isChecked.withLock { (isChecked) throws(CryptoError) in
      if !isChecked { try publicKey.check() }
      isChecked = true
    }
    let ciphertext = try publicKey.encrypt(request.dataKey.bytes, padding: padding)
    try checkOpens(ciphertext)
    return EncryptedDataKey(
      providerID: providerID, providerInformation: Array(keyName.utf8), ciphertext: ciphertext)
  }

  /// Throws `invalidKey` if there is a private key and it does not belong to the public key: nobody
  /// could open the wrapped data key.
  private func checkOpens(_ ciphertext: [UInt8]) throws(CryptoError) {
    do {
      _ = try privateKey?.decrypt(ciphertext, padding: padding)
    } catch .authenticationFailed {
      throw .invalidKey("a private key with the public key of another")
    }
  }

  /// Returns the data key in `encrypted`; nil if it has another provider ID or key name, does not
  /// decrypt, or the keyring has no private key. Throws `CryptoError.authenticationFailed` instead
  /// if the padding is PKCS #1 v1.5.
  public func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey? {
    guard privateKey != nil, encrypted.providerID.utf8.elementsEqual(providerID.utf8),
      encrypted.providerInformation.elementsEqual(keyName.utf8)
    else { return nil }
    do {
      guard let dataKey = try privateKey?.decrypt(encrypted.ciphertext, padding: padding) else {
        return nil
      }
      return DataKey(bytes: dataKey)
    } catch .authenticationFailed {
      // An attacker who can distinguish a wrong padding from a wrong data key can decrypt the data
      // key with enough attempts.
      guard padding != .pkcs1 else { throw CryptoError.authenticationFailed }
      return nil
    }
  }
}

/// The errors of keyrings and keyring files.
public enum KeyringError: Error, Equatable, Sendable {
  /// A PKCS #1 v1.5 key was asked to wrap.
  case readOnlyPadding(keyName: String)
  /// A file that is not a valid keyring file; the text says what is wrong and where.
  case malformedFile(String)
}
