import COpenSSL

/// A hash for the signature of a message, which takes the bytes of the message in order.
protocol SignatureHash: AnyObject {
  func update(_ bytes: RawSpan) throws(CryptoError)
}

/// Signs the bytes of one message as they pass, with a key pair for this message only.
final class SignatureSigner: SignatureHash {
  private let key: PKey
  private let hash: DigestContext

  /// Generates a key pair on `curve` and starts hashing with `digest`.
  init(curve: Curve, digest: Digest) throws(CryptoError) {
    let key = try PKey.generate(on: curve)
    let hash = try DigestContext()
    try LibCrypto.check(
      EVP_DigestSignInit(hash.pointer, nil, digest.implementation, nil, key.pointer),
      "EVP_DigestSignInit")
    self.key = key
    self.hash = hash
  }

  /// The public key as a compressed point.
  func compressedPublicKey() throws(CryptoError) -> [UInt8] { try key.compressedPoint() }

  func update(_ bytes: RawSpan) throws(CryptoError) {
    let status = bytes.withUnsafeBytes { EVP_DigestUpdate(hash.pointer, $0.baseAddress, $0.count) }
    try LibCrypto.check(status, "EVP_DigestSignUpdate")
  }

  /// The DER signature over all bytes passed to `update`. Ends the hash.
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

  /// `publicKey` is a point on `curve`, compressed or not. Throws `invalidKey` if it is not one.
  init(curve: Curve, digest: Digest, publicKey: [UInt8]) throws(CryptoError) {
    let key = try PKey.publicKey(on: curve, point: publicKey)
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

  /// Throws `authenticationFailed` unless `signature` is a signature of the key over all bytes
  /// passed to `update`. Ends the hash.
  func finish(_ signature: [UInt8]) throws(CryptoError) {
    guard EVP_DigestVerifyFinal(hash.pointer, signature, signature.count) == 1 else {
      throw LibCrypto.authenticationFailure()
    }
  }
}

/// The owner of an `EVP_MD_CTX`.
private final class DigestContext {
  let pointer: OpaquePointer

  init() throws(CryptoError) {
    pointer = try LibCrypto.check(EVP_MD_CTX_new(), "EVP_MD_CTX_new")
  }

  deinit { EVP_MD_CTX_free(pointer) }
}
