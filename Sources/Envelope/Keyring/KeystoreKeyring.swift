import Synchronization

/// Unwraps data keys under master keys of a keystore.
///
/// In a message, a symmetric key is a raw AES key and an RSA key a raw RSA key with OAEP over
/// SHA-256, both of the provider `envcrypt`; an elliptic-curve key for key agreement is a raw ECDH
/// key. Any SDK opens the message with the exported key.
///
/// A run over many messages looks each key version up once, and again after each change of the keystore: every message
/// is decided by what the keystore says at that time.
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

  private let found = Mutex<[Name: FoundKeyring]>([:])

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
    try keyring(for: encrypted, context: context)?.unwrap(encrypted, context: context)
  }

  /// The keyring of the version that wrapped `encrypted`, as the keystore is now.
  private func keyring(
    for encrypted: EncryptedDataKey, context: [UInt8]
  ) throws -> RecordedKeyring? {
    let name = Name(
      providerID: Array(encrypted.providerID.utf8), information: Array(encrypted.keyName.utf8))
    return try found.withLock { found in
      if try found[name]?.holds(at: service.clock().milliseconds) ?? false {
        return found[name]?.keyring
      }
      found[name] = nil
      found[name] = try service.alone {
        try service.findKeyring(for: encrypted, among: names, context: context)
      }
      return found[name]?.keyring
    }
  }
}

/// Wraps data keys under a key of a keystore: each one under the version that is current at that time, if the key may be
/// used at that time.
final class KeystoreWrappingKeyring: Keyring, @unchecked Sendable {
  let keyDescriptions: [String]
  private let service: KeyService
  private let name: String
  private let found: Mutex<FoundKeyring>

  /// Throws if the key cannot be used now.
  init(_ service: KeyService, _ name: String) throws {
    self.service = service
    self.name = name
    let first = try service.alone { try service.findWrappingKeyring(name) }
    keyDescriptions = first.keyring.keyDescriptions
    found = Mutex(first)
  }

  /// The current version's name, or if the key cannot be used now, the name of the last version that could.
  var wrappingKey: WrappingKeyName? {
    (try? keyring())?.wrappingKey ?? found.withLock { $0.keyring.wrappingKey }
  }

  func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey {
    try keyring().wrap(request)
  }

  /// `KeystoreKeyring` unwraps: it finds the key by what the message says, not by a name that may have moved.
  func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) -> DataKey? { nil }

  private func keyring() throws -> RecordedKeyring {
    try found.withLock { found in
      if try !found.holds(at: service.clock().milliseconds) {
        found = try service.alone { try service.findWrappingKeyring(name) }
      }
      return found.keyring
    }
  }
}

extension KeyService {
  /// A keyring that wraps under the current version of the key `name`, which must be in a state to
  /// be used.
  public func wrappingKeyring(_ name: String) throws -> any Keyring {
    try KeystoreWrappingKeyring(self, name)
  }

  fileprivate func findWrappingKeyring(_ name: String) throws -> FoundKeyring {
    let call = beginWrapping()
    do {
      let key = try call.usableKey(named: name)
      guard let moment = key.moment else { preconditionFailure("no moment of a wrapping key") }
      return FoundKeyring(
        RecordedKeyring(try Self.wrappingKeyring(key), use: try KeyUse(of: key, call)),
        at: moment, now: call.now, until: key.wrappingEnd(from: call.now))
    } catch {
      call.finish(error)
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
  fileprivate func findKeyring(
    for encrypted: EncryptedDataKey, among names: [String]?, context: [UInt8]
  ) throws -> FoundKeyring? {
    guard let found = try findVersion(wrapping: encrypted, among: names) else { return nil }
    let call = beginUnwrapping()
    call.context = context
    do {
      let key = try call.usableVersion(found.version, ofKey: found.keyID)
      // The earlier of two moments: the keys that `names` stand for were looked up before this one was.
      return FoundKeyring(
        RecordedKeyring(
          try Self.unwrappingKeyring(key, for: encrypted), use: try KeyUse(of: key, call)),
        at: found.moment, now: call.now, until: key.end)
    } catch {
      call.finish(error)
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
