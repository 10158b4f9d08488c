import Foundation

/// A JSON file of wrapping keys in the shape of the AWS Encryption SDK's test-vector key manifest
/// (`framework/test-vectors/keys-manifest.md`), with the provider ID in each entry.
///
/// JSON text is held by Foundation, which does not wipe it: a keyring file is a key in the clear,
/// in memory as on the disk.
public struct KeyringFile: Codable, Equatable, Sendable {
  /// One key.
  public struct Entry: Codable, Equatable, Sendable {
    public enum Algorithm: String, Codable, Sendable { case aes, rsa, ecdh }
    public enum KeyType: String, Codable, Sendable { case symmetric, `private`, `public` }
    public enum Encoding: String, Codable, Sendable { case base64, pem }
    public enum PaddingAlgorithm: String, Codable, Sendable {
      case pkcs1
      case oaepMGF1 = "oaep-mgf1"
    }
    public enum PaddingHash: String, Codable, Sendable { case sha1, sha256, sha384, sha512 }

    public var providerID: String
    public var keyID: String
    public var algorithm: Algorithm
    public var type: KeyType
    public var bits: Int?
    public var encoding: Encoding
    public var material: String
    public var paddingAlgorithm: PaddingAlgorithm?
    public var paddingHash: PaddingHash?

    enum CodingKeys: String, CodingKey {
      case providerID = "provider-id"
      case keyID = "key-id"
      case algorithm, type, bits, encoding, material
      case paddingAlgorithm = "padding-algorithm"
      case paddingHash = "padding-hash"
    }
  }

  public var keys: [Entry]

  init(keys: [Entry]) { self.keys = keys }

  /// The most bytes a keyring file may have.
  public static let sizeLimit = 4 << 20

  /// Reads JSON, or a PEM private key, which stands for the bare key that it is.
  /// Throws `KeyringError.malformedFile`.
  public init(parsing bytes: [UInt8]) throws {
    // JSON may hold PEM text too, but not before its first brace.
    let start = String(decoding: bytes.prefix(4096), as: UTF8.self)
    if start.prefix(while: { $0 != "{" }).contains("-----BEGIN ") {
      do {
        self.init(keys: [try Self.bareEntry(pem: bytes)])
        return
      } catch CryptoError.invalidKey(let reason) {
        throw KeyringError.malformedFile(reason)
      }
    }
    do {
      self = try JSONDecoder().decode(KeyringFile.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw KeyringError.malformedFile(Self.explain(error))
    }
    guard !keys.isEmpty else { throw KeyringError.malformedFile("there are no keys in it") }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    // The manifest of the SDKs names its keys; ours lists them.
    if let named = try? container.decode([String: Entry].self, forKey: .keys) {
      keys = named.sorted { $0.key < $1.key }.map(\.value)
    } else {
      keys = try container.decode([Entry].self, forKey: .keys)
    }
  }

  enum CodingKeys: String, CodingKey { case keys }

  /// The JSON text.
  public func serialized() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }

  /// One keyring for each key. A key that says its own number of bits must have them.
  public func keyrings() throws -> [any Keyring] {
    try keys.map { entry in
      do {
        return try entry.keyring()
      } catch CryptoError.invalidKey(let reason) {
        throw KeyringError.malformedFile("key '\(entry.keyID)': \(reason)")
      }
    }
  }

  private static func bareEntry(pem: [UInt8]) throws -> Entry {
    switch try PrivateKey(pem: pem) {
    case .rsa(let key):
      Entry(
        providerID: RawRSAKeyring.bareProviderID, keyID: try key.publicKey().fingerprint(),
        algorithm: .rsa, type: .private, bits: key.bits, encoding: .pem,
        material: text(try key.pem()), paddingAlgorithm: .oaepMGF1, paddingHash: .sha256)
    case .ec(let key):
      Entry(
        providerID: RawECDHKeyring.providerID, keyID: try key.publicKey().fingerprint(),
        algorithm: .ecdh, type: .private, bits: key.curve.bits, encoding: .pem,
        material: text(try key.pem()))
    }
  }

