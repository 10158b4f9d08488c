/// A JSON file of wrapping keys, in the format of the AWS Encryption SDK's test-vector key manifest
/// (`framework/test-vectors/keys-manifest.md`), with the provider ID in each entry.
public struct KeyringFile: Equatable, Sendable {
  /// One key.
  package struct Entry: Equatable, Sendable {
    package enum Algorithm: String, Codable, Sendable { case aes, rsa, ecdh }
    package enum KeyType: String, Codable, Sendable { case symmetric, `private`, `public` }
    package enum Encoding: String, Codable, Sendable { case base64, pem }
    package enum PaddingAlgorithm: String, Codable, Sendable {
      case pkcs1
      case oaepMGF1 = "oaep-mgf1"
    }
    package enum PaddingHash: String, Codable, Sendable { case sha1, sha256, sha384, sha512 }

    package var providerID: String
    package var keyID: String
    package var algorithm: Algorithm
    package var type: KeyType
    package var bits: Int?
    package var encoding: Encoding
    package var material: SecretText
    package var paddingAlgorithm: PaddingAlgorithm?
    package var paddingHash: PaddingHash?

    package init(
      providerID: String, keyID: String, algorithm: Algorithm, type: KeyType, bits: Int? = nil,
      encoding: Encoding, material: SecretText, paddingAlgorithm: PaddingAlgorithm? = nil,
      paddingHash: PaddingHash? = nil
    ) {
      self.providerID = providerID
      self.keyID = keyID
      self.algorithm = algorithm
      self.type = type
      self.bits = bits
      self.encoding = encoding
      self.material = material
      self.paddingAlgorithm = paddingAlgorithm
      self.paddingHash = paddingHash
    }
  }

  package var keys: [Entry]
  /// The names that a keystore has for some of its keys, with their key IDs. A keystore that gets
  /// the keys takes them over. Messages do not contain them.
  package var aliases: [String: String]

  package init(keys: [Entry], aliases: [String: String] = [:]) {
    self.keys = keys
    self.aliases = aliases
  }

  /// The maximum size of a keyring file in bytes.
  public static let sizeLimit = 32 << 20

  /// Reads JSON, or private and public keys in PEM. PEM keys get the provider ID and the key ID of
  /// bare keys. Throws `KeyringError.malformedFile`, also for an encrypted private key, and
  /// `CryptoError` if libcrypto fails.
  public init(parsing bytes: consuming SecretBytes) throws {
    if Self.isPEM(bytes) {
      do {
        self.init(keys: try Self.bareEntries(pem: bytes))
        return
      } catch CryptoError.invalidKey(let reason) {
        throw KeyringError.malformedFile(reason)
      }
    }
    self = try KeyringFileReader.file(bytes)
    guard !keys.isEmpty else { throw KeyringError.malformedFile("there are no keys in it") }
  }

  /// True if the file contains a symmetric or private key.
  public var holdsSecrets: Bool { keys.contains { $0.type != .public } }

  /// JSON may contain PEM text too, but it begins with a brace.
  private static func isPEM(_ bytes: borrowing SecretBytes) -> Bool {
    bytes.withBytes { bytes in
      bytes.withUnsafeBytes { bytes in
        let marker = Array("-----BEGIN ".utf8)
        let first = bytes.first { $0 > 0x20 }
        return first != UInt8(ascii: "{")
          && bytes.indices.contains { bytes[$0...].starts(with: marker) }
      }
    }
  }

  /// Returns one keyring for each key, in the order of the file. If an entry states its number of
  /// bits, its key must have that many. Throws `KeyringError.malformedFile`, and `CryptoError` if
  /// libcrypto fails.
  public func keyrings() throws -> [any Keyring] {
    try keys.map { entry in
      do {
        return try entry.keyring()
      } catch CryptoError.invalidKey(let reason) {
        throw KeyringError.malformedFile("key '\(entry.keyID)': \(reason)")
      } catch CryptoError.privateKey(let reason) {
        throw KeyringError.malformedFile("key '\(entry.keyID)': \(reason)")
      }
    }
  }

