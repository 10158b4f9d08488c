import Synchronization

/// One of the keys that a message is encrypted under, with a keyring that wraps under the same key
/// again, as it was found at one moment.
package struct KeptKey: Sendable {
  /// The name of the key in the new message: the same as in the old message, but for a key of the
  /// keystore, the name of its current version.
  let name: WrappingKeyName
  /// False if the same name in another message may mean another key.
  let isForEveryMessage: Bool
  let keyring: Result<any Keyring, KeptKeyObstacle>
  /// True if a new look-up would find the same.
  let holds: @Sendable () throws -> Bool

  package init(
    name: WrappingKeyName, isForEveryMessage: Bool, keyring: Result<any Keyring, KeptKeyObstacle>,
    holds: @escaping @Sendable () throws -> Bool
  ) {
    self.name = name
    self.isForEveryMessage = isForEveryMessage
    self.keyring = keyring
    self.holds = holds
  }
}

/// The reason that a message cannot stay under one of its keys.
package enum KeptKeyObstacle: Error, Equatable, Sendable {
  /// Neither the keystore nor a keyring has the key.
  case notAtHand
  /// The message has only the fingerprint of a public key, and no keyring has that public key.
  case onlyFingerprint
  /// The key is only used to read messages, not to write them.
  case onlyForReading
  /// The keystore refuses the use of the key.
  case refused(any Error)

  package static func == (left: KeptKeyObstacle, right: KeptKeyObstacle) -> Bool {
    switch (left, right) {
    case (.notAtHand, .notAtHand), (.onlyFingerprint, .onlyFingerprint),
      (.onlyForReading, .onlyForReading):
      true
    case (.refused(let left), .refused(let right)): "\(left)" == "\(right)"
    default: false
    }
  }
}

/// A place that finds the keys of messages, to wrap under them again: a keystore.
package protocol KeptKeySource: Sendable {
  /// Finds the key that wrapped `encrypted`; nil if there is no such key here.
  func keptKey(for encrypted: EncryptedDataKey, context: [UInt8]) throws -> KeptKey?
}

/// The error for a message that cannot stay under all of its keys.
package struct KeysNotKeptError: Error, Equatable, Sendable {
  package struct Lost: Equatable, Sendable {
    package let name: WrappingKeyName
    package let obstacle: KeptKeyObstacle
  }
  package let lost: [Lost]
  /// The keys that the message can stay under.
  package let kept: [WrappingKeyName]
}

