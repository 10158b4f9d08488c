import COpenSSL

/// Comparison whose time tells nothing of the bytes.
enum ConstantTime {
  /// Whether both are the same bytes, in time that depends on their number only.
  static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
  }
}
