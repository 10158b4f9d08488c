import COpenSSL

/// The kinds of key pairs that a keystore generates and imports.
package enum KeyPairKind: Equatable, Sendable, CustomStringConvertible {
  case rsa(bits: Int)
  case ec(Curve)
  case secp256k1
  case ed25519

  package var description: String {
    switch self {
    case .rsa(let bits): "an RSA key of \(bits) bits"
    case .ec(let curve): "a key on \(curve.rawValue)"
    case .secp256k1: "a key on secp256k1"
    case .ed25519: "an Ed25519 key"
    }
  }
}

/// A private key of any kind with its public half, for any use.
package struct KeyPair: ~Copyable, Sendable {
  package let kind: KeyPairKind
  private let key: PKey

  private init(_ key: PKey) throws(CryptoError) {
    let kind = try key.kind()
    if key.isA("EC") { try key.normalizeEncoding() }
    self.kind = kind
    self.key = key
  }

  package static func generate(_ kind: KeyPairKind) throws(CryptoError) -> KeyPair {
    LibCrypto.prepare()
    switch kind {
    case .rsa(let bits):
      return try KeyPair(
        PKey(owning: try LibCrypto.check(envcrypt_generate_rsa(UInt32(bits)), "EVP_RSA_gen")))
    case .ec(let curve): return try KeyPair(.generate(on: curve))
    case .secp256k1:
      return try KeyPair(
        PKey(owning: try LibCrypto.check(envcrypt_generate_ec("secp256k1"), "EVP_EC_gen")))
    case .ed25519:
      return try KeyPair(
        PKey(owning: try LibCrypto.check(envcrypt_generate_ed25519(), "EVP_PKEY_Q_keygen")))
    }
  }

  /// Reads DER PKCS#8 from outside. Throws `invalidKey` also if the public half does not match the
  /// private half, or if the kind is not `wanted`. The DER that the pair returns does not depend on
  /// the encoding that it was read from.
  package init(pkcs8: borrowing SecretBytes, wanted: KeyPairKind? = nil) throws(CryptoError) {
    let key = try PKey.privateKey(pkcs8: pkcs8)
    // Refuse an unsupported key before any arithmetic with it.
    let kind = try key.kind()
    guard wanted == nil || wanted == kind else {
      throw .invalidKey("expected \(wanted!), not \(kind)")
    }
    try key.checkPublicHalf()
    guard try key.hasMatchingHalves() else {
      throw .invalidKey("a private key with the public key of another")
    }
    try self.init(key)
  }

  /// DER; the point of an elliptic-curve key is uncompressed.
  package func subjectPublicKeyInfo() throws(CryptoError) -> [UInt8] {
    try key.subjectPublicKeyInfo()
  }

  /// DER PKCS#8.
  package func pkcs8() throws(CryptoError) -> SecretBytes { try key.pkcs8() }
}

extension PKey {
  fileprivate func kind() throws(CryptoError) -> KeyPairKind {
    if isA("RSA") { return .rsa(bits: bits) }
    if isA("ED25519") { return .ed25519 }
    if isA("EC"), try groupName() == "secp256k1" { return .secp256k1 }
    return .ec(try curve())
  }
}