/// Finds keyrings that wrap under the keys of a message again, so that everybody who could open the
/// message can open the new one too.
///
/// A run over many messages looks up each key once, and again after each change of the keystore.
/// Each message is therefore decided by the state of the keystore at the time when it is wrapped.
package final class KeptKeys: Sendable {
  private let keyrings: [any Keyring]
  private let keystore: @Sendable () throws -> (any KeptKeySource)?
  private let known = Mutex<[WrappingKeyName: KeptKey]>([:])

  /// Wraps under keys of the keystore, and under the keys of `keyrings`.
  package init(
    keyrings: [any Keyring], keystore: @escaping @Sendable () throws -> (any KeptKeySource)?
  ) {
    self.keyrings = keyrings
    self.keystore = keystore
  }

  /// Returns the names of the keys that a new message under the same keys would have.
  func names(of header: MessageHeader) throws -> [WrappingKeyName] {
    try keys(of: header).map(\.name)
  }

  /// Returns a keyring for each key. Throws `KeysNotKeptError`.
  func keyrings(of header: MessageHeader) throws -> [any Keyring] {
    let keys = try keys(of: header)
    let lost = keys.compactMap(\.lost)
    guard lost.isEmpty else {
      throw KeysNotKeptError(lost: lost, kept: keys.filter { $0.lost == nil }.map(\.name))
    }
    return keys
  }

  private func keys(of header: MessageHeader) throws -> [KeyOfMessage] {
    let context = try header.encryptionContext.serialized()
    var keys: [KeyOfMessage] = []
    for encrypted in header.encryptedDataKeys {
      let key = try self.key(for: encrypted, context: context)
      // Two versions of one keystore key have the same name now, the current version's: wrap once.
      // If `isForEveryMessage` is false, two different keys may have the same name: keep both.
      let isRepeated = key.isForEveryMessage && keys.contains { $0.name == key.name }
      if !isRepeated {
        keys.append(
          KeyOfMessage(
            keys: self, header: header, encrypted: encrypted, context: context, found: key))
      }
    }
    return keys
  }

  fileprivate func key(for encrypted: EncryptedDataKey, context: [UInt8]) throws -> KeptKey {
    let name = encrypted.wrappingKey
    if let key = known.withLock({ $0[name] }), try key.holds() { return key }
    let key = try find(encrypted, context: context)
    known.withLock { $0[name] = key.isForEveryMessage ? key : nil }
    return key
  }

  private func find(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> KeptKey {
    let stored = try keystore()?.keptKey(for: encrypted, context: context)
    if let stored, case .success = stored.keyring { return stored }
    // If the keystore does not have the key, it may have it after its next change.
    let always: @Sendable () throws -> Bool = { true }
    let holds = stored.map(\.holds) ?? always
    if let keyring = try fromFiles(encrypted, context: context) {
      return KeptKey(
        name: keyring.wrappingKey ?? encrypted.wrappingKey, isForEveryMessage: false,
        keyring: .success(keyring), holds: holds)
    }
    if let stored, stored.keyring.obstacle != .notAtHand { return stored }
    // The message contains the recipient's public key.
    if encrypted.providerID.utf8.elementsEqual(RawECDHKeyring.providerID.utf8),
      let information = RawECDHKeyInformation(parsing: encrypted.providerInformation)
    {
      let keyring = try RawECDHKeyring(recipient: information.recipient)
      return KeptKey(
        name: encrypted.wrappingKey, isForEveryMessage: true, keyring: .success(keyring),
        holds: holds)
    }
    // Another message may mean the key of this name that is at hand.
    let name = encrypted.wrappingKey
    let isOfAnother = keyrings.contains { $0.wrappingKey == name }
    return KeptKey(
      name: name, isForEveryMessage: !isOfAnother && stored?.isForEveryMessage ?? true,
      keyring: .failure(obstacle(to: encrypted)), holds: holds)
  }

  private func obstacle(to encrypted: EncryptedDataKey) -> KeptKeyObstacle {
    if encrypted.providerID.utf8.elementsEqual(RawRSAKeyring.bareProviderID.utf8) {
      return .onlyFingerprint
    }
    let name = "\(encrypted.providerID) \(encrypted.keyName)"
    let isRead = keyrings.contains { $0.wrappingKey == nil && $0.keyDescriptions.contains(name) }
    return isRead ? .onlyForReading : .notAtHand
  }

  /// Returns the keyring of a file that wraps under the same name and has the same key, because two
  /// files may give one name to different keys. A keyring that cannot unwrap is not checked. For an
  /// exported key of a keystore, returns the keyring of its latest version.
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

/// A keyring that wraps under one of the keys of a message. It looks the key up again if the key
/// does not hold any more: a message whose input is slow may be wrapped long after the look-up.
private struct KeyOfMessage: Keyring {
  let keys: KeptKeys
  let header: MessageHeader
  let encrypted: EncryptedDataKey
  let context: [UInt8]
  let found: KeptKey

  var name: WrappingKeyName { found.name }
  var lost: KeysNotKeptError.Lost? { found.lost }

  var keyDescriptions: [String] { (try? found.keyring.get())?.keyDescriptions ?? [] }
  var wrappingKey: WrappingKeyName? { (try? found.keyring.get())?.wrappingKey }
  var canUnwrap: Bool { false }

  func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey {
    let key = try found.holds() ? found : keys.key(for: encrypted, context: context)
    if let lost = key.lost {
      // The error names the other keys of the message too.
      _ = try keys.keyrings(of: header)
      throw KeysNotKeptError(lost: [lost], kept: [])
    }
    return try key.keyring.get().wrap(request)
  }

  /// Always returns nil: the keyring only wraps.
  func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) -> DataKey? { nil }
}

extension KeptKey {
  fileprivate var lost: KeysNotKeptError.Lost? {
    keyring.obstacle.map { KeysNotKeptError.Lost(name: name, obstacle: $0) }
  }
}

extension Result where Failure == KeptKeyObstacle {
  fileprivate var obstacle: KeptKeyObstacle? {
    if case .failure(let obstacle) = self { return obstacle }
    return nil
  }
}

extension VersionedKeyName {
  /// Nil if `name` is not the name of a key of a keystore.
  fileprivate init?(exportedAs name: WrappingKeyName) {
    guard name.providerID.utf8.elementsEqual(VersionedKeyName.providerID.utf8) else { return nil }
    self.init(parsing: Array(name.keyName.utf8))
  }

  /// Returns the version if `name` names the same key, else 0.
  fileprivate func age(of name: WrappingKeyName?) -> Int64 {
    guard let other = name.flatMap(Self.init(exportedAs:)), other.keyID == keyID else { return 0 }
    return other.version
  }
}
