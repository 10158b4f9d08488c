import COpenSSL

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
