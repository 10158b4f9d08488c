import Envelope
import KMSAPI
import KMSKeystore
import Synchronization

/// A keyring that unwraps data keys under master keys of a keystore.
///
/// In a message, a symmetric key is a raw AES key, and an RSA key is a raw RSA key with OAEP and
/// SHA-256; both have the provider ID `envcrypt`. An elliptic-curve key for key agreement is a raw
/// ECDH key. Any AWS Encryption SDK opens the message with the exported key.
///
/// A run over many messages looks up each key version once, and again after each change of the
/// keystore. Each message is therefore decided by the state of the keystore at that time.
package final class KeystoreKeyring: Keyring, KeptKeySource {
  package let keyDescriptions: [String]
  package let wrappingKey: WrappingKeyName? = nil
  private let service: KeyService
  /// The keys that the user named; nil means every key of the keystore.
  private let names: [String]?

  /// The name of a key version in messages.
  private struct Name: Hashable {
    let providerID: [UInt8]
    let information: [UInt8]
  }

  private struct Found {
    /// The versions that a name in a message may mean.
    var versions: [Name: FoundVersions] = [:]
    var keyrings: [NamedVersion: FoundKeyring] = [:]
  }

  private struct NamedVersion: Hashable {
    let name: Name
    let version: FoundVersion
  }

  private let found = Mutex<Found>(Found())

  /// A keyring that unwraps under the keys `names`; if nil, under any key of the keystore.
  package init(_ service: KeyService, unwrappingUnder names: [String]?) {
    self.service = service
    self.names = names
    keyDescriptions = names ?? ["every key of \(service.keystore.path.string)"]
  }

  /// Must not be called: keys of a keystore wrap through `KeyService.wrappingKeyring`.
  package func wrap(_ request: borrowing WrapRequest) -> EncryptedDataKey {
    preconditionFailure("this keyring unwraps only")
  }

  /// Returns one keyring for each key of the keystore that may have wrapped `encrypted`.
  package func candidates(for encrypted: EncryptedDataKey) throws -> [any Keyring] {
    let name = Self.name(of: encrypted)
    let versions = try found.withLock { found in
      if let known = found.versions[name], try known.moment.isNow() { return known }
      let versions = try service.findVersions(wrapping: encrypted, among: names)
      found.versions[name] = versions
      return versions
    }
    return versions.versions.map { KeystoreVersionKeyring(self, $0, at: versions.moment) }
  }

  package func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey? {
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
    _ encrypted: EncryptedDataKey, under version: FoundVersion, at moment: KeystoreMoment,
    context: [UInt8], messageID: [UInt8]
  ) throws -> DataKey? {
    let named = NamedVersion(name: Self.name(of: encrypted), version: version)
    let keyring = try found.withLock { found in
      if try found.keyrings[named]?.holds(at: service.host.clock().milliseconds) ?? false {
        return found.keyrings[named]?.keyring
      }
      found.keyrings[named] = nil
      found.keyrings[named] = try service.findKeyring(
        for: encrypted, under: version, at: moment,
        context: AuditRecord.context(context, messageID: messageID))
      return found.keyrings[named]?.keyring
    }
    return try keyring?.unwrap(encrypted, context: context, messageID: messageID)
  }

  /// Returns the key that wrapped `encrypted`, with a keyring that wraps under it again.
  package func keptKey(for encrypted: EncryptedDataKey, context: [UInt8]) throws -> KeptKey? {
    try service.keptKey(for: encrypted, context: context)
  }

  private static func name(of encrypted: EncryptedDataKey) -> Name {
    Name(
      providerID: Array(encrypted.providerID.utf8), information: Array(encrypted.keyName.utf8))
  }
}

/// A keyring that unwraps under one version of a key of the keystore.
private struct KeystoreVersionKeyring: Keyring {
  private let keystore: KeystoreKeyring
  private let version: FoundVersion
  /// The moment at which the version was found.
  private let moment: KeystoreMoment

  init(_ keystore: KeystoreKeyring, _ version: FoundVersion, at moment: KeystoreMoment) {
    self.keystore = keystore
    self.version = version
    self.moment = moment
  }

  var keyDescriptions: [String] { keystore.keyDescriptions }
  var wrappingKey: WrappingKeyName? { nil }

  func wrap(_ request: borrowing WrapRequest) -> EncryptedDataKey {
    preconditionFailure("this keyring unwraps only")
  }

  func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey? {
    try unwrap(encrypted, context: context, messageID: [])
  }

