/// The algorithm suites of the AWS Encryption SDK (specification, `framework/algorithm-suites.md`).
/// The raw value is the algorithm suite ID. This package reads all of them and writes only those
/// with key commitment.
public enum AlgorithmSuite: UInt16, CaseIterable, Sendable {
  /// AES-128-GCM without key derivation.
  case aes128GCM = 0x0014
  /// AES-192-GCM without key derivation.
  case aes192GCM = 0x0046
  /// AES-256-GCM without key derivation.
  case aes256GCM = 0x0078
  /// AES-128-GCM, HKDF with SHA-256.
  case aes128GCMHKDFSHA256 = 0x0114
  /// AES-192-GCM, HKDF with SHA-256.
  case aes192GCMHKDFSHA256 = 0x0146
  /// AES-256-GCM, HKDF with SHA-256.
  case aes256GCMHKDFSHA256 = 0x0178
  /// AES-128-GCM, HKDF with SHA-256, signature with ECDSA on P-256 and SHA-256.
  case aes128GCMHKDFSHA256ECDSAP256 = 0x0214
  /// AES-192-GCM, HKDF with SHA-384, signature with ECDSA on P-384 and SHA-384.
  case aes192GCMHKDFSHA384ECDSAP384 = 0x0346
  /// AES-256-GCM, HKDF with SHA-384, signature with ECDSA on P-384 and SHA-384.
  case aes256GCMHKDFSHA384ECDSAP384 = 0x0378
  /// AES-256-GCM, HKDF with SHA-512, key commitment.
  case aes256GCMHKDFSHA512Commit = 0x0478
  /// AES-256-GCM, HKDF with SHA-512, key commitment, signature with ECDSA on P-384 and SHA-384.
  case aes256GCMHKDFSHA512CommitECDSAP384 = 0x0578

  /// The suite that `MessageEncryptor` writes by default: 0x0478.
  public static let standard = AlgorithmSuite.aes256GCMHKDFSHA512Commit
  /// The suite for signed messages: 0x0578.
  public static let signing = AlgorithmSuite.aes256GCMHKDFSHA512CommitECDSAP384

  /// The name that the SDKs print, for example "AES_256_GCM_HKDF_SHA512_COMMIT_KEY".
  public var name: String {
    switch self {
    case .aes128GCM: "AES_128_GCM_IV12_TAG16"
    case .aes192GCM: "AES_192_GCM_IV12_TAG16"
    case .aes256GCM: "AES_256_GCM_IV12_TAG16"
    case .aes128GCMHKDFSHA256: "AES_128_GCM_IV12_TAG16_HKDF_SHA256"
    case .aes192GCMHKDFSHA256: "AES_192_GCM_IV12_TAG16_HKDF_SHA256"
    case .aes256GCMHKDFSHA256: "AES_256_GCM_IV12_TAG16_HKDF_SHA256"
    case .aes128GCMHKDFSHA256ECDSAP256: "AES_128_GCM_IV12_TAG16_HKDF_SHA256_ECDSA_P256"
    case .aes192GCMHKDFSHA384ECDSAP384: "AES_192_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384"
    case .aes256GCMHKDFSHA384ECDSAP384: "AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384"
    case .aes256GCMHKDFSHA512Commit: "AES_256_GCM_HKDF_SHA512_COMMIT_KEY"
    case .aes256GCMHKDFSHA512CommitECDSAP384: "AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384"
    }
  }

  /// The message format version whose header carries this suite.
  public var formatVersion: FormatVersion { isCommitting ? .two : .one }

  /// True if the header commits to the data key, so that a message has only one plaintext.
  public var isCommitting: Bool {
    switch self {
    case .aes256GCMHKDFSHA512Commit, .aes256GCMHKDFSHA512CommitECDSAP384: true
    default: false
    }
  }

  /// True if a footer signs the header and the body.
  public var isSigned: Bool { signature != nil }

  /// Bytes in a data key, and in the message key derived from it.
  var dataKeyLength: Int {
    switch rawValue & 0xff {
    case 0x14: 16
    case 0x46: 24
    default: 32
    }
  }

  /// How the message key is derived from the data key.
  enum KeyDerivation: Equatable {
    /// The data key is the message key.
    case identity
    /// HKDF without a salt; the info is the suite ID and the message ID.
    case hkdf(Digest)
    /// HKDF-SHA-512 salted with the message ID, once for the message key and once for the
    /// commitment.
    case hkdfCommitting
  }

  var keyDerivation: KeyDerivation {
    switch self {
    case .aes128GCM, .aes192GCM, .aes256GCM: .identity
    case .aes128GCMHKDFSHA256, .aes192GCMHKDFSHA256, .aes256GCMHKDFSHA256,
      .aes128GCMHKDFSHA256ECDSAP256:
      .hkdf(.sha256)
    case .aes192GCMHKDFSHA384ECDSAP384, .aes256GCMHKDFSHA384ECDSAP384: .hkdf(.sha384)
    case .aes256GCMHKDFSHA512Commit, .aes256GCMHKDFSHA512CommitECDSAP384: .hkdfCommitting
    }
  }

  /// The curve and hash function of the footer's signature.
  var signature: (curve: Curve, digest: Digest)? {
    switch self {
    case .aes128GCMHKDFSHA256ECDSAP256: (.p256, .sha256)
    case .aes192GCMHKDFSHA384ECDSAP384, .aes256GCMHKDFSHA384ECDSAP384,
      .aes256GCMHKDFSHA512CommitECDSAP384:
      (.p384, .sha384)
    default: nil
    }
  }

  /// Bytes of suite data in the header: the commitment, or none.
  var suiteDataLength: Int { isCommitting ? 32 : 0 }
}

/// The versions of the message format (specification, `data-format/message-header.md`). The raw
/// value is the first byte of a message.
public enum FormatVersion: UInt8, Sendable {
  /// Version 1, for suites without key commitment.
  case one = 1
  /// Version 2, for suites with key commitment.
  case two = 2

  /// Bytes in a message ID.
  var messageIDLength: Int { self == .one ? 16 : 32 }
}

extension DataKey {
  /// A fresh data key of as many bytes as `suite` takes.
  static func random(for suite: AlgorithmSuite) throws(CryptoError) -> DataKey {
    DataKey(bytes: try .random(count: suite.dataKeyLength))
  }
}
