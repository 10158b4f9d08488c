import Synchronization

/// Wraps data keys with RSA (specification, `framework/raw-rsa-keyring.md`). With a public key
/// alone it only wraps.
public final class RawRSAKeyring: Keyring {
  /// The provider ID of bare RSA public keys: their key name is the fingerprint.
  public static let bareProviderID = "envcrypt-spki"

  private let providerID: String
  private let keyName: String
  private let padding: RSAPadding
  private let publicKey: RSAPublicKey
  private let privateKey: RSAPrivateKey?
  /// True if the public half is known to be one.
  private let isChecked = Mutex(true)

  /// Takes a public key that was checked.
  init(providerID: String, keyName: String, padding: RSAPadding, publicKey: RSAPublicKey) {
    self.providerID = providerID
    self.keyName = keyName
    self.padding = padding
    self.publicKey = publicKey
    privateKey = nil
  }

  /// Takes a private key from outside. Its public half is checked before it wraps anything: that takes
  /// longer than to unwrap.
  init(
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

  /// The keyring of a bare public key.
  static func recipient(_ key: RSAPublicKey) throws(CryptoError) -> RawRSAKeyring {
    RawRSAKeyring(
      providerID: bareProviderID, keyName: try key.fingerprint(), padding: .oaep(.sha256),
      publicKey: key)
  }

  public var keyDescriptions: [String] { ["\(providerID) \(keyName)"] }

  public var wrappingKey: WrappingKeyName? {
    padding == .pkcs1 ? nil : WrappingKeyName(providerID: providerID, keyName: keyName)
  }

  public var canUnwrap: Bool { privateKey != nil }

  /// Throws `KeyringError.readOnlyPadding` for PKCS #1 v1.5, which is for reading only.
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

  /// Throws `invalidKey` where the private half is at hand and is another's: nobody would open what
  /// was wrapped.
  private func checkOpens(_ ciphertext: [UInt8]) throws(CryptoError) {
    do {
      _ = try privateKey?.decrypt(ciphertext, padding: padding)
    } catch .authenticationFailed {
      throw .invalidKey("a private key with the public half of another")
    }
  }

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
      // Who could tell a wrong padding from a wrong data key could decrypt by asking often enough.
      guard padding != .pkcs1 else { throw CryptoError.authenticationFailed }
      return nil
    }
  }
}

/// A keyring that cannot do what is asked of it.
public enum KeyringError: Error, Equatable, Sendable {
  /// A PKCS #1 v1.5 key was to wrap.
  case readOnlyPadding(keyName: String)
  /// A keyring file that is none; the text says what is wrong and where.
  case malformedFile(String)
}