  func unwrap(
    _ encrypted: EncryptedDataKey, context: [UInt8], messageID: [UInt8]
  ) throws -> DataKey? {
    try keystore.unwrap(
      encrypted, under: version, at: moment, context: context, messageID: messageID)
  }
}

/// A keyring that wraps data keys under a key of a keystore. Each data key is wrapped under the
/// version that is current at that time, if the key may be used then.
final class KeystoreWrappingKeyring: Keyring, Sendable {
  let keyDescriptions: [String]
  private let service: KeyService
  private let name: String
  private let found: Mutex<FoundKeyring>

  /// Throws if the key cannot be used now.
  init(_ service: KeyService, _ name: String) throws {
    self.service = service
    self.name = name
    let first = try service.findWrappingKeyring(name)
    keyDescriptions = first.keyring.keyDescriptions
    found = Mutex(first)
  }

  /// The name of the current version; if the key cannot be used now, the name of the last version
  /// that could be used.
  var wrappingKey: WrappingKeyName? {
    (try? keyring())?.wrappingKey ?? found.withLock { $0.keyring.wrappingKey }
  }

  func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey {
    try keyring().wrap(request)
  }

  /// Always returns nil. `KeystoreKeyring` unwraps: it finds the key by the key ID in the message,
  /// not by an alias, which may name another key by now.
  func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) -> DataKey? { nil }

  private func keyring() throws -> RecordedKeyring {
    try found.withLock { found in
      if try !found.holds(at: service.host.clock().milliseconds) {
        found = try service.findWrappingKeyring(name)
      }
      return found.keyring
    }
  }
}

extension KeyService {
  /// Returns a keyring that wraps under the current version of the key `name`. Throws if the key
  /// cannot be used now.
  package func wrappingKeyring(_ name: String) throws -> any Keyring {
    try KeystoreWrappingKeyring(self, name)
  }

  fileprivate func findWrappingKeyring(_ name: String) throws -> FoundKeyring {
    let call = beginWrapping()
    do {
      let found = try call.messageKey(named: name)
      return FoundKeyring(
        RecordedKeyring(try Self.wrappingKeyring(found.key), use: try KeyUse(of: found, call)),
        at: found.moment, now: call.now, until: found.key.wrappingEnd(from: call.now))
    } catch {
      try call.finish(error)
      throw error
    }
  }

  static func wrappingKeyring(_ key: UsableKey) throws -> any Keyring {
    let keyName = VersionedKeyName(keyID: key.record.id, version: key.version.version).text
    switch (key.record.usage, key.record.spec.material) {
    case (.encryptDecrypt, .aes256):
      return RawAESKeyring(
        providerID: VersionedKeyName.providerID, keyName: keyName,
        wrappingKey: try WrappingKey(bytes: try key.material()))
    case (.encryptDecrypt, .keyPair(.rsa)):
      return RawRSAKeyring(
        providerID: VersionedKeyName.providerID, keyName: keyName, padding: .oaep(.sha256),
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

  /// Returns a keyring of a version that may have wrapped `encrypted` and was found at `moment`.
  /// `context` is for the audit record of a refusal.
  fileprivate func findKeyring(
    for encrypted: EncryptedDataKey, under found: FoundVersion, at moment: KeystoreMoment,
    context: [UInt8]
  ) throws -> FoundKeyring {
    let call = beginUnwrapping()
    call.note(messageContext: context)
    do {
      let key = try call.messageKey(named: found.keyID, version: found.version)
      // Use the moment at which the version was found, not that of `key`. It is earlier, and the
      // names of keys were resolved at that moment.
      return FoundKeyring(
        RecordedKeyring(
          try Self.unwrappingKeyring(key.key, for: encrypted), use: try KeyUse(of: key, call)),
        at: moment, now: call.now, until: key.key.end)
    } catch {
      try call.finish(error)
      throw error
    }
  }

  private static func unwrappingKeyring(
    _ key: UsableKey, for encrypted: EncryptedDataKey
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
  /// Returns the RSA padding of data keys that messages of `providerID` wrap under this version.
  func padding(for providerID: String) -> RSAPadding {
    guard let foreignProviderID, providerID.utf8.elementsEqual(foreignProviderID.utf8),
      let foreignPadding
    else { return .oaep(.sha256) }
    let parts = foreignPadding.split(separator: "/")
    if parts.first == "pkcs1" { return .pkcs1 }
    return .oaep(parts.last.flatMap { Digest(rawValue: String($0)) } ?? .sha256)
  }
}
