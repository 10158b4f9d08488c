import COpenSSL

/// A private key in PKCS #8 that a passphrase encrypts (PBES2, RFC 8018). `openssl pkcs8` reads and
/// writes the same.
enum EncryptedPrivateKey {
  /// The label of the PEM block.
  static let label = "ENCRYPTED PRIVATE KEY"

  /// scrypt. OpenSSL refuses to use more than 32 MiB for it, so the work is repeated instead.
  private static let cost: UInt64 = 1 << 14
  private static let blockSize: UInt64 = 8
  private static let parallelism: UInt64 = 8

  /// The most work that a file may ask for, because somebody else may have made it: 32 times ours.
  private static let mostWork = 32 * cost * blockSize * parallelism

  /// The largest DER that is read.
  private static let sizeLimit = 1 << 16

  /// Returns the DER of the encrypted key.
  static func seal(
    pkcs8: borrowing SecretBytes, under passphrase: borrowing SecretBytes
  ) throws(CryptoError) -> [UInt8] {
    LibCrypto.prepare()
    var buffer: UnsafeMutablePointer<UInt8>?
    let length = lend(pkcs8, passphrase) { key, passphrase in
      envcrypt_seal_pkcs8(
        key.baseAddress, key.count, passphrase.baseAddress, LibCrypto.length(passphrase.count),
        cost, blockSize, parallelism, &buffer)
    }
    guard length > 0, let buffer else { throw LibCrypto.failure("PKCS8_set0_pbe") }
    defer { CRYPTO_free(buffer, #file, #line) }
    return Array(UnsafeBufferPointer(start: buffer, count: Int(length)))
  }

  /// Lends the bytes of a key and of its passphrase to a function in C.
  private static func lend(
    _ key: borrowing SecretBytes, _ passphrase: borrowing SecretBytes,
    to body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<CChar>) -> Int32
  ) -> Int32 {
    key.withBytes { key in
      passphrase.withBytes { passphrase in
        key.withUnsafeBytes { key in
          passphrase.withUnsafeBytes { passphrase in
            body(key.bindMemory(to: UInt8.self), passphrase.bindMemory(to: CChar.self))
          }
        }
      }
    }
  }

  /// Returns the key in PKCS #8; nil if the passphrase does not decrypt it. Throws `invalidKey` if
  /// the bytes are not an encrypted key, or ask for too much work.
  static func open(
    _ der: borrowing SecretBytes, passphrase: borrowing SecretBytes
  ) throws(CryptoError) -> SecretBytes? {
    guard der.count <= sizeLimit else { throw .invalidKey("an encrypted private key is too long") }
    LibCrypto.prepare()
    defer { ERR_clear_error() }
    var buffer: UnsafeMutablePointer<UInt8>?
    let length = lend(der, passphrase) { der, passphrase in
      envcrypt_open_pkcs8(
        der.baseAddress, der.count, passphrase.baseAddress, LibCrypto.length(passphrase.count),
        mostWork, &buffer)
    }
    switch Int(length) {
    case ENVCRYPT_PKCS8_MALFORMED: throw .invalidKey("not an encrypted private key in PKCS #8")
    case ENVCRYPT_PKCS8_UNKNOWN:
      throw .invalidKey("an encrypted private key with another scheme than scrypt or PBKDF2")
    case ENVCRYPT_PKCS8_COSTLY:
      throw .invalidKey("an encrypted private key that takes too much work to open")
    default: break
    }
    guard length > 0, let buffer else { return nil }
    defer { CRYPTO_clear_free(buffer, Int(length), #file, #line) }
    return SecretBytes(copying: UnsafeRawBufferPointer(start: buffer, count: Int(length)).bytes)
  }
}
