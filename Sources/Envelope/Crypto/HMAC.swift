import COpenSSL

/// HMAC (RFC 2104): it authenticates the keystore's records, and is what HMAC keys compute.
enum HMAC {
  static func authenticate(
    _ message: RawSpan, with digest: Digest, under key: borrowing SecretBytes
  ) throws(CryptoError) -> [UInt8] {
    LibCrypto.prepare()
    var code = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    let result = key.withBytes { bytes in
      bytes.withUnsafeBytes { key in
        message.withUnsafeBytes {
          COpenSSL.HMAC(
            digest.implementation, key.baseAddress, LibCrypto.length(key.count),
            $0.bindMemory(to: UInt8.self).baseAddress, $0.count, &code, &length)
        }
      }
    }
    _ = try LibCrypto.check(result, "HMAC")
    return Array(code.prefix(Int(length)))
  }

  /// Whether `code` is the code of `message`, compared in constant time.
  static func verify(
    _ code: [UInt8], of message: RawSpan, with digest: Digest, under key: borrowing SecretBytes
  ) throws(CryptoError) -> Bool {
    let expected = try authenticate(message, with: digest, under: key)
    return code.count == expected.count && CRYPTO_memcmp(code, expected, expected.count) == 0
  }
}
