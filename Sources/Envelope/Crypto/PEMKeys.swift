import COpenSSL

/// A key in a file that may contain several.
enum PEMKey {
  case publicKey(PKey)
  case privateKey(PKey)
}

extension PEM {
  private static let publicLabels = ["PUBLIC KEY", "RSA PUBLIC KEY"]
  /// The labels of PKCS #8 and of the older forms.
  private static let privateLabels = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"]
  /// OpenSSL writes such a block before an elliptic-curve key, which contains the same parameters.
  private static let parameters = "EC PARAMETERS"
  private static let certificateLabels = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"]

  /// All keys of a file of public keys. Throws `privateKey` for a private key, and `invalidKey` for
  /// every other block that is not a public key. Ignoring a block would lock out the recipient that
  /// it was added for.
  static func publicKeys(in text: [UInt8]) throws(CryptoError) -> [PKey] {
    let text = SecretBytes(copying: text.span.bytes)
    var keys: [PKey] = []
    for block in try blocks(of: text, allowsTextAfter: false) where block.label != parameters {
      keys.append(try publicKey(block))
    }
    guard !keys.isEmpty else { throw .invalidKey("not a PEM public key (BEGIN PUBLIC KEY)") }
    return keys
  }

  /// All keys of a file of private keys, including public keys. Ignores certificates, which often
  /// come with a key and open nothing. Throws `invalidKey` for every other block.
  static func keys(in text: borrowing SecretBytes) throws(CryptoError) -> [PEMKey] {
    var keys: [PEMKey] = []
    let passedOver = certificateLabels + [parameters]
    for block in try blocks(of: text, allowsTextAfter: true)
    where !passedOver.contains(block.label) {
      if publicLabels.contains(block.label) {
        keys.append(.publicKey(try publicKey(block)))
      } else {
        keys.append(.privateKey(try privateKey(block)))
      }
    }
    guard !keys.isEmpty else { throw .invalidKey("not an unencrypted PEM private key") }
    return keys
  }

  private static func publicKey(_ block: Block) throws(CryptoError) -> PKey {
    if block.label.hasSuffix("PRIVATE KEY") {
      throw .privateKey("\(block.name) is a private key, not a PEM public key (BEGIN PUBLIC KEY)")
    }
    guard publicLabels.contains(block.label) else {
      let advice =
        certificateLabels.contains(block.label)
        ? "; 'openssl x509 -noout -pubkey' writes the public key of a certificate" : ""
      throw .invalidKey("\(block.name) is not a PEM public key (BEGIN PUBLIC KEY)\(advice)")
    }
    let der = try block.der().withBytes { bytes in bytes.withUnsafeBytes { Array($0) } }
    return try about(block) { () throws(CryptoError) in
      block.label == "PUBLIC KEY"
        ? try PKey.publicKey(subjectPublicKeyInfo: der) : try PKey.rsaPublicKey(pkcs1: der)
    }
  }

  private static func privateKey(_ block: Block) throws(CryptoError) -> PKey {
    guard privateLabels.contains(block.label), !block.isEncrypted else {
      throw .invalidKey("\(block.name) is not an unencrypted PEM private key")
    }
    let der = try block.der()
    return try about(block) { () throws(CryptoError) in try PKey.privateKey(der: der) }
  }

  /// The private key in a text with no other block. Ignores EC parameters.
  fileprivate static func onlyPrivateKey(
    in text: borrowing SecretBytes
  ) throws(CryptoError) -> PKey {
    let blocks = try blocks(of: text, allowsTextAfter: true).filter { $0.label != parameters }
    guard let block = blocks.first else { throw .invalidKey("not an unencrypted PEM private key") }
    guard blocks.count == 1 else {
      throw .invalidKey("expected one PEM block, not \(blocks.count)")
    }
    return try privateKey(block)
  }

  /// Adds the name of the block to an error of `body`.
  private static func about(
    _ block: Block, _ body: () throws(CryptoError) -> PKey
  ) throws(CryptoError) -> PKey {
    do {
      return try body()
    } catch .invalidKey(let reason) {
      throw .invalidKey("\(block.name): \(reason)")
    }
  }
}

extension PKey {
  /// Reads the only public key in PEM text.
  static func publicKey(pem: [UInt8]) throws(CryptoError) -> PKey {
    let keys = try PEM.publicKeys(in: pem)
    guard keys.count == 1 else {
      throw .invalidKey("expected one public key, not \(keys.count)")
    }
    return keys[0]
  }

  /// Reads the only private key in PEM text, in PKCS #8 or in the format of its algorithm, not
  /// encrypted.
  static func privateKey(pem: borrowing SecretBytes) throws(CryptoError) -> PKey {
    try PEM.onlyPrivateKey(in: pem)
  }
}
