import COpenSSL

/// The public half of an elliptic-curve key pair for key agreement: a point on its curve other than
/// the point at infinity.
package struct ECPublicKey: Equatable, Sendable {
  package let curve: Curve
  /// The point in compressed form (SEC 1, 2.3.3): 33, 49 or 67 bytes.
  let compressedPoint: [UInt8]
  fileprivate let key: PKey

  init(_ key: PKey) throws(CryptoError) {
    let curve = try key.curve()
    let point = try key.compressedPoint()
    guard point.count == curve.compressedPointLength else {
      throw .invalidKey("the point at infinity, which is not a public key")
    }
    self.curve = curve
    compressedPoint = point
    self.key = key
  }

  /// Checks a key from outside. libcrypto accepts only points on the curve when it reads a key, and
  /// on these curves every point but the one at infinity has the right order, so today the check
  /// finds no further errors.
  init(checking key: PKey) throws(CryptoError) {
    try self.init(key)
    try key.checkPublicHalf()
  }

  /// Reads and checks the only public key in PEM text from outside.
  init(pem: [UInt8]) throws(CryptoError) { try self.init(checking: .publicKey(pem: pem)) }

  /// Reads a DER SubjectPublicKeyInfo.
  package init(subjectPublicKeyInfo: [UInt8]) throws(CryptoError) {
    try self.init(.publicKey(subjectPublicKeyInfo: subjectPublicKeyInfo))
  }

  /// Reads a compressed point. Its length determines the curve.
  init(compressedPoint point: [UInt8]) throws(CryptoError) {
    let curve = Curve.allCases.first { $0.compressedPointLength == point.count }
    guard let curve else {
      throw .invalidKey("a compressed point has 33, 49 or 67 bytes, not \(point.count)")
    }
    try self.init(.publicKey(on: curve, point: point))
  }

  package static func == (left: ECPublicKey, right: ECPublicKey) -> Bool {
    left.curve == right.curve && left.compressedPoint == right.compressedPoint
  }

  /// DER with the uncompressed point.
  func subjectPublicKeyInfo() throws(CryptoError) -> [UInt8] { try key.subjectPublicKeyInfo() }

  /// Lower-case hexadecimal SHA-256 of the DER SubjectPublicKeyInfo.
  func fingerprint() throws(CryptoError) -> String { try key.fingerprint() }

  /// "BEGIN PUBLIC KEY" PEM text.
  func pem() throws(CryptoError) -> String { try key.publicPEM() }
}

/// An elliptic-curve private key for key agreement.
package struct ECPrivateKey: ~Copyable, Sendable {
  package let curve: Curve
  private let key: PKey

  /// Throws `invalidKey` also if the public half does not match the private half.
  init(_ key: PKey) throws(CryptoError) {
    let curve = try ECPublicKey(key).curve
    guard try key.hasMatchingHalves() else {
      throw .invalidKey("a private key with the public key of another")
    }
    self.curve = curve
    self.key = key
  }

  static func generate(on curve: Curve) throws(CryptoError) -> ECPrivateKey {
    try ECPrivateKey(.generate(on: curve))
  }

  /// Reads PEM text, PKCS#8 or SEC 1, not encrypted.
  package init(pem: borrowing SecretBytes) throws(CryptoError) {
    try self.init(.privateKey(pem: pem))
  }

  /// Reads DER PKCS#8.
  package init(pkcs8: borrowing SecretBytes) throws(CryptoError) {
    try self.init(.privateKey(pkcs8: pkcs8))
  }

  func publicKey() throws(CryptoError) -> ECPublicKey {
    try ECPublicKey(subjectPublicKeyInfo: try key.subjectPublicKeyInfo())
  }

  /// DER PKCS#8.
  package func pkcs8() throws(CryptoError) -> SecretBytes { try key.pkcs8() }

  /// "BEGIN PRIVATE KEY" PEM text.
  func pem() throws(CryptoError) -> SecretBytes { try key.privatePEM() }

  /// The secret shared with the holder of the private half of `peer`: the x coordinate (SP 800-56A,
  /// 5.7.1.2), 32, 48 or 66 bytes. Throws `invalidKey` if `peer` is on another curve.
  package func derive(with peer: ECPublicKey) throws(CryptoError) -> SecretBytes {
    guard peer.curve == curve else {
      throw .invalidKey("a key on \(peer.curve.rawValue), not on \(curve.rawValue)")
    }
    let context = try LibCrypto.check(EVP_PKEY_CTX_new(key.pointer, nil), "EVP_PKEY_CTX_new")
    defer { EVP_PKEY_CTX_free(context) }
    try LibCrypto.check(EVP_PKEY_derive_init(context), "EVP_PKEY_derive_init")
    try LibCrypto.check(
      EVP_PKEY_derive_set_peer(context, peer.key.pointer), "EVP_PKEY_derive_set_peer")
    let count = (curve.bits + 7) / 8
    return try SecretBytes(count: count) { (span) throws(CryptoError) in
      var length = count
      let status = span.withUnsafeMutableBytes {
        EVP_PKEY_derive(context, $0.bindMemory(to: UInt8.self).baseAddress, &length)
      }
      try LibCrypto.check(status, "EVP_PKEY_derive")
      precondition(length == count, "libcrypto pads the coordinate to the size of the field")
    }
  }
}
