import COpenSSL

/// The owner of an `EVP_PKEY`: a key of any public-key algorithm, in the encodings that all of them
/// share. libcrypto holds the key material and wipes it when it frees the key.
final class PKey: @unchecked Sendable {
  let pointer: OpaquePointer

  init(owning pointer: OpaquePointer) { self.pointer = pointer }
  deinit { EVP_PKEY_free(pointer) }

  /// Reads a DER SubjectPublicKeyInfo. Throws `invalidKey` if bytes follow it.
  static func publicKey(subjectPublicKeyInfo: [UInt8]) throws(CryptoError) -> PKey {
    LibCrypto.prepare()
    var rest = 0
    let pointer = subjectPublicKeyInfo.withUnsafeBytes { bytes -> OpaquePointer? in
      var cursor = bytes.bindMemory(to: UInt8.self).baseAddress
      let key = d2i_PUBKEY(nil, &cursor, bytes.count)
      rest = Self.count(from: cursor, toEndOf: bytes)
      return key
    }
    let key = try PKey(pointer, else: "not a DER SubjectPublicKeyInfo")
    guard rest == 0 else {
      throw .invalidKey("a SubjectPublicKeyInfo with \(rest) bytes after it")
    }
    return key
  }

  /// Reads a DER RSAPublicKey (PKCS #1). Throws `invalidKey` if bytes follow it.
  static func rsaPublicKey(pkcs1: [UInt8]) throws(CryptoError) -> PKey {
    LibCrypto.prepare()
    var rest = 0
    let pointer = pkcs1.withUnsafeBytes { bytes -> OpaquePointer? in
      var cursor = bytes.bindMemory(to: UInt8.self).baseAddress
      let key = d2i_PublicKey(EVP_PKEY_RSA, nil, &cursor, bytes.count)
      rest = Self.count(from: cursor, toEndOf: bytes)
      return key
    }
    let key = try PKey(pointer, else: "not a DER RSAPublicKey")
    guard rest == 0 else { throw .invalidKey("an RSAPublicKey with \(rest) bytes after it") }
    return key
  }

  /// Reads DER PKCS#8, the format in the keystore. Throws `invalidKey` if bytes follow it.
  static func privateKey(pkcs8: borrowing SecretBytes) throws(CryptoError) -> PKey {
    try privateKey(der: pkcs8)
  }

  /// Reads DER, in PKCS#8 or in the format of the algorithm. Throws `invalidKey` if bytes follow
  /// it.
  static func privateKey(der: borrowing SecretBytes) throws(CryptoError) -> PKey {
    LibCrypto.prepare()
    var rest = 0
    let pointer = der.withBytes { bytes in
      bytes.withUnsafeBytes { buffer -> OpaquePointer? in
        var cursor = buffer.bindMemory(to: UInt8.self).baseAddress
        let key = d2i_AutoPrivateKey(nil, &cursor, buffer.count)
        rest = Self.count(from: cursor, toEndOf: buffer)
        return key
      }
    }
    let key = try PKey(pointer, else: "not a DER private key")
    guard rest == 0 else { throw .invalidKey("a DER private key with \(rest) bytes after it") }
    return key
  }

  /// The number of bytes that a DER reader left unread.
  private static func count(
    from cursor: UnsafePointer<UInt8>?, toEndOf bytes: UnsafeRawBufferPointer
  ) -> Int {
    guard let cursor, let start = bytes.baseAddress else { return 0 }
    return bytes.count - start.distance(to: UnsafeRawPointer(cursor))
  }

  /// Takes the result of a libcrypto reader. If it is nil, throws `invalidKey` with `reason`.
  convenience init(_ pointer: OpaquePointer?, else reason: String) throws(CryptoError) {
    guard let pointer else {
      _ = LibCrypto.authenticationFailure()
      throw .invalidKey(reason)
    }
    self.init(owning: pointer)
  }

  /// The libcrypto name of the algorithm: "RSA", "EC", "ED25519".
  var algorithm: String {
    EVP_PKEY_get0_type_name(pointer).map { String(cString: $0) } ?? "unknown"
  }

  func isA(_ algorithm: String) -> Bool { EVP_PKEY_is_a(pointer, algorithm) == 1 }

  /// The size of the RSA modulus, or of the order of the curve.
  var bits: Int { Int(EVP_PKEY_get_bits(pointer)) }

  /// Throws `invalidKey` unless the public half is valid for its algorithm. An RSA exponent of 1
  /// encrypts nothing, and not every pair of numbers is a point on a curve.
  func checkPublicHalf() throws(CryptoError) {
    let context = try LibCrypto.check(EVP_PKEY_CTX_new(pointer, nil), "EVP_PKEY_CTX_new")
    defer { EVP_PKEY_CTX_free(context) }
    defer { ERR_clear_error() }
    guard EVP_PKEY_public_check(context) == 1 else {
      throw .invalidKey("not a valid \(algorithm) public key")
    }
  }

  /// True if the public half matches the private half. A file contains both, and they may belong to
  /// different keys.
  func hasMatchingHalves() throws(CryptoError) -> Bool {
    let context = try LibCrypto.check(EVP_PKEY_CTX_new(pointer, nil), "EVP_PKEY_CTX_new")
    defer { EVP_PKEY_CTX_free(context) }
    defer { ERR_clear_error() }
    return EVP_PKEY_pairwise_check(context) == 1
  }

  /// The public half as a DER SubjectPublicKeyInfo.
  func subjectPublicKeyInfo() throws(CryptoError) -> [UInt8] {
    var buffer: UnsafeMutablePointer<UInt8>?
    let length = i2d_PUBKEY(pointer, &buffer)
    try LibCrypto.check(length, "i2d_PUBKEY")
    defer { CRYPTO_free(buffer, #file, #line) }
    return Array(UnsafeBufferPointer(start: buffer, count: Int(length)))
  }

  /// Lower-case hexadecimal SHA-256 of the DER SubjectPublicKeyInfo.
  func fingerprint() throws(CryptoError) -> String {
    Hexadecimal.encode(try Digest.sha256.hash(try subjectPublicKeyInfo()))
  }

  /// The public half as "BEGIN PUBLIC KEY" PEM text.
  func publicPEM() throws(CryptoError) -> String {
    let bio = try MemoryBIO()
    try LibCrypto.check(PEM_write_bio_PUBKEY(bio.pointer, pointer), "PEM_write_bio_PUBKEY")
    return String(decoding: bio.contents(), as: UTF8.self)
  }

  /// The private key as DER PKCS#8.
  func pkcs8() throws(CryptoError) -> SecretBytes {
    let info = try LibCrypto.check(EVP_PKEY2PKCS8(pointer), "EVP_PKEY2PKCS8")
    defer { PKCS8_PRIV_KEY_INFO_free(info) }
    var buffer: UnsafeMutablePointer<UInt8>?
    let length = i2d_PKCS8_PRIV_KEY_INFO(info, &buffer)
    try LibCrypto.check(length, "i2d_PKCS8_PRIV_KEY_INFO")
    defer { CRYPTO_clear_free(buffer, Int(length), #file, #line) }
    return SecretBytes(
      copying: RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: buffer, count: Int(length))))
  }

  /// The private key as "BEGIN PRIVATE KEY" PEM text.
  func privatePEM() throws(CryptoError) -> SecretBytes { PEM.text(pkcs8: try pkcs8()) }
}
