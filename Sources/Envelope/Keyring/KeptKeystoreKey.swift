extension KeyService {
  /// The key that wrapped `encrypted`, to wrap under again in its current version, as this caller may. Nil if
  /// the keystore does not have it.
  func keptKey(for encrypted: EncryptedDataKey, context: [UInt8]) throws -> KeptKey? {
    let versions = try findVersions(wrapping: encrypted, among: nil).versions
    var lost: KeptKey?
    for found in versions {
      let call = beginWrapping()
      call.note(messageContext: context)
      do {
        let key = try call.messageKey(named: found.keyID)
        guard let keyring = try Self.keyring(key.key, keeping: encrypted, under: found, context)
        else { continue }
        let use = try KeyUse(of: key, call)
        // Of several keys, one that the policy lets the caller use.
        if versions.count > 1 { try use.authorize(context: context) }
        return KeptKey(
          name: keyring.wrappingKey ?? encrypted.wrappingKey,
          isForEveryMessage: versions.count == 1,
          keyring: .success(RecordedKeyring(keyring, use: use)))
      } catch let error as KeyServiceError {
        try call.finish(error)
        lost =
          try lost
          ?? KeptKey(
            name: currentName(of: found, for: encrypted), isForEveryMessage: versions.count == 1,
            keyring: .failure(.refused(error)))
      } catch let obstacle as KeptKeyObstacle {
        lost =
          lost
          ?? KeptKey(
            name: encrypted.wrappingKey, isForEveryMessage: versions.count == 1,
            keyring: .failure(obstacle))
      }
    }
    return lost
  }

  /// Wraps under the name by which the message has the key, so that others who have it under that name open
  /// the new message too. A version that was rotated away gives way to the current one, which has the
  /// keystore's name alone. Nil if the key is another one of the same name.
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
      // The name of the keyring over AWS KMS, which does not wrap here.
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

  /// The name that the key has in a message which is kept under it, whether the key can be used or not.
  private func currentName(
    of found: FoundVersion, for encrypted: EncryptedDataKey
  ) throws -> WrappingKeyName {
    let current = try keystore.view { try $0.masterKey(found.keyID)?.currentVersion }
    guard let current, current != found.version else { return encrypted.wrappingKey }
    return WrappingKeyName(
      providerID: KeystoreKeyring.providerID,
      keyName: VersionedKeyName(keyID: found.keyID, version: current).text)
  }
}

extension EncryptedDataKey {
  /// True if it has a keystore's own name for its key.
  fileprivate var isOfKeystore: Bool {
    providerID.utf8.elementsEqual(KeystoreKeyring.providerID.utf8)
  }
}
