import COpenSSL

/// The elliptic curves of the message format's signatures.
enum Curve: String, Sendable {
  case p256 = "P-256"
  case p384 = "P-384"

  /// Bytes of a compressed point (SEC 1, 2.3.3).
  var compressedPointLength: Int { self == .p256 ? 33 : 49 }
}

/// What a message's bytes pass through, in order, where the message is signed.
protocol SignatureHash: AnyObject {
  func update(_ bytes: RawSpan) throws(CryptoError)
}

/// Signs a message as its bytes pass: one key pair for one message.
final class SignatureSigner: SignatureHash {
  private let key: PKey
  private let hash: DigestContext

  /// Generates a key pair on `curve` and starts hashing with `digest`.
  init(curve: Curve, digest: Digest) throws(CryptoError) {
    LibCrypto.prepare()
    let key = PKey(
      owning: try LibCrypto.check(envcrypt_generate_ec(curve.rawValue), "EVP_EC_gen"))
    let hash = try DigestContext()
    try LibCrypto.check(
      EVP_DigestSignInit(hash.pointer, nil, digest.implementation, nil, key.pointer),
      "EVP_DigestSignInit")
    self.key = key
    self.hash = hash
  }

  /// The public key as a compressed point.
  func compressedPublicKey() throws(CryptoError) -> [UInt8] {
    try LibCrypto.check(
      EVP_PKEY_set_utf8_string_param(
        key.pointer, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"),
      "EVP_PKEY_set_utf8_string_param")
    var point = [UInt8](repeating: 0, count: 256)
    var length = 0
    try LibCrypto.check(
      EVP_PKEY_get_octet_string_param(
        key.pointer, OSSL_PKEY_PARAM_PUB_KEY, &point, point.count, &length),
      "EVP_PKEY_get_octet_string_param")
    return Array(point.prefix(length))
  }

  func update(_ bytes: RawSpan) throws(CryptoError) {
    let status = bytes.withUnsafeBytes { EVP_DigestUpdate(hash.pointer, $0.baseAddress, $0.count) }
    try LibCrypto.check(status, "EVP_DigestSignUpdate")
  }

  /// The DER signature over everything passed to `update`. Ends the hash.
  func finish() throws(CryptoError) -> [UInt8] {
    var length = Int(EVP_PKEY_get_size(key.pointer))
    var signature = [UInt8](repeating: 0, count: length)
    try LibCrypto.check(
      EVP_DigestSignFinal(hash.pointer, &signature, &length), "EVP_DigestSignFinal")
    return Array(signature.prefix(length))
  }
}

/// Verifies a signature over bytes as they pass.
final class SignatureVerifier: SignatureHash {
  private let key: PKey
  private let hash: DigestContext

  /// `publicKey` is a point on `curve`, compressed or not. Throws `invalidKey` where it is none.
  init(curve: Curve, digest: Digest, publicKey: [UInt8]) throws(CryptoError) {
    LibCrypto.prepare()
    let pointer = envcrypt_ec_public_key(curve.rawValue, publicKey, publicKey.count)
    guard let pointer else {
      _ = LibCrypto.authenticationFailure()
      throw .invalidKey("not a point on \(curve.rawValue)")
    }
    let key = PKey(owning: pointer)
    let hash = try DigestContext()
    try LibCrypto.check(
      EVP_DigestVerifyInit(hash.pointer, nil, digest.implementation, nil, key.pointer),
      "EVP_DigestVerifyInit")
    self.key = key
    self.hash = hash
  }

  func update(_ bytes: RawSpan) throws(CryptoError) {
    let status = bytes.withUnsafeBytes { EVP_DigestUpdate(hash.pointer, $0.baseAddress, $0.count) }
    try LibCrypto.check(status, "EVP_DigestVerifyUpdate")
  }

  /// Throws `authenticationFailed` unless `signature` is the key's over everything passed. Ends the
  /// hash.
  func finish(_ signature: [UInt8]) throws(CryptoError) {
    guard EVP_DigestVerifyFinal(hash.pointer, signature, signature.count) == 1 else {
      throw LibCrypto.authenticationFailure()
    }
  }
}

/// One owner of an `EVP_MD_CTX`.
private final class DigestContext {
  let pointer: OpaquePointer

  init() throws(CryptoError) {
    pointer = try LibCrypto.check(EVP_MD_CTX_new(), "EVP_MD_CTX_new")
  }

  deinit { EVP_MD_CTX_free(pointer) }
}
