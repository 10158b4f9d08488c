import COpenSSL

/// The hash functions of the message format and of RSA paddings.
enum Digest: String, Sendable {
  case sha1, sha256, sha384, sha512

  var implementation: OpaquePointer {
    switch self {
    case .sha1: EVP_sha1()
    case .sha256: EVP_sha256()
    case .sha384: EVP_sha384()
    case .sha512: EVP_sha512()
    }
  }

  /// The digest of `bytes`.
  func hash(_ bytes: [UInt8]) throws(CryptoError) -> [UInt8] {
    LibCrypto.prepare()
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    try LibCrypto.check(
      EVP_Digest(bytes, bytes.count, &digest, &length, implementation, nil), "EVP_Digest")
    return Array(digest.prefix(Int(length)))
  }
}

/// HMAC-SHA-256, which authenticates the keystore's records.
enum HMAC {
  static func authenticate(
    _ message: [UInt8], under key: borrowing SecretBytes
  ) throws(CryptoError) -> [UInt8] {
    LibCrypto.prepare()
    var code = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    let result = key.withBytes { bytes in
      bytes.withUnsafeBytes {
        COpenSSL.HMAC(
          EVP_sha256(), $0.baseAddress, LibCrypto.length($0.count), message, message.count, &code,
          &length)
      }
    }
    _ = try LibCrypto.check(result, "HMAC")
    return code
  }

  /// Whether `code` is the code of `message`, compared in constant time.
  static func verify(
    _ code: [UInt8], of message: [UInt8], under key: borrowing SecretBytes
  ) throws(CryptoError) -> Bool {
    let expected = try authenticate(message, under: key)
    return code.count == expected.count && CRYPTO_memcmp(code, expected, expected.count) == 0
  }
}
