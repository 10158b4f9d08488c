import COpenSSL

/// The padding with which an RSA key wraps a data key (raw RSA keyring, "padding scheme").
package enum RSAPadding: Equatable, Sendable {
  case pkcs1
  /// OAEP with MGF1, both with the same hash function.
  case oaep(Digest)
}

/// An RSA public key, for wrapping.
package struct RSAPublicKey: Sendable {
  private let key: PKey

  init(_ key: PKey) throws(CryptoError) {
    guard key.isA("RSA") else { throw .invalidKey("a key for \(key.algorithm), not an RSA key") }
    guard (2048...16384).contains(key.bits) else {
      throw .invalidKey("RSA keys have 2048 to 16384 bits, this one has \(key.bits)")
    }
    self.key = key
  }

  /// Checks a key from outside.
  init(checking key: PKey) throws(CryptoError) {
    try self.init(key)
    try check()
  }

  /// Reads and checks the only public key in PEM text from outside.
  init(pem: [UInt8]) throws(CryptoError) { try self.init(checking: .publicKey(pem: pem)) }

  /// Throws `invalidKey` unless the numbers are those of a public key. Takes 3 ms for 2048 bits and
  /// 20 ms for 4096 bits.
  func check() throws(CryptoError) { try key.checkPublicHalf() }

  /// Reads a DER SubjectPublicKeyInfo.
  package init(subjectPublicKeyInfo: [UInt8]) throws(CryptoError) {
    try self.init(.publicKey(subjectPublicKeyInfo: subjectPublicKeyInfo))
  }

  var bits: Int { key.bits }

  func subjectPublicKeyInfo() throws(CryptoError) -> [UInt8] { try key.subjectPublicKeyInfo() }

  /// Lower-case hexadecimal SHA-256 of the DER SubjectPublicKeyInfo.
  func fingerprint() throws(CryptoError) -> String { try key.fingerprint() }

  /// "BEGIN PUBLIC KEY" PEM text.
  func pem() throws(CryptoError) -> String { try key.publicPEM() }

  package func encrypt(
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

/// An RSA private key, for unwrapping.
package struct RSAPrivateKey: ~Copyable, Sendable {
  private let key: PKey

  init(_ key: PKey) throws(CryptoError) {
    _ = try RSAPublicKey(key)
    self.key = key
  }

  static func generate(bits: Int) throws(CryptoError) -> RSAPrivateKey {
    LibCrypto.prepare()
    let pointer = try LibCrypto.check(envcrypt_generate_rsa(UInt32(bits)), "EVP_RSA_gen")
    return try RSAPrivateKey(PKey(owning: pointer))
  }

  /// Reads PEM text, PKCS#8 or PKCS#1, not encrypted.
  package init(pem: borrowing SecretBytes) throws(CryptoError) {
    try self.init(.privateKey(pem: pem))
  }

  /// Reads DER PKCS#8, the format in the keystore.
  package init(pkcs8: borrowing SecretBytes) throws(CryptoError) {
    try self.init(.privateKey(pkcs8: pkcs8))
  }

  package var bits: Int { key.bits }

  func publicKey() throws(CryptoError) -> RSAPublicKey {
    try RSAPublicKey(subjectPublicKeyInfo: try key.subjectPublicKeyInfo())
  }

  /// DER PKCS#8.
  package func pkcs8() throws(CryptoError) -> SecretBytes { try key.pkcs8() }

  /// "BEGIN PRIVATE KEY" PEM text.
  func pem() throws(CryptoError) -> SecretBytes { try key.privatePEM() }

  /// Throws `authenticationFailed` for every failed decryption: an error must not tell anything
  /// about the padding.
  package func decrypt(_ ciphertext: [UInt8], padding: RSAPadding) throws(CryptoError)
    -> SecretBytes
  {
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
