import COpenSSL

/// HMAC (RFC 2104). It authenticates the records of the keystore, and HMAC keys compute it.
package enum HMAC {
  package static func authenticate(
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

  /// True if `code` is the code of `message`. Compares in constant time.
  package static func verify(
    _ code: [UInt8], of message: RawSpan, with digest: Digest, under key: borrowing SecretBytes
  ) throws(CryptoError) -> Bool {
    LibCrypto.areEqual(code, try authenticate(message, with: digest, under: key))
  }
}

/// HMAC of many messages under one key, set up once. One thread at a time may use it.
package final class HMACContext {
  private let context: OpaquePointer
  private let length: Int

  package init(_ digest: Digest, key: borrowing SecretBytes) throws(CryptoError) {
    LibCrypto.prepare()
    let context = try key.withBytes { (bytes) throws(CryptoError) in
      let context = bytes.withUnsafeBytes {
        envcrypt_hmac_context(digest.rawValue, $0.baseAddress, $0.count)
      }
      return try LibCrypto.check(context, "EVP_MAC_init")
    }
    self.context = context
    length = digest.length
  }

  deinit { EVP_MAC_CTX_free(context) }

  package func authenticate(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
    // EVP_MAC_init without a key keeps the previous key.
    try LibCrypto.check(EVP_MAC_init(context, nil, 0, nil), "EVP_MAC_init")
    try LibCrypto.check(EVP_MAC_update(context, message, message.count), "EVP_MAC_update")
    var code = [UInt8](repeating: 0, count: length)
    var written = 0
    try LibCrypto.check(EVP_MAC_final(context, &code, &written, code.count), "EVP_MAC_final")
    return code
  }
}
