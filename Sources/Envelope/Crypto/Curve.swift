import COpenSSL

/// The elliptic curves of signatures and key agreement: NIST's, under NIST's names.
enum Curve: String, CaseIterable, Sendable {
  case p256 = "P-256"
  case p384 = "P-384"
  case p521 = "P-521"

  var bits: Int {
    switch self {
    case .p256: 256
    case .p384: 384
    case .p521: 521
    }
  }

  /// Bytes of a compressed point (SEC 1, 2.3.3).
  var compressedPointLength: Int { 1 + (bits + 7) / 8 }

  /// The name by which keys in DER are known to libcrypto.
  fileprivate var groupName: String {
    switch self {
    case .p256: "prime256v1"
    case .p384: "secp384r1"
    case .p521: "secp521r1"
    }
  }
}

extension PKey {
  /// A fresh key pair.
  static func generate(on curve: Curve) throws(CryptoError) -> PKey {
    LibCrypto.prepare()
    return PKey(owning: try LibCrypto.check(envcrypt_generate_ec(curve.rawValue), "EVP_EC_gen"))
  }

  /// The public key at `point` (SEC 1, 2.3.3), compressed or not. Throws `invalidKey` where that is
  /// no point on `curve`, or the one at infinity.
  static func publicKey(on curve: Curve, point: [UInt8]) throws(CryptoError) -> PKey {
    LibCrypto.prepare()
    // The point at infinity alone has one byte. Under it anyone can make signatures that verify.
    guard point.count > 1 else { throw .invalidKey("not a public key on \(curve.rawValue)") }
    return try PKey(
      envcrypt_ec_public_key(curve.rawValue, point, point.count),
      else: "not a point on \(curve.rawValue)")
  }

  /// The curve of an elliptic-curve key. Throws `invalidKey` for a key of another kind, and for
  /// curves that are not ours, also where they are spelt out in parameters.
  func curve() throws(CryptoError) -> Curve {
    guard isA("EC") else { throw .invalidKey("a key for \(algorithm), not an elliptic-curve key") }
    let found = try groupName()
    guard let curve = Curve.allCases.first(where: { $0.groupName == found }) else {
      throw .invalidKey("a key on the curve \(found), not on P-256, P-384 or P-521")
    }
    return curve
  }

  /// The name of an elliptic-curve key's curve, as libcrypto knows it. Throws `invalidKey` where the
  /// key does not name it.
  func groupName() throws(CryptoError) -> String {
    var explicit: Int32 = 0
    try LibCrypto.check(
      EVP_PKEY_get_int_param(
        pointer, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit),
      "EVP_PKEY_get_int_param")
    guard explicit == 0 else {
      throw .invalidKey("an elliptic-curve key that spells its curve out instead of naming it")
    }
    var name = [CChar](repeating: 0, count: 80)
    var length = 0
    try LibCrypto.check(
      EVP_PKEY_get_group_name(pointer, &name, name.count, &length), "EVP_PKEY_get_group_name")
    return String(decoding: name.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The public half of an elliptic-curve key as a compressed point. The point at infinity has one
  /// byte. The key must not be in use by another thread: DER and PEM carry its point uncompressed
  /// from now on.
  func compressedPoint() throws(CryptoError) -> [UInt8] {
    try setPointFormat("compressed")
    var point = [UInt8](repeating: 0, count: 256)
    var length = 0
    try LibCrypto.check(
      EVP_PKEY_get_octet_string_param(
        pointer, OSSL_PKEY_PARAM_PUB_KEY, &point, point.count, &length),
      "EVP_PKEY_get_octet_string_param")
    try setPointFormat("uncompressed")
    return Array(point.prefix(length))
  }

  /// Has DER and PEM of an elliptic-curve key carry its public half from now on, uncompressed,
  /// whatever form it came in: fingerprints and IDs are those of a key, not of an encoding. The key
  /// must not be in use by another thread.
  func normalizeEncoding() throws(CryptoError) {
    try setPointFormat("uncompressed")
    try LibCrypto.check(
      EVP_PKEY_set_int_param(pointer, OSSL_PKEY_PARAM_EC_INCLUDE_PUBLIC, 1),
      "EVP_PKEY_set_int_param")
  }

  private func setPointFormat(_ format: String) throws(CryptoError) {
    try LibCrypto.check(
      EVP_PKEY_set_utf8_string_param(
        pointer, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, format),
      "EVP_PKEY_set_utf8_string_param")
  }
}
