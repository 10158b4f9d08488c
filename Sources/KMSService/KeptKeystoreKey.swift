import Envelope
import KMSAPI
import KMSKeystore

extension KeyService {
  /// Returns the key that wrapped `encrypted`, for reencryption under the same key. If the caller
  /// may use the key, the result has a keyring that wraps under its current version. If the
  /// keystore does not have the key, the obstacle is `notAtHand`. The result is valid until the
  /// keystore is written to, or until a date that changes what the key may do.
  func keptKey(for encrypted: EncryptedDataKey, context: [UInt8]) throws -> KeptKey {
    let start = host.clock().milliseconds
    // Every key is looked up after this moment, so a later change of the keystore is noticed.
    let found = try findVersions(wrapping: encrypted, among: nil)
    let versions = found.versions
    let moment = found.moment
    // A refusal is valid until the keystore changes or the clock is set back: it does not end at a
    // date.
    let refusalHolds = holding(moment, from: start, until: .max)
    var failed: KeptKey?
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
        failed =
          try failed
          ?? KeptKey(
            name: currentName(of: found, for: encrypted), isForEveryMessage: versions.count == 1,
            keyring: .failure(.refused(error)), holds: refusalHolds)
      } catch let obstacle as KeptKeyObstacle {
        failed =
          failed
          ?? KeptKey(
            name: encrypted.wrappingKey, isForEveryMessage: versions.count == 1,
            keyring: .failure(obstacle), holds: refusalHolds)
      }
    }
    return failed
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

  /// Returns a keyring that gives the key the same name as in the old message. So others who know
  /// the key by that name can open the new message too. If the version is not the current one any
  /// more, the keyring wraps under the current version, which has only the name that the keystore
  /// gives it. Returns nil if the message means another key of the same name.
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

  /// Returns the name that the key would have in the new message, even if the key cannot be used
  /// now.
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
