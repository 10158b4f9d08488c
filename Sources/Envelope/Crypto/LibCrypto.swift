import COpenSSL

/// The rules every call into libcrypto follows: initialise without a configuration file, check each
/// return value, drain the error queue.
public enum LibCrypto {
  /// The version of the libcrypto in use, as it names itself: "OpenSSL 3.0.17 1 Jul 2025".
  public static var version: String {
    String(cString: OpenSSL_version(OPENSSL_VERSION))
  }

  /// Initialises libcrypto without reading `openssl.cnf`: a system-wide file must not change which
  /// ciphers a backup depends on, and the static binary could not load the modules it may name.
  /// What it frees is wiped from then on.
  static func prepare() { _ = isPrepared }

  private static let isPrepared: Void = {
    // It is refused where other code in the process has used libcrypto before.
    _ = envcrypt_wipe_on_free()
    precondition(envcrypt_init_crypto() == 1, "libcrypto cannot be initialised")
  }()

  /// Whether libcrypto wipes what it frees.
  static var wipesOnFree: Bool {
    prepare()
    return envcrypt_wipes_on_free() == 1
  }

  /// Has another thread do what libcrypto does once, for whoever has something else to do first: to
  /// set up its generator, every cipher and every hash function.
  public static func warmUp() {
    startThread {
      guard let key = try? SecretBytes.random(count: 32) else { return }
      _ = try? HKDF.derive(.sha256, from: key, salt: [], info: [], count: 32)
    }
  }

  /// Whether both are the same bytes, in time that depends on their number only.
  static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
  }

  /// Throws unless `status` is positive, libcrypto's word for success.
  static func check(_ status: Int32, _ operation: StaticString) throws(CryptoError) {
    if status <= 0 { throw failure(operation) }
  }

  /// Returns `pointer`, or throws where libcrypto returned none.
  static func check<Pointer>(
    _ pointer: Pointer?, _ operation: StaticString
  ) throws(CryptoError) -> Pointer {
    guard let pointer else { throw failure(operation) }
    return pointer
  }

  /// The failure of `operation`, with the error queue drained into it.
  static func failure(_ operation: StaticString) -> CryptoError {
    .libcrypto(operation: "\(operation)", reasons: drainErrors())
  }

  /// An authentication failure: the queue is drained and forgotten.
  static func authenticationFailure() -> CryptoError {
    ERR_clear_error()
    return .authenticationFailed
  }

  /// EVP takes lengths as `int`.
  static func length(_ count: Int) -> Int32 {
    precondition(count <= Int(Int32.max), "a buffer larger than libcrypto takes at once")
    return Int32(count)
  }

  /// The codes of what went wrong; `openssl errstr` explains them.
  private static func drainErrors() -> [String] {
    var reasons: [String] = []
    while true {
      let code = ERR_get_error()
      if code == 0 { return reasons }
      reasons.append("error " + String(code, radix: 16, uppercase: true))
    }
  }
}
