import COpenSSL

/// The NIST curves for signatures and key agreement, under their NIST names.
package enum Curve: String, CaseIterable, Sendable {
  case p256 = "P-256"
  case p384 = "P-384"
  case p521 = "P-521"

  package var bits: Int {
    switch self {
    case .p256: 256
    case .p384: 384
    case .p521: 521
    }
  }

  /// Bytes of a compressed point (SEC 1, 2.3.3).
  var compressedPointLength: Int { 1 + (bits + 7) / 8 }

  /// The name of the curve that libcrypto gives for keys read from DER.
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

  /// The public key with the point `point` (SEC 1, 2.3.3), compressed or not. Throws `invalidKey`
  /// if that is not a point on `curve`, or is the point at infinity.
  static func publicKey(on curve: Curve, point: [UInt8]) throws(CryptoError) -> PKey {
    LibCrypto.prepare()
    // Only the point at infinity has one byte. With it as public key, anyone can forge signatures.
    guard point.count > 1 else { throw .invalidKey("not a public key on \(curve.rawValue)") }
    return try PKey(
      envcrypt_ec_public_key(curve.rawValue, point, point.count),
      else: "not a point on \(curve.rawValue)")
  }

  /// The curve of an elliptic-curve key. Throws `invalidKey` for a key of another algorithm, for
  /// other curves, and for keys with explicit curve parameters.
  func curve() throws(CryptoError) -> Curve {
    guard isA("EC") else { throw .invalidKey("a key for \(algorithm), not an elliptic-curve key") }
    let found = try groupName()
    guard let curve = Curve.allCases.first(where: { $0.groupName == found }) else {
      throw .invalidKey("a key on the curve \(found), not on P-256, P-384 or P-521")
    }
    return curve
  }

  /// The libcrypto name of the curve of an elliptic-curve key. Throws `invalidKey` if the key has
  /// explicit curve parameters instead of a name.
  func groupName() throws(CryptoError) -> String {
    var explicit: Int32 = 0
    try LibCrypto.check(
      EVP_PKEY_get_int_param(
        pointer, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit),
      "EVP_PKEY_get_int_param")
    guard explicit == 0 else {
      throw .invalidKey(
        "an elliptic-curve key with explicit curve parameters instead of a named curve")
    }
    var name = [CChar](repeating: 0, count: 80)
    var length = 0
    try LibCrypto.check(
      EVP_PKEY_get_group_name(pointer, &name, name.count, &length), "EVP_PKEY_get_group_name")
    return String(decoding: name.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The public half of an elliptic-curve key as a compressed point. The point at infinity has one
  /// byte. No other thread may use the key during the call, because the call changes it: from now
  /// on its DER and PEM contain the uncompressed point.
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

  /// Makes the DER and PEM of an elliptic-curve key contain the public half, uncompressed, whatever
  /// the encoding that the key was read from: fingerprints and IDs depend on the key, not on its
  /// encoding. No other thread may use the key during the call.
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
