import COpenSSL

/// AES key wrap with padding (RFC 5649). Imports of large keys use it.
package enum AESKeyWrap {
  /// Unwraps `wrapped`. Throws `authenticationFailed` if it was not wrapped under `key`, and
  /// `invalidKey` unless `key` has 32 bytes.
  package static func unwrap(
    _ wrapped: [UInt8], under key: borrowing SecretBytes
  ) throws(CryptoError) -> SecretBytes {
    LibCrypto.prepare()
    guard key.count == 32 else {
      throw .invalidKey("an AES-256 key has 32 bytes, this one has \(key.count)")
    }
    // At least two blocks of 8 bytes, and no part of a block.
    guard wrapped.count >= 16, wrapped.count % 8 == 0 else { throw .authenticationFailed }
    let context = try LibCrypto.check(EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new")
    defer { EVP_CIPHER_CTX_free(context) }
    envcrypt_allow_key_wrap(context)
    let started = key.withBytes { bytes in
      bytes.withUnsafeBytes {
        EVP_CipherInit_ex2(
          context, EVP_aes_256_wrap_pad(), $0.bindMemory(to: UInt8.self).baseAddress, nil, 0, nil)
      }
    }
    try LibCrypto.check(started, "EVP_CipherInit_ex2")
    var length: Int32 = 0
    let output = try SecretBytes(count: wrapped.count) { (span) throws(CryptoError) in
      let status = span.withUnsafeMutableBytes {
        EVP_CipherUpdate(
          context, $0.bindMemory(to: UInt8.self).baseAddress, &length, wrapped,
          LibCrypto.length(wrapped.count))
      }
      if status != 1 || length <= 0 { throw LibCrypto.authenticationFailure() }
    }
    return output.prefix(Int(length))
  }
}
