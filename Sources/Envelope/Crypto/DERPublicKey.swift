import COpenSSL

/// A reader of files with a single public key or certificate in DER.
enum DERPublicKey {
  /// True if the bytes begin as a DER SEQUENCE does. No text that is a key or a list begins so.
  static func isDER(_ bytes: borrowing SecretBytes) -> Bool {
    let (first, second) = (byte(0, of: bytes), byte(1, of: bytes))
    guard first == 0x30, let second else { return false }
    return (0x81...0x84).contains(second) || Int(second) + 2 == bytes.count
  }

  /// Throws `privateKey` for a private key, encrypted or not.
  static func read(_ bytes: borrowing SecretBytes) throws(CryptoError) -> FoundPublicKey {
    LibCrypto.prepare()
    let der = bytes.withBytes { bytes in bytes.withUnsafeBytes { Array($0) } }
    if let key = try? PKey.publicKey(subjectPublicKeyInfo: der) {
      return try FoundPublicKey(at: nil) { () throws(CryptoError) in key }
    }
    if let certificate = try? Certificate(der: der) {
      return try FoundPublicKey(at: nil, certificate: certificate) { () throws(CryptoError) in
        try certificate.publicKey()
      }
    }
    if let key = try? PKey.rsaPublicKey(pkcs1: der) {
      return try FoundPublicKey(at: nil) { () throws(CryptoError) in key }
    }
    if isPrivate(bytes) { throw .privateKey("this is a private key, not a public key") }
    if isPKCS12(bytes) {
      throw .privateKey("this is a PKCS #12 file, for private keys, not a public key")
    }
    throw .invalidKey("DER, but not a public key or certificate that is whole")
  }

  /// True for a private key in PKCS #8, encrypted or not, or in the format of its algorithm.
  private static func isPrivate(_ bytes: borrowing SecretBytes) -> Bool {
    bytes.withBytes { bytes in
      bytes.withUnsafeBytes { buffer in
        defer { ERR_clear_error() }
        var cursor = buffer.bindMemory(to: UInt8.self).baseAddress
        if let key = d2i_AutoPrivateKey(nil, &cursor, buffer.count) {
          EVP_PKEY_free(key)
          return true
        }
        cursor = buffer.bindMemory(to: UInt8.self).baseAddress
        if let encrypted = d2i_X509_SIG(nil, &cursor, buffer.count) {
          X509_SIG_free(encrypted)
          return true
        }
        return false
      }
    }
  }

  /// True for a SEQUENCE that begins with the version 3 and another SEQUENCE (RFC 7292).
  private static func isPKCS12(_ bytes: borrowing SecretBytes) -> Bool {
    guard let length = byte(1, of: bytes), length >= 0x81 else { return false }
    let start = 2 + Int(length & 0x7F)
    return [0x02, 0x01, 0x03, 0x30].enumerated().allSatisfy {
      byte(start + $0.offset, of: bytes) == $0.element
    }
  }

  private static func byte(_ index: Int, of bytes: borrowing SecretBytes) -> UInt8? {
    guard index < bytes.count else { return nil }
    return bytes.withBytes { $0.unsafeLoad(fromByteOffset: index, as: UInt8.self) }
  }
}