  private static func text(_ secret: borrowing SecretBytes) -> String {
    secret.withBytes { bytes in
      bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
  }

  private static func explain(_ error: DecodingError) -> String {
    func place(_ path: [any CodingKey]) -> String {
      path.isEmpty ? "the file" : path.map(\.stringValue).joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "\(place(context.codingPath)) has no '\(key.stringValue)'"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "\(place(context.codingPath)) is of the wrong type"
    case .dataCorrupted(let context) where context.codingPath.isEmpty:
      return "it is neither JSON nor a PEM private key"
    case .dataCorrupted(let context):
      return "\(place(context.codingPath)) has a value that is not known"
    @unknown default:
      return "it cannot be decoded"
    }
  }
}

extension KeyringFile.Entry {
  /// The padding that the entry names.
  var padding: RSAPadding? {
    switch (paddingAlgorithm, paddingHash) {
    case (.pkcs1?, _): .pkcs1
    case (.oaepMGF1?, .sha1?): .oaep(.sha1)
    case (.oaepMGF1?, .sha256?): .oaep(.sha256)
    case (.oaepMGF1?, .sha384?): .oaep(.sha384)
    case (.oaepMGF1?, .sha512?): .oaep(.sha512)
    default: nil
    }
  }

  fileprivate func keyring() throws -> any Keyring {
    // Specification, `framework/keyring-interface.md`, "key provider ID".
    guard !providerID.utf8.starts(with: "aws-kms".utf8) else {
      throw CryptoError.invalidKey("'provider-id' \(providerID) is for keys in AWS KMS")
    }
    switch (algorithm, type, encoding) {
    case (.aes, .symmetric, .base64):
      let key = try WrappingKey(bytes: try secretMaterial())
      try check(bits: key.bytes.count * 8)
      return RawAESKeyring(providerID: providerID, keyName: keyID, wrappingKey: key)
    case (.rsa, .private, .pem):
      let key = try RSAPrivateKey(pem: Array(material.utf8))
      try check(bits: key.bits)
      return try RawRSAKeyring(
        providerID: providerID, keyName: keyID, padding: try requiredPadding(), privateKey: key)
    case (.rsa, .public, .pem):
      let key = try RSAPublicKey(pem: Array(material.utf8))
      try check(bits: key.bits)
      return RawRSAKeyring(
        providerID: providerID, keyName: keyID, padding: try requiredPadding(), publicKey: key)
    case (.ecdh, .private, .pem):
      let key = try ECPrivateKey(pem: Array(material.utf8))
      try check(key.publicKey())
      return try RawECDHKeyring(privateKey: key)
    case (.ecdh, .public, .pem):
      let key = try ECPublicKey(pem: Array(material.utf8))
      try check(key)
      return try RawECDHKeyring(recipient: key)
    default:
      throw CryptoError.invalidKey(
        "'\(algorithm.rawValue)' with '\(type.rawValue)' and '\(encoding.rawValue)' is no key")
    }
  }

  /// The bytes of a base64 material.
  func secretMaterial() throws(CryptoError) -> SecretBytes {
    let text = SecretBytes(copying: Array(material.utf8).span.bytes)
    guard let bytes = Base64.decodeSecret(text) else { throw .invalidKey("material is not base64") }
    return bytes
  }

  private func requiredPadding() throws(CryptoError) -> RSAPadding {
    guard let padding else {
      throw .invalidKey("an RSA key needs 'padding-algorithm', and 'padding-hash' for oaep-mgf1")
    }
    return padding
  }

  /// Messages name the key itself: an entry that calls it something else is wrong.
  private func check(_ key: ECPublicKey) throws(CryptoError) {
    try check(bits: key.curve.bits)
    // An exported key bears the keystore's name for it too.
    if providerID == KeystoreKeyring.providerID,
      VersionedKeyName(parsing: Array(keyID.utf8)) != nil
    {
      return
    }
    guard providerID.utf8.elementsEqual(RawECDHKeyring.providerID.utf8) else {
      throw .invalidKey("'provider-id' of an ECDH key is '\(RawECDHKeyring.providerID)'")
    }
    let fingerprint = try key.fingerprint()
    guard keyID.utf8.elementsEqual(fingerprint.utf8) else {
      throw .invalidKey("'key-id' of an ECDH key is its fingerprint, here \(fingerprint)")
    }
  }

  private func check(bits found: Int) throws(CryptoError) {
    if let bits, bits != found {
      throw .invalidKey("'bits' says \(bits), the material has \(found)")
    }
  }
}
