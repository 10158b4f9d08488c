import COpenSSL

/// A key of a file that holds several.
enum PEMKey {
  case publicKey(PKey)
  case privateKey(PKey)
}

extension PEM {
  private static let publicLabels = ["PUBLIC KEY", "RSA PUBLIC KEY"]
  /// PKCS #8, and the forms from before it.
  private static let privateLabels = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"]
  /// OpenSSL writes it before a key that says the same.
  private static let parameters = "EC PARAMETERS"
  private static let certificateLabels = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"]

  /// All keys of a file of public keys. Throws `privateKey` for a private one, and `invalidKey` for
  /// everything else that is not a public key: somebody it was put there for could open nothing.
  static func publicKeys(in text: [UInt8]) throws(CryptoError) -> [PKey] {
    let text = SecretBytes(copying: text.span.bytes)
    var keys: [PKey] = []
    for block in try blocks(of: text, allowsTextAfter: false) where block.label != parameters {
      keys.append(try publicKey(block))
    }
    guard !keys.isEmpty else { throw .invalidKey("not a PEM public key (BEGIN PUBLIC KEY)") }
    return keys
  }

  /// All keys of a file of private keys, and public ones beside them. Certificates are passed over:
  /// they open nothing, and often stand beside a key. Throws `invalidKey` for everything else.
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

  /// The key that stands alone in a text.
  fileprivate static func onlyPrivateKey(
    in text: borrowing SecretBytes
  ) throws(CryptoError) -> PKey {
    let blocks = try blocks(of: text, allowsTextAfter: true).filter { $0.label != parameters }
    guard let block = blocks.first else { throw .invalidKey("not an unencrypted PEM private key") }
    guard blocks.count == 1 else {
      throw .invalidKey("\(blocks.count) PEM blocks, where one is wanted")
    }
    return try privateKey(block)
  }

  /// Has an error say which block it is about.
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
  /// Reads the one public key in PEM text.
  static func publicKey(pem: [UInt8]) throws(CryptoError) -> PKey {
    let keys = try PEM.publicKeys(in: pem)
    guard keys.count == 1 else {
      throw .invalidKey("\(keys.count) public keys, where one is wanted")
    }
    return keys[0]
  }

  /// Reads the one private key in PEM text, PKCS #8 or the algorithm's own, not encrypted.
  static func privateKey(pem: borrowing SecretBytes) throws(CryptoError) -> PKey {
    try PEM.onlyPrivateKey(in: pem)
  }
}
