import Synchronization

/// One of the keys that a message is under, with a keyring that wraps under it again.
struct KeptKey: Sendable {
  /// The name of the key in the new message: as in the old one, but a key of the keystore has its current
  /// version.
  let name: WrappingKeyName
  /// False if another message with the same name may mean another key.
  let isForEveryMessage: Bool
  let keyring: Result<any Keyring, KeptKeyObstacle>
}

/// Why a message cannot stay under one of its keys.
public enum KeptKeyObstacle: Error, Equatable, Sendable {
  /// Nobody here has the key.
  case notAtHand
  /// Only a fingerprint is in the message, and nobody here has the public key that it is of.
  case onlyFingerprint
  /// Messages under it are only read.
  case onlyForReading
  /// The keystore does not let it be used.
  case refused(KeyServiceError)
}

/// A message cannot stay under all of its keys.
public struct KeysNotKeptError: Error, Equatable, Sendable {
  public struct Lost: Equatable, Sendable {
    public let name: WrappingKeyName
    public let obstacle: KeptKeyObstacle
  }
  public let lost: [Lost]
  /// The others.
  public let kept: [WrappingKeyName]
}

/// Finds keyrings that wrap under the keys of a message again, so that everybody who could open it still can.
public final class KeptKeys: Sendable {
  private let keyrings: [any Keyring]
  private let keystore: @Sendable () throws -> KeystoreKeyring?
  private let known = Mutex<[WrappingKeyName: KeptKey]>([:])

  /// Wraps under keys of the keystore, and under those of `keyrings`.
  public init(
    keyrings: [any Keyring], keystore: @escaping @Sendable () throws -> KeystoreKeyring?
  ) {
    self.keyrings = keyrings
    self.keystore = keystore
  }

  /// The names of the keys that a message under the same keys has.
  func names(of header: MessageHeader) throws -> [WrappingKeyName] {
    try keys(of: header).map(\.name)
  }

  /// A keyring of each key. Throws `KeysNotKeptError`.
  func keyrings(of header: MessageHeader) throws -> [any Keyring] {
    var found: [any Keyring] = []
    var kept: [WrappingKeyName] = []
    var lost: [KeysNotKeptError.Lost] = []
    for key in try keys(of: header) {
      switch key.keyring {
      case .success(let keyring):
        found.append(keyring)
        kept.append(key.name)
      case .failure(let obstacle):
        lost.append(KeysNotKeptError.Lost(name: key.name, obstacle: obstacle))
      }
    }
    guard lost.isEmpty else { throw KeysNotKeptError(lost: lost, kept: kept) }
    return found
  }

  private func keys(of header: MessageHeader) throws -> [KeptKey] {
    let context = try header.encryptionContext.serialized()
    var keys: [KeptKey] = []
    for encrypted in header.encryptedDataKeys {
      let key = try self.key(encrypted, context: context)
      // Two versions of one key are one from now on. Keys of other names may be two of the same name.
      let isRepeated = key.isForEveryMessage && keys.contains { $0.name == key.name }
      if !isRepeated { keys.append(key) }
    }
    return keys
  }

  private func key(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> KeptKey {
    let name = encrypted.wrappingKey
    if let key = known.withLock({ $0[name] }) { return key }
    let key = try find(encrypted, context: context)
    if key.isForEveryMessage { known.withLock { $0[name] = key } }
    return key
  }

  private func find(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> KeptKey {
    let stored = try keystore()?.keptKey(for: encrypted, context: context)
    if let stored, case .success = stored.keyring { return stored }
    if let keyring = try fromFiles(encrypted, context: context) {
      return KeptKey(
        name: keyring.wrappingKey ?? encrypted.wrappingKey, isForEveryMessage: false,
        keyring: .success(keyring))
    }
    if let stored { return stored }
    // The public key is in the message.
    if encrypted.providerID.utf8.elementsEqual(RawECDHKeyring.providerID.utf8),
      let information = RawECDHKeyInformation(parsing: encrypted.providerInformation)
    {
      let keyring = try RawECDHKeyring(recipient: information.recipient)
      return KeptKey(
        name: encrypted.wrappingKey, isForEveryMessage: true, keyring: .success(keyring))
    }
    return KeptKey(
      name: encrypted.wrappingKey, isForEveryMessage: true,
      keyring: .failure(obstacle(to: encrypted)))
  }

  private func obstacle(to encrypted: EncryptedDataKey) -> KeptKeyObstacle {
    if encrypted.providerID.utf8.elementsEqual(RawRSAKeyring.bareProviderID.utf8) {
      return .onlyFingerprint
    }
    let name = "\(encrypted.providerID) \(encrypted.keyName)"
    let isRead = keyrings.contains { $0.wrappingKey == nil && $0.keyDescriptions.contains(name) }
    return isRead ? .onlyForReading : .notAtHand
  }

  /// The keyring of a file that wraps under the same name, and has the same key as far as it can tell: two
  /// files may call different keys so. Of an exported key of a keystore, its last version.
  private func fromFiles(
    _ encrypted: EncryptedDataKey, context: [UInt8]
  ) throws -> (any Keyring)? {
    let name = encrypted.wrappingKey
    let same = try keyrings.first { keyring in
      guard keyring.wrappingKey == name else { return false }
      guard keyring.canUnwrap else { return true }
      return try keyring.unwrap(encrypted, context: context) != nil
    }
    guard same != nil, let version = VersionedKeyName(exportedAs: name) else { return same }
    return keyrings.max { left, right in
      version.age(of: left.wrappingKey) < version.age(of: right.wrappingKey)
    }
  }
}

extension VersionedKeyName {
  /// Nil for what is not a name of the keystore's keys.
  fileprivate init?(exportedAs name: WrappingKeyName) {
    guard name.providerID.utf8.elementsEqual(KeystoreKeyring.providerID.utf8) else { return nil }
    self.init(parsing: Array(name.keyName.utf8))
  }

  /// The version, if `name` is one of the same key; else 0.
  fileprivate func age(of name: WrappingKeyName?) -> Int64 {
    guard let other = name.flatMap(Self.init(exportedAs:)), other.keyID == keyID else { return 0 }
    return other.version
  }
}
