/// A key in a file that may contain several.
enum PEMKey {
  case publicKey(PKey)
  case privateKey(PKey)
}

extension PEM {
  static let publicLabels = ["PUBLIC KEY", "RSA PUBLIC KEY"]
  /// The labels of PKCS #8 and of the older forms.
  private static let privateLabels = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"]
  /// OpenSSL writes such a block before an elliptic-curve key, which contains the same parameters.
  static let parameters = "EC PARAMETERS"
  static let certificateLabels = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"]

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

  /// The key in a block of one of `publicLabels`. Throws `privateKey` for a private key, and
  /// `invalidKey` for a block of any other kind.
  static func publicKey(_ block: Block) throws(CryptoError) -> PKey {
    if block.label.hasSuffix("PRIVATE KEY") {
      throw .privateKey("\(block.name) is a private key, not a PEM public key (BEGIN PUBLIC KEY)")
    }
    guard publicLabels.contains(block.label) else {
      throw .invalidKey("\(block.name) is not a PEM public key (BEGIN PUBLIC KEY)")
    }
    let der = try block.publicDER()
    return try about(block) { () throws(CryptoError) in
      block.label == "PUBLIC KEY"
        ? try PKey.publicKey(subjectPublicKeyInfo: der) : try PKey.rsaPublicKey(pkcs1: der)
    }
  }

  private static func privateKey(_ block: Block) throws(CryptoError) -> PKey {
    guard privateLabels.contains(block.label), !block.isEncrypted else {
      let advice =
        block.label == "OPENSSH PRIVATE KEY"
        ? "; 'ssh-keygen -p -m PKCS8 -f COPY' turns a copy of an RSA or ECDSA key into one" : ""
      throw .invalidKey("\(block.name) is not an unencrypted PEM private key\(advice)")
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
    let text = SecretBytes(copying: pem.span.bytes)
    let blocks = try PEM.blocks(of: text, allowsTextAfter: false)
      .filter { $0.label != PEM.parameters }
    guard blocks.count <= 1 else {
      throw .invalidKey("expected one public key, not \(blocks.count)")
    }
    guard let block = blocks.first else {
      throw .invalidKey("not a PEM public key (BEGIN PUBLIC KEY)")
    }
    return try PEM.publicKey(block)
  }

  /// Reads the only private key in PEM text, in PKCS #8 or in the format of its algorithm, not
  /// encrypted.
  static func privateKey(pem: borrowing SecretBytes) throws(CryptoError) -> PKey {
    try PEM.onlyPrivateKey(in: pem)
  }
}
