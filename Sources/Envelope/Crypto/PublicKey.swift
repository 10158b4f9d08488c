/// A public key, RSA or elliptic-curve, for wrapping data keys.
enum PublicKey: Sendable {
  case rsa(RSAPublicKey)
  case ec(ECPublicKey)

  /// All keys of a PEM file, without duplicates.
  static func all(inPEM text: [UInt8]) throws(CryptoError) -> [PublicKey] {
    var fingerprints: Set<String> = []
    var keys: [PublicKey] = []
    let found = try PEM.publicKeys(in: text)
    for (index, pkey) in found.enumerated() {
      let key: PublicKey
      do {
        key = try PublicKey(checking: pkey)
      } catch .invalidKey(let reason) where found.count > 1 {
        throw .invalidKey("key \(index + 1) of \(found.count): \(reason)")
      }
      if fingerprints.insert(try key.fingerprint()).inserted { keys.append(key) }
    }
    return keys
  }

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
    throw .invalidKey(
      "a key for \(algorithm), neither RSA nor elliptic-curve (P-256, P-384, P-521)")
  }
}
