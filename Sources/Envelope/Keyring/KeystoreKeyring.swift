/// Wraps data keys under master keys of a keystore.
///
/// In the message, a symmetric key is a raw AES key and an RSA key a raw RSA key with OAEP over
/// SHA-256, both of the provider `envcrypt`: any SDK opens the message with the exported key.
public final class KeystoreKeyring: Keyring {
  static let providerID = "envcrypt"

  private let service: KeyService
  /// What the user named; nil stands for every key of the keystore.
  private let names: [String]?

  /// A keyring that wraps under the key `name`, and unwraps under it alone.
  public init(_ service: KeyService, key name: String) {
    self.service = service
    names = [name]
  }

  /// A keyring that unwraps under the keys `names`, or under any the keystore holds.
  public init(_ service: KeyService, unwrappingUnder names: [String]?) {
    self.service = service
    self.names = names
  }

  public var keyDescriptions: [String] {
    names ?? ["every key of \(service.keystore.path.string)"]
  }

  public func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey {
    guard let names, names.count == 1 else {
      preconditionFailure("a keyring wraps under the one key it was made for")
    }
    let key = try service.usableKey(named: names[0])
    let keyName = VersionedKeyName(keyID: key.record.id, version: key.version.version).text
    if let publicKey = key.version.publicKey {
      return try RawRSAKeyring(
        providerID: Self.providerID, keyName: keyName, padding: .oaep(.sha256),
        publicKey: try RSAPublicKey(subjectPublicKeyInfo: Array(publicKey))
      ).wrap(request)
    }
    return try RawAESKeyring(
      providerID: Self.providerID, keyName: keyName,
      wrappingKey: try WrappingKey(bytes: try service.unlock().unwrap(key.version))
    ).wrap(request)
  }

  public func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey? {
    guard let found = try service.findVersion(wrapping: encrypted, among: names) else {
      return nil
    }
    let key = try service.usableVersion(found)
    let material = try service.unlock().unwrap(key.version)
    let keyring: any Keyring
    if key.record.spec.rsaBits == nil {
      keyring = RawAESKeyring(
        providerID: encrypted.providerID, keyName: encrypted.keyName,
        wrappingKey: try WrappingKey(bytes: material))
    } else {
      let name = String(decoding: encrypted.providerInformation, as: UTF8.self)
      keyring = try RawRSAKeyring(
        providerID: encrypted.providerID, keyName: name,
        padding: key.version.padding(for: encrypted.providerID),
        privateKey: try RSAPrivateKey(pkcs8: material))
    }
    return try keyring.unwrap(encrypted, context: context)
  }
}

extension KeyVersionRecord {
  /// The padding under which messages of `providerID` carry data keys for this version.
  fileprivate func padding(for providerID: String) -> RSAPadding {
    guard providerID == foreignProviderID, let foreignPadding else { return .oaep(.sha256) }
    let parts = foreignPadding.split(separator: "/")
    if parts.first == "pkcs1" { return .pkcs1 }
    return .oaep(parts.last.flatMap { Digest(rawValue: String($0)) } ?? .sha256)
  }
}
