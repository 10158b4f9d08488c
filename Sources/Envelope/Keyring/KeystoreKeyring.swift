import Synchronization

/// Unwraps data keys under master keys of a keystore.
///
/// In a message, a symmetric key is a raw AES key and an RSA key a raw RSA key with OAEP over
/// SHA-256, both of the provider `envcrypt`; an elliptic-curve key for key agreement is a raw ECDH
/// key. Any SDK opens the message with the exported key.
///
/// A run over many messages looks each key version up once.
public final class KeystoreKeyring: Keyring, @unchecked Sendable {
  static let providerID = "envcrypt"

  public let keyDescriptions: [String]
  public let wrappingKey: WrappingKeyName? = nil
  private let service: KeyService
  /// What the user named; nil stands for every key of the keystore.
  private let names: [String]?

  /// A key version as messages name it.
  private struct Name: Hashable {
    let providerID: [UInt8]
    let information: [UInt8]
  }

  /// The keyrings of versions that have been looked up. The lock is on the service too: one thread
  /// at a time asks it.
  private let found = Mutex<[Name: any Keyring]>([:])

  /// A keyring that unwraps under the keys `names`, or under any the keystore holds.
  public init(_ service: KeyService, unwrappingUnder names: [String]?) {
    self.service = service
    self.names = names
    keyDescriptions = names ?? ["every key of \(service.keystore.path.string)"]
  }

  /// Keys of a keystore wrap through `KeyService.wrappingKeyring`.
  public func wrap(_ request: borrowing WrapRequest) -> EncryptedDataKey {
    preconditionFailure("this keyring unwraps only")
  }

  public func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey? {
    let name = Name(
      providerID: Array(encrypted.providerID.utf8), information: Array(encrypted.keyName.utf8))
    let keyring = try found.withLock { found -> (any Keyring)? in
      if let keyring = found[name] { return keyring }
      let keyring = try service.unwrappingKeyring(for: encrypted, among: names, context: context)
      found[name] = keyring
      return keyring
    }
    return try keyring?.unwrap(encrypted, context: context)
  }
}

extension KeyService {
  /// A keyring that wraps under the current version of the key `name`, which must be in a state to
  /// be used.
  public func wrappingKeyring(_ name: String) throws -> any Keyring {
    let call = beginWrapping()
    do {
      let key = try call.usableKey(named: name)
      return RecordedKeyring(try Self.wrappingKeyring(key), use: try KeyUse(of: key, call))
    } catch {
      try call.finish(error)
      throw error
    }
  }

  private static func wrappingKeyring(_ key: OperationCall.UsableKey) throws -> any Keyring {
    let keyName = VersionedKeyName(keyID: key.record.id, version: key.version.version).text
    switch (key.record.usage, key.record.spec.material) {
    case (.encryptDecrypt, .aes256):
      return RawAESKeyring(
        providerID: KeystoreKeyring.providerID, keyName: keyName,
        wrappingKey: try WrappingKey(bytes: try key.material()))
    case (.encryptDecrypt, .keyPair(.rsa)):
      return RawRSAKeyring(
        providerID: KeystoreKeyring.providerID, keyName: keyName, padding: .oaep(.sha256),
        publicKey: try RSAPublicKey(subjectPublicKeyInfo: try key.subjectPublicKeyInfo()))
    case (.keyAgreement, .keyPair(.ec)):
      return try RawECDHKeyring(
        recipient: ECPublicKey(subjectPublicKeyInfo: try key.subjectPublicKeyInfo()))
    default:
      throw KeyServiceError.invalidKeyUsage(
        "key \(key.record.id) is for \(key.record.usage.rawValue): files are encrypted under keys "
          + "for ENCRYPT_DECRYPT or KEY_AGREEMENT")
    }
  }

  /// A keyring of the version that wrapped `encrypted`, if it is one of the keys `names` (nil: of
  /// any key).
  fileprivate func unwrappingKeyring(
    for encrypted: EncryptedDataKey, among names: [String]?, context: [UInt8]
  ) throws -> (any Keyring)? {
    guard let found = try findVersion(wrapping: encrypted, among: names) else { return nil }
    let operation: KeyServiceOperation =
      RawECDHKeyInformation.isWritten(by: encrypted.providerID) ? .deriveSharedSecret : .decrypt
    let call = beginUnwrapping(operation)
    call.context = context
    do {
      let key = try call.usableVersion(found.version, ofKey: found.keyID)
      return RecordedKeyring(
        try Self.unwrappingKeyring(key, for: encrypted), use: try KeyUse(of: key, call))
    } catch {
      try call.finish(error)
      throw error
    }
  }

  private static func unwrappingKeyring(
    _ key: OperationCall.UsableKey, for encrypted: EncryptedDataKey
  ) throws -> any Keyring {
    switch (key.record.usage, key.record.spec.material) {
    case (.encryptDecrypt, .aes256):
      return RawAESKeyring(
        providerID: encrypted.providerID, keyName: encrypted.keyName,
        wrappingKey: try WrappingKey(bytes: try key.material()))
    case (.encryptDecrypt, .keyPair(.rsa)):
      return try RawRSAKeyring(
        providerID: encrypted.providerID,
        keyName: encrypted.keyName,
        padding: key.version.padding(for: encrypted.providerID),
        privateKey: try RSAPrivateKey(pkcs8: try key.material()))
    case (.keyAgreement, .keyPair(.ec)):
      return try RawECDHKeyring(privateKey: try ECPrivateKey(pkcs8: try key.material()))
    default:
      throw KeyServiceError.invalidKeyUsage(
        "the message is wrapped under key \(key.record.id), which is for "
          + key.record.usage.rawValue)
    }
  }
}

extension KeyVersionRecord {
  /// The padding under which messages of `providerID` carry data keys for this version.
  fileprivate func padding(for providerID: String) -> RSAPadding {
    guard let foreignProviderID, providerID.utf8.elementsEqual(foreignProviderID.utf8),
      let foreignPadding
    else { return .oaep(.sha256) }
    let parts = foreignPadding.split(separator: "/")
    if parts.first == "pkcs1" { return .pkcs1 }
    return .oaep(parts.last.flatMap { Digest(rawValue: String($0)) } ?? .sha256)
  }
}
