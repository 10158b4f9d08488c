import Envelope
import KMSAPI
import KMSKeystore

extension KeyService {
  /// Returns the key that wrapped `encrypted`, with a keyring that wraps under its current version
  /// if this caller may use it. It holds until the keystore is written to, or until a date that
  /// changes what the key may do. The obstacle is `notAtHand` if the keystore does not have the key.
  func keptKey(for encrypted: EncryptedDataKey, context: [UInt8]) throws -> KeptKey {
    let start = host.clock().milliseconds
    // This moment is the earliest: every key is looked up after it.
    let found = try findVersions(wrapping: encrypted, among: nil)
    let versions = found.versions
    let moment = found.moment
    // Time alone never ends a refusal, unless the clock goes back.
    let refusalHolds = holding(moment, from: start, until: .max)
    var lost: KeptKey?
    for found in versions {
      let call = beginWrapping()
      call.note(messageContext: context)
      do {
        let key = try call.messageKey(named: found.keyID)
        guard let keyring = try Self.keyring(key.key, keeping: encrypted, under: found, context)
        else { continue }
        let use = try KeyUse(of: key, call)
        // If several keys have the name, take one that the policy lets the caller use.
        if versions.count > 1 { try use.authorize(context: context) }
        return KeptKey(
          name: keyring.wrappingKey ?? encrypted.wrappingKey,
          isForEveryMessage: versions.count == 1,
          keyring: .success(RecordedKeyring(keyring, use: use)),
          holds: holding(moment, from: start, until: key.key.wrappingEnd(from: call.now)))
      } catch let error as KeyServiceError {
        try call.finish(error)
        lost =
          try lost
          ?? KeptKey(
            name: currentName(of: found, for: encrypted), isForEveryMessage: versions.count == 1,
            keyring: .failure(.refused(error)), holds: refusalHolds)
      } catch let obstacle as KeptKeyObstacle {
        lost =
          lost
          ?? KeptKey(
            name: encrypted.wrappingKey, isForEveryMessage: versions.count == 1,
            keyring: .failure(obstacle), holds: refusalHolds)
      }
    }
    return lost
      ?? KeptKey(
        name: encrypted.wrappingKey, isForEveryMessage: versions.isEmpty,
        keyring: .failure(.notAtHand), holds: refusalHolds)
  }

  /// Returns a check that nothing was written to the keystore since `moment`, and that the time is
  /// in the given range. The check throws `KeystoreError.replaced`.
  private func holding(
    _ moment: KeystoreMoment, from start: Int64, until end: Int64
  ) -> @Sendable () throws -> Bool {
    let clock = host.clock
    return {
      try moment.requireInPlace()
      let now = clock().milliseconds
      return try start <= now && now < end && moment.isNow()
    }
  }

  /// Returns a keyring that wraps under the name that the key has in the message, so that others
  /// who have the key under that name can open the new message too. If the version is not the
  /// current one any more, the keyring wraps under the current version, which has only the
  /// keystore's name. Nil if the message means another key of the same name.
  private static func keyring(
    _ key: UsableKey, keeping encrypted: EncryptedDataKey, under found: FoundVersion,
    _ context: [UInt8]
  ) throws -> (any Keyring)? {
    let own = try wrappingKeyring(key)
    let name = encrypted.wrappingKey
    guard own.wrappingKey != name, !encrypted.isOfKeystore,
      key.version.version == found.version
    else { return own }
    guard !RawECDHKeyInformation.isWritten(by: name.providerID) else {
      // This name belongs to the AWS KMS ECDH keyring, which cannot wrap here.
      throw KeptKeyObstacle.onlyForReading
    }
    switch key.record.spec.material {
    case .aes256:
      let keyring = RawAESKeyring(
        providerID: name.providerID, keyName: name.keyName,
        wrappingKey: try WrappingKey(bytes: try key.material()))
      return try keyring.unwrap(encrypted, context: context) == nil ? nil : keyring
    default:
      let padding = key.version.padding(for: name.providerID)
      guard padding != .pkcs1 else { throw KeptKeyObstacle.onlyForReading }
      return RawRSAKeyring(
        providerID: name.providerID, keyName: name.keyName, padding: padding,
        publicKey: try RSAPublicKey(subjectPublicKeyInfo: try key.subjectPublicKeyInfo()))
    }
  }

  /// Returns the name of the key in a message that stays under it, even if the key cannot be used.
  private func currentName(
    of found: FoundVersion, for encrypted: EncryptedDataKey
  ) throws -> WrappingKeyName {
    let current = try keystore.view { try $0.masterKey(found.keyID)?.currentVersion }
    guard let current, current != found.version else { return encrypted.wrappingKey }
    return WrappingKeyName(
      providerID: VersionedKeyName.providerID,
      keyName: VersionedKeyName(keyID: found.keyID, version: current).text)
  }
}

extension EncryptedDataKey {
  /// True if the key has the name that a keystore gives to it.
  fileprivate var isOfKeystore: Bool {
    providerID.utf8.elementsEqual(VersionedKeyName.providerID.utf8)
  }
}
