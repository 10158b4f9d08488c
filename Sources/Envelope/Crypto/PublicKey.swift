/// A public key of either algorithm that data keys are wrapped with.
enum PublicKey: Sendable {
  case rsa(RSAPublicKey)
  case ec(ECPublicKey)

  /// Reads "BEGIN PUBLIC KEY" PEM text.
  init(pem: [UInt8]) throws(CryptoError) {
    let key = try PKey.publicKey(pem: pem)
    switch try key.wrappingAlgorithm() {
    case .rsa: self = .rsa(try RSAPublicKey(key))
    case .ec: self = .ec(try ECPublicKey(key))
    }
  }
}

/// A private key of either algorithm that data keys are unwrapped with.
enum PrivateKey: ~Copyable, Sendable {
  case rsa(RSAPrivateKey)
  case ec(ECPrivateKey)

  /// Reads PEM text, PKCS#8 or the algorithm's own, not encrypted.
  init(pem: borrowing SecretBytes) throws(CryptoError) {
    let key = try PKey.privateKey(pem: pem)
    switch try key.wrappingAlgorithm() {
    case .rsa: self = .rsa(try RSAPrivateKey(key))
    case .ec: self = .ec(try ECPrivateKey(key))
    }
  }
}

extension PKey {
  fileprivate enum WrappingAlgorithm { case rsa, ec }

  fileprivate func wrappingAlgorithm() throws(CryptoError) -> WrappingAlgorithm {
    if isA("RSA") { return .rsa }
    if isA("EC") { return .ec }
    throw .invalidKey(
      "a key for \(algorithm), neither RSA nor elliptic-curve (P-256, P-384, P-521)")
  }
}
