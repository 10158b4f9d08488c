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

  private struct Found {
    /// The versions that messages may mean by a name.
    var versions: [Name: [FoundVersion]] = [:]
    var keyrings: [NamedVersion: any Keyring] = [:]
  }

  private struct NamedVersion: Hashable {
    let name: Name
    let version: FoundVersion
  }

  /// All that has been looked up. The lock is on the service too: one thread at a time asks it.
  private let found = Mutex<Found>(Found())

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

  /// One keyring for each key of the keystore that may have wrapped `encrypted`.
  public func candidates(for encrypted: EncryptedDataKey) throws -> [any Keyring] {
    let name = Self.name(of: encrypted)
    return try found.withLock { found in
      if let versions = found.versions[name] { return versions }
      let versions = try service.findVersions(wrapping: encrypted, among: names)
      if !versions.isEmpty { found.versions[name] = versions }
      return versions
    }.map { KeystoreVersionKeyring(self, $0) }
  }

  public func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey? {
    var obstacle: (any Error)?
    for candidate in try candidates(for: encrypted) {
      do {
        if let dataKey = try candidate.unwrap(encrypted, context: context) { return dataKey }
      } catch {
        obstacle = obstacle ?? error
      }
    }
    if let obstacle { throw obstacle }
    return nil
  }

  fileprivate func unwrap(
    _ encrypted: EncryptedDataKey, under version: FoundVersion, context: [UInt8]
  ) throws -> DataKey? {
    let named = NamedVersion(name: Self.name(of: encrypted), version: version)
    let keyring = try found.withLock { found -> any Keyring in
      if let keyring = found.keyrings[named] { return keyring }
      let keyring = try service.unwrappingKeyring(
        for: encrypted, under: version, context: context)
      found.keyrings[named] = keyring
      return keyring
    }
    return try keyring.unwrap(encrypted, context: context)
  }

  /// The key that wrapped `encrypted`, to wrap under again; nil if the keystore does not have it.
  func keptKey(for encrypted: EncryptedDataKey, context: [UInt8]) throws -> KeptKey? {
    try found.withLock { _ in try service.keptKey(for: encrypted, context: context) }
  }

  private static func name(of encrypted: EncryptedDataKey) -> Name {
    Name(
      providerID: Array(encrypted.providerID.utf8), information: Array(encrypted.keyName.utf8))
  }
}

/// One version of a key of the keystore, as a keyring that unwraps.
private struct KeystoreVersionKeyring: Keyring {
  private let keystore: KeystoreKeyring
  private let version: FoundVersion

  init(_ keystore: KeystoreKeyring, _ version: FoundVersion) {
    self.keystore = keystore
    self.version = version
  }

  var keyDescriptions: [String] { keystore.keyDescriptions }
  var wrappingKey: WrappingKeyName? { nil }

  func wrap(_ request: borrowing WrapRequest) -> EncryptedDataKey {
    preconditionFailure("this keyring unwraps only")
  }

  func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey? {
    try keystore.unwrap(encrypted, under: version, context: context)
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

  static func wrappingKeyring(_ key: OperationCall.UsableKey) throws -> any Keyring {
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

  /// A keyring of a version that may have wrapped `encrypted`.
  fileprivate func unwrappingKeyring(
    for encrypted: EncryptedDataKey, under found: FoundVersion, context: [UInt8]
  ) throws -> any Keyring {
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
  func padding(for providerID: String) -> RSAPadding {
    guard let foreignProviderID, providerID.utf8.elementsEqual(foreignProviderID.utf8),
      let foreignPadding
    else { return .oaep(.sha256) }
    let parts = foreignPadding.split(separator: "/")
    if parts.first == "pkcs1" { return .pkcs1 }
    return .oaep(parts.last.flatMap { Digest(rawValue: String($0)) } ?? .sha256)
  }
}
