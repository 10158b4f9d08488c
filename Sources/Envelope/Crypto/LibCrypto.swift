import COpenSSL

/// The rules for every call into libcrypto: initialise without a configuration file, check each
/// return value, drain the error queue.
package enum LibCrypto {
  /// The version text of libcrypto, for example "OpenSSL 3.0.17 1 Jul 2025".
  package static var version: String {
    String(cString: OpenSSL_version(OPENSSL_VERSION))
  }

  /// Initialises libcrypto without reading `openssl.cnf`: a system-wide file must not change the
  /// ciphers that a backup depends on, and the static binary cannot load the modules that the file
  /// may name. From then on libcrypto wipes the memory that it frees.
  static func prepare() { _ = isPrepared }

  private static let isPrepared: Void = {
    // libcrypto refuses if other code in the process has used it before.
    _ = envcrypt_wipe_on_free()
    precondition(envcrypt_init_crypto() == 1, "libcrypto cannot be initialised")
  }()

  /// True if libcrypto wipes the memory that it frees.
  static var wipesOnFree: Bool {
    prepare()
    return envcrypt_wipes_on_free() == 1
  }

  /// Starts a thread in which libcrypto does its one-time work: it sets up its random generator,
  /// every cipher and every hash function. The caller can do other work meanwhile.
  package static func warmUp() {
    startThread {
      guard let key = try? SecretBytes.random(count: 32) else { return }
      _ = try? HKDF.derive(.sha256, from: key, salt: [], info: [], count: 32)
    }
  }

  /// True if both have the same bytes. The time depends only on their number.
  static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
  }

  /// Throws unless `status` is positive, which in libcrypto means success.
  static func check(_ status: Int32, _ operation: StaticString) throws(CryptoError) {
    if status <= 0 { throw failure(operation) }
  }

  /// Returns `pointer`, or throws if it is nil.
  static func check<Pointer>(
    _ pointer: Pointer?, _ operation: StaticString
  ) throws(CryptoError) -> Pointer {
    guard let pointer else { throw failure(operation) }
    return pointer
  }

  /// The error for a failed `operation`. Moves the codes of the error queue into it.
  static func failure(_ operation: StaticString) -> CryptoError {
    .libcrypto(operation: "\(operation)", reasons: drainErrors())
  }

  /// The error `authenticationFailed`. Discards the error queue.
  static func authenticationFailure() -> CryptoError {
    ERR_clear_error()
    return .authenticationFailed
  }

  /// A length as `int`, the type of lengths in EVP.
  static func length(_ count: Int) -> Int32 {
    precondition(count <= Int(Int32.max), "a buffer larger than libcrypto takes at once")
    return Int32(count)
  }

  /// The codes of the error queue; `openssl errstr` explains them.
  private static func drainErrors() -> [String] {
    var reasons: [String] = []
    while true {
      let code = ERR_get_error()
      if code == 0 { return reasons }
      reasons.append("error " + String(code, radix: 16, uppercase: true))
    }
  }
}
