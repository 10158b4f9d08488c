import COpenSSL

/// HKDF (RFC 5869), extract and expand.
package enum HKDF {
  /// Derives `count` bytes. An empty salt means the string of zeros of the RFC.
  package static func derive(
    _ digest: Digest, from input: borrowing SecretBytes, salt: [UInt8], info: [UInt8], count: Int
  ) throws(CryptoError) -> SecretBytes {
    LibCrypto.prepare()
    return try SecretBytes(count: count) { (span) throws(CryptoError) in
      let status = span.withUnsafeMutableBytes { output in
        input.withBytes { bytes in
          bytes.withUnsafeBytes {
            envcrypt_hkdf(
              digest.rawValue, $0.baseAddress, $0.count, salt, salt.count, info, info.count,
              output.baseAddress, output.count)
          }
        }
      }
      try LibCrypto.check(status, "EVP_KDF_derive")
    }
  }
}

/// The key derivation of SP 800-108 in counter mode with HMAC. Counter and length have 32 bits; a
/// zero byte separates label and context.
enum KBKDF {
  static func derive(
    _ digest: Digest, from input: borrowing SecretBytes, label: [UInt8], context: [UInt8],
    count: Int
  ) throws(CryptoError) -> SecretBytes {
    LibCrypto.prepare()
    return try SecretBytes(count: count) { (span) throws(CryptoError) in
      let status = span.withUnsafeMutableBytes { output in
        input.withBytes { bytes in
          bytes.withUnsafeBytes {
            envcrypt_kbkdf(
              digest.rawValue, $0.baseAddress, $0.count, label, label.count, context,
              context.count, output.baseAddress, output.count)
          }
        }
      }
      try LibCrypto.check(status, "EVP_KDF_derive")
    }
  }
}

/// scrypt (RFC 7914), which derives a key from a passphrase.
package struct Scrypt: Equatable, Sendable {
  /// The parameters N, r and p of RFC 7914. The memory is 128 * cost * blockSize bytes.
  package var cost: UInt64
  package var blockSize: UInt64
  package var parallelism: UInt64

  package init(cost: UInt64, blockSize: UInt64, parallelism: UInt64) {
    self.cost = cost
    self.blockSize = blockSize
    self.parallelism = parallelism
  }

  /// The parameters of new passphrase protectors: 128 MiB.
  package static let standard = Scrypt(cost: 1 << 17, blockSize: 8, parallelism: 1)

  /// The most memory for stored parameters, in bytes: four times that of new parameters.
  static let memoryLimit: UInt64 = 1 << 29
  /// The most work for stored parameters: eight times that of new parameters.
  static let workLimit = 8 * standard.work

  /// The work, in steps of equal length. Overflows if the parameters are out of range.
  package var work: UInt64 { cost * blockSize * parallelism }

  /// True if RFC 7914 allows the parameters and they are within the limits of this program. Stored
  /// parameters are input, so they are checked before memory is allocated.
  package var isValid: Bool {
    guard cost > 1, cost & (cost - 1) == 0, cost <= 1 << 30, (1...64).contains(blockSize),
      (1...16).contains(parallelism)
    else { return false }
    // RFC 7914: the cost is less than 2^(16 * blockSize). Only a block size of 1 makes that matter.
    guard blockSize > 1 || cost < 1 << 16 else { return false }
    return 128 * cost * blockSize <= Self.memoryLimit && work <= Self.workLimit
  }

  package func derive(
    from passphrase: borrowing SecretBytes, salt: [UInt8], count: Int
  ) throws(CryptoError) -> SecretBytes {
    LibCrypto.prepare()
    guard isValid else { throw .invalidKey("scrypt parameters out of range") }
    let memory = Int(128 * cost * blockSize)
    guard SecretMemory.isAvailable(memory) else { throw .outOfMemory(memory) }
    return try SecretBytes(count: count) { (span) throws(CryptoError) in
      let status = span.withUnsafeMutableBytes { output in
        passphrase.withBytes { bytes in
          bytes.withUnsafeBytes { input in
            EVP_PBE_scrypt(
              input.bindMemory(to: CChar.self).baseAddress, input.count, salt, salt.count, cost,
              blockSize, parallelism, Self.memoryLimit + (1 << 24),
              output.bindMemory(to: UInt8.self).baseAddress, count)
          }
        }
      }
      try LibCrypto.check(status, "EVP_PBE_scrypt")
    }
  }
}