  /// Returns each key once; for a key pair, its private key.
  private static func bareEntries(pem: borrowing SecretBytes) throws -> [Entry] {
    var entries: [Entry] = []
    for key in try PEM.keys(in: pem) {
      let entry =
        switch key {
        case .privateKey(let key): try bareEntry(try PrivateKey(key))
        case .publicKey(let key): try bareEntry(try PublicKey(checking: key))
        }
      if let index = entries.firstIndex(where: { $0.keyID == entry.keyID }) {
        if entry.type == .private { entries[index] = entry }
      } else {
        entries.append(entry)
      }
    }
    return entries
  }

  private static func bareEntry(_ key: consuming PrivateKey) throws -> Entry {
    switch consume key {
    case .rsa(let key):
      try bareEntry(.rsa(try key.publicKey()), .private, SecretText(try key.pem()))
    case .ec(let key):
      try bareEntry(.ec(try key.publicKey()), .private, SecretText(try key.pem()))
    }
  }

  private static func bareEntry(_ key: PublicKey) throws -> Entry {
    switch key {
    case .rsa(let rsa): try bareEntry(key, .public, SecretText(try rsa.pem()))
    case .ec(let ec): try bareEntry(key, .public, SecretText(try ec.pem()))
    }
  }

  private static func bareEntry(
    _ key: PublicKey, _ type: Entry.KeyType, _ material: SecretText
  ) throws -> Entry {
    switch key {
    case .rsa(let rsa):
      Entry(
        providerID: RawRSAKeyring.bareProviderID, keyID: try key.fingerprint(), algorithm: .rsa,
        type: type, bits: rsa.bits, encoding: .pem, material: material,
        paddingAlgorithm: .oaepMGF1, paddingHash: .sha256)
    case .ec(let ec):
      Entry(
        providerID: RawECDHKeyring.providerID, keyID: try key.fingerprint(), algorithm: .ecdh,
        type: type, bits: ec.curve.bits, encoding: .pem, material: material)
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
      let key = try RSAPrivateKey(pem: material.bytes)
      try check(bits: key.bits)
      return try RawRSAKeyring(
        providerID: providerID, keyName: keyID, padding: try requiredPadding(), privateKey: key)
    case (.rsa, .public, .pem):
      let key = try RSAPublicKey(pem: publicPEM())
      try check(bits: key.bits)
      return RawRSAKeyring(
        providerID: providerID, keyName: keyID, padding: try requiredPadding(), publicKey: key)
    case (.ecdh, .private, .pem):
      let key = try ECPrivateKey(pem: material.bytes)
      try check(key.publicKey())
      return try RawECDHKeyring(privateKey: key)
    case (.ecdh, .public, .pem):
      let key = try ECPublicKey(pem: publicPEM())
      try check(key)
      return try RawECDHKeyring(recipient: key)
    default:
      throw CryptoError.invalidKey(
        "'\(algorithm.rawValue)' with '\(type.rawValue)' and '\(encoding.rawValue)' is not a key"
      )
    }
  }

  /// Returns the decoded bytes of a base64 material.
  package func secretMaterial() throws(CryptoError) -> SecretBytes {
    guard let bytes = Base64.decodeSecret(material.bytes) else {
      throw .invalidKey("material is not base64")
    }
    return bytes
  }

  /// Returns the material of a public key, which is not secret.
  private func publicPEM() -> [UInt8] {
    material.bytes.withBytes { bytes in bytes.withUnsafeBytes { Array($0) } }
  }

  private func requiredPadding() throws(CryptoError) -> RSAPadding {
    guard let padding else {
      throw .invalidKey("an RSA key needs 'padding-algorithm', and 'padding-hash' for oaep-mgf1")
    }
    return padding
  }

  /// Messages name an ECDH key by its fingerprint, so an entry with another name is wrong.
  private func check(_ key: ECPublicKey) throws(CryptoError) {
    try check(bits: key.curve.bits)
    // An exported key has the keystore's name for the key instead.
    if providerID == VersionedKeyName.providerID,
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
