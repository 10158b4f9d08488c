import COpenSSL

/// How an RSA key wraps a data key (raw RSA keyring, "padding scheme").
enum RSAPadding: Equatable, Sendable {
  case pkcs1
  /// OAEP with MGF1, both over the same hash function.
  case oaep(Digest)
}

/// One owner of an `EVP_PKEY`.
final class PKey: @unchecked Sendable {
  let pointer: OpaquePointer

  init(owning pointer: OpaquePointer) { self.pointer = pointer }
  deinit { EVP_PKEY_free(pointer) }

  /// The DER SubjectPublicKeyInfo.
  func subjectPublicKeyInfo() throws(CryptoError) -> [UInt8] {
    var buffer: UnsafeMutablePointer<UInt8>?
    let length = i2d_PUBKEY(pointer, &buffer)
    try LibCrypto.check(length, "i2d_PUBKEY")
    defer { CRYPTO_free(buffer, #file, #line) }
    return Array(UnsafeBufferPointer(start: buffer, count: Int(length)))
  }

  /// The key as one bit string of `bits` length.
  var bits: Int { Int(EVP_PKEY_get_bits(pointer)) }
}

/// An RSA public key: it wraps.
struct RSAPublicKey: Sendable {
  private let key: PKey

  fileprivate init(_ key: PKey) throws(CryptoError) {
    guard envcrypt_pkey_is_rsa(key.pointer) == 1 else { throw .invalidKey("not an RSA key") }
    guard (2048...16384).contains(key.bits) else {
      throw .invalidKey("RSA keys have 2048 to 16384 bits, this one has \(key.bits)")
    }
    self.key = key
  }

  /// Reads "BEGIN PUBLIC KEY" PEM text.
  init(pem: [UInt8]) throws(CryptoError) {
    LibCrypto.prepare()
    let bio = try MemoryBIO(reading: pem)
    guard let pointer = envcrypt_read_public_pem(bio.pointer) else {
      _ = LibCrypto.authenticationFailure()
      throw .invalidKey("not a PEM public key (BEGIN PUBLIC KEY)")
    }
    try self.init(PKey(owning: pointer))
  }

  /// Reads a DER SubjectPublicKeyInfo.
  init(subjectPublicKeyInfo: [UInt8]) throws(CryptoError) {
    LibCrypto.prepare()
    let pointer = subjectPublicKeyInfo.withUnsafeBufferPointer { bytes -> OpaquePointer? in
      var cursor = bytes.baseAddress
      return d2i_PUBKEY(nil, &cursor, bytes.count)
    }
    guard let pointer else {
      _ = LibCrypto.authenticationFailure()
      throw .invalidKey("not a DER SubjectPublicKeyInfo")
    }
    try self.init(PKey(owning: pointer))
  }

  var bits: Int { key.bits }

  func subjectPublicKeyInfo() throws(CryptoError) -> [UInt8] { try key.subjectPublicKeyInfo() }

  /// Lower-case hexadecimal SHA-256 of the DER SubjectPublicKeyInfo.
  func fingerprint() throws(CryptoError) -> String {
    Hexadecimal.encode(try Digest.sha256.hash(try subjectPublicKeyInfo()))
  }

  /// "BEGIN PUBLIC KEY" PEM text.
  func pem() throws(CryptoError) -> String {
    let bio = try MemoryBIO()
    try LibCrypto.check(PEM_write_bio_PUBKEY(bio.pointer, key.pointer), "PEM_write_bio_PUBKEY")
    return String(decoding: bio.contents(), as: UTF8.self)
  }

  func encrypt(
    _ plaintext: borrowing SecretBytes, padding: RSAPadding
  ) throws(CryptoError) -> [UInt8] {
    let context = try LibCrypto.check(EVP_PKEY_CTX_new(key.pointer, nil), "EVP_PKEY_CTX_new")
    defer { EVP_PKEY_CTX_free(context) }
    try LibCrypto.check(EVP_PKEY_encrypt_init(context), "EVP_PKEY_encrypt_init")
    try padding.apply(to: context)
    var length = Int(EVP_PKEY_get_size(key.pointer))
    var output = [UInt8](repeating: 0, count: length)
    let status = plaintext.withBytes { bytes in
      bytes.withUnsafeBytes {
        EVP_PKEY_encrypt(
          context, &output, &length, $0.bindMemory(to: UInt8.self).baseAddress, $0.count)
      }
    }
    try LibCrypto.check(status, "EVP_PKEY_encrypt")
    return Array(output.prefix(length))
  }
}

/// An RSA private key: it unwraps. libcrypto owns the material and wipes it when it frees the key.
struct RSAPrivateKey: ~Copyable, Sendable {
  private let key: PKey

  private init(_ key: PKey) throws(CryptoError) {
    _ = try RSAPublicKey(key)
    self.key = key
  }

  static func generate(bits: Int) throws(CryptoError) -> RSAPrivateKey {
    LibCrypto.prepare()
    let pointer = try LibCrypto.check(envcrypt_generate_rsa(UInt32(bits)), "EVP_RSA_gen")
    return try RSAPrivateKey(PKey(owning: pointer))
  }

  /// Reads PEM text, PKCS#8 or PKCS#1, not encrypted.
  init(pem: [UInt8]) throws(CryptoError) {
    LibCrypto.prepare()
    let bio = try MemoryBIO(reading: pem)
    guard let pointer = envcrypt_read_private_pem(bio.pointer) else {
      _ = LibCrypto.authenticationFailure()
      throw .invalidKey("not an unencrypted PEM private key")
    }
    try self.init(PKey(owning: pointer))
  }

  /// Reads DER PKCS#8, as the keystore holds it.
  init(pkcs8: borrowing SecretBytes) throws(CryptoError) {
    LibCrypto.prepare()
    let pointer = pkcs8.withBytes { bytes in
      bytes.withUnsafeBytes { buffer -> OpaquePointer? in
        var cursor = buffer.bindMemory(to: UInt8.self).baseAddress
        return d2i_AutoPrivateKey(nil, &cursor, buffer.count)
      }
    }
    guard let pointer else {
      _ = LibCrypto.authenticationFailure()
      throw .invalidKey("not a DER private key")
    }
    try self.init(PKey(owning: pointer))
  }

  var bits: Int { key.bits }

  func publicKey() throws(CryptoError) -> RSAPublicKey {
    try RSAPublicKey(subjectPublicKeyInfo: try key.subjectPublicKeyInfo())
  }

  /// DER PKCS#8.
  func pkcs8() throws(CryptoError) -> SecretBytes {
    let info = try LibCrypto.check(EVP_PKEY2PKCS8(key.pointer), "EVP_PKEY2PKCS8")
    defer { PKCS8_PRIV_KEY_INFO_free(info) }
    var buffer: UnsafeMutablePointer<UInt8>?
    let length = i2d_PKCS8_PRIV_KEY_INFO(info, &buffer)
    try LibCrypto.check(length, "i2d_PKCS8_PRIV_KEY_INFO")
    defer { CRYPTO_clear_free(buffer, Int(length), #file, #line) }
    return SecretBytes(
      copying: RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: buffer, count: Int(length))))
  }

  /// "BEGIN PRIVATE KEY" PEM text.
  func pem() throws(CryptoError) -> SecretBytes {
    let bio = try MemoryBIO()
    try LibCrypto.check(
      envcrypt_write_private_pem(bio.pointer, key.pointer), "PEM_write_bio_PKCS8PrivateKey")
    return bio.secretContents()
  }

  /// Throws `authenticationFailed` whatever the reason: a padding error must say nothing.
  func decrypt(_ ciphertext: [UInt8], padding: RSAPadding) throws(CryptoError) -> SecretBytes {
    let context = try LibCrypto.check(EVP_PKEY_CTX_new(key.pointer, nil), "EVP_PKEY_CTX_new")
    defer { EVP_PKEY_CTX_free(context) }
    try LibCrypto.check(EVP_PKEY_decrypt_init(context), "EVP_PKEY_decrypt_init")
    try padding.apply(to: context)
    var length = Int(EVP_PKEY_get_size(key.pointer))
    let output = try SecretBytes(count: length) { (span) throws(CryptoError) in
      let status = span.withUnsafeMutableBytes {
        EVP_PKEY_decrypt(
          context, $0.bindMemory(to: UInt8.self).baseAddress, &length, ciphertext,
          ciphertext.count)
      }
      if status <= 0 { throw LibCrypto.authenticationFailure() }
    }
    return output.prefix(length)
  }
}

extension RSAPadding {
  fileprivate func apply(to context: OpaquePointer) throws(CryptoError) {
    switch self {
    case .pkcs1:
      try LibCrypto.check(
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), "EVP_PKEY_CTX_set_rsa_padding")
    case .oaep(let digest):
      try LibCrypto.check(
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING),
        "EVP_PKEY_CTX_set_rsa_padding")
      try LibCrypto.check(
        EVP_PKEY_CTX_set_rsa_oaep_md(context, digest.implementation),
        "EVP_PKEY_CTX_set_rsa_oaep_md")
      try LibCrypto.check(
        EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest.implementation),
        "EVP_PKEY_CTX_set_rsa_mgf1_md")
    }
  }
}

/// One owner of a memory `BIO`, wiped when it ends: PEM text may be a private key.
private final class MemoryBIO {
  let pointer: OpaquePointer

  /// An empty one, to write to.
  init() throws(CryptoError) {
    pointer = try LibCrypto.check(BIO_new(BIO_s_secmem()), "BIO_new")
  }

  /// One that holds a copy of `bytes`.
  convenience init(reading bytes: [UInt8]) throws(CryptoError) {
    try self.init()
    let written = BIO_write(pointer, bytes, LibCrypto.length(bytes.count))
    guard written == bytes.count else { throw LibCrypto.failure("BIO_write") }
  }

  deinit { BIO_free_all(pointer) }

  func contents() -> [UInt8] { withContents { Array($0) } }

  func secretContents() -> SecretBytes {
    withContents { SecretBytes(copying: RawSpan(_unsafeBytes: $0)) }
  }

  private func withContents<Result: ~Copyable>(
    _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    var bytes: UnsafeMutablePointer<CChar>?
    let count = envcrypt_bio_contents(pointer, &bytes)
    return body(UnsafeRawBufferPointer(start: bytes, count: count))
  }
}
