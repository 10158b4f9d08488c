/// A public key, RSA or elliptic-curve, for wrapping data keys.
enum PublicKey: Sendable {
  case rsa(RSAPublicKey)
  case ec(ECPublicKey)

  /// Checks a key from outside. Throws `invalidKey` if its numbers are not a public key of its
  /// algorithm, or if the algorithm is neither RSA nor elliptic-curve.
  init(checking key: PKey) throws(CryptoError) {
    switch try key.wrappingKeyType() {
    case .rsa: self = .rsa(try RSAPublicKey(checking: key))
    case .ec: self = .ec(try ECPublicKey(checking: key))
    }
  }

  /// Lower-case hexadecimal SHA-256 of the DER SubjectPublicKeyInfo.
  func fingerprint() throws(CryptoError) -> String {
    switch self {
    case .rsa(let key): try key.fingerprint()
    case .ec(let key): try key.fingerprint()
    }
  }
}

/// A private key, RSA or elliptic-curve, for unwrapping data keys.
enum PrivateKey: ~Copyable, Sendable {
  case rsa(RSAPrivateKey)
  case ec(ECPrivateKey)

  init(_ key: PKey) throws(CryptoError) {
    switch try key.wrappingKeyType() {
    case .rsa: self = .rsa(try RSAPrivateKey(key))
    case .ec: self = .ec(try ECPrivateKey(key))
    }
  }
}

extension PKey {
  fileprivate enum WrappingKeyType { case rsa, ec }

  fileprivate func wrappingKeyType() throws(CryptoError) -> WrappingKeyType {
    if isA("RSA") { return .rsa }
    if isA("EC") { return .ec }
    if isA("RSA-PSS") { throw .invalidKey("an RSA key for RSA-PSS signatures only") }
    throw .invalidKey(
      "a key for \(algorithm), neither RSA nor elliptic-curve (P-256, P-384, P-521)")
  }
}
