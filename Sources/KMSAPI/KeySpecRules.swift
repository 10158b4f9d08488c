import Envelope

extension KeySpec {
  /// The material of a key, in the form that libcrypto works with.
  package enum Material: Equatable {
    /// The bytes of a symmetric key.
    case aes256
    case hmac(MACAlgorithm)
    /// The PKCS #8 encoding of a private key.
    case keyPair(KeyPairKind)
  }

  /// Nil for the specs that our libcrypto does not support.
  package var material: Material? {
    switch self {
    case .symmetricDefault: .aes256
    case .rsa2048: .keyPair(.rsa(bits: 2048))
    case .rsa3072: .keyPair(.rsa(bits: 3072))
    case .rsa4096: .keyPair(.rsa(bits: 4096))
    case .eccNISTP256: .keyPair(.ec(.p256))
    case .eccNISTP384: .keyPair(.ec(.p384))
    case .eccNISTP521: .keyPair(.ec(.p521))
    case .eccSECGP256K1: .keyPair(.secp256k1)
    case .eccNISTEdwards25519: .keyPair(.ed25519)
    case .hmac224: .hmac(.hmacSHA224)
    case .hmac256: .hmac(.hmacSHA256)
    case .hmac384: .hmac(.hmacSHA384)
    case .hmac512: .hmac(.hmacSHA512)
    case .mlDSA44, .mlDSA65, .mlDSA87, .sm2: nil
    }
  }

  /// Returns the material. Throws `unsupportedOperation` if there is none: the text names the
  /// version of libcrypto that is needed, or gives another reason.
  package func requireMaterial() throws(KeyServiceError) -> Material {
    if let material { return material }
    let reason =
      self == .sm2
      ? "KMS has it in the regions of China only"
      : "it needs OpenSSL 3.5 or later, and this is \(LibCrypto.version)"
    throw .unsupportedOperation("key spec \(rawValue) is not supported: \(reason)")
  }

  /// The usages that a key of this spec can have. The first one applies if nobody chooses a usage.
  package var keyUsages: [KeyUsage] {
    switch material {
    case .aes256: [.encryptDecrypt]
    case .hmac: [.generateVerifyMAC]
    case .keyPair(.rsa): [.encryptDecrypt, .signVerify]
    case .keyPair(.secp256k1), .keyPair(.ed25519): [.signVerify]
    case .keyPair(.ec): [.keyAgreement, .signVerify]
    case nil: []
    }
  }

  /// True if the API also accepts the spec in the parameter with the older name.
  package var isCustomerMasterKeySpec: Bool {
    switch self {
    case .eccNISTEdwards25519, .mlDSA44, .mlDSA65, .mlDSA87: false
    default: true
    }
  }

  /// True if keys of this spec can have more than one version.
  package var isRotatable: Bool { self == .symmetricDefault }

  /// True if a key of this spec is a pair of a private key and a public key.
  package var isAsymmetric: Bool {
    if case .keyPair = material { true } else { false }
  }

  package func encryptionAlgorithms(for usage: KeyUsage) -> [EncryptionAlgorithm]? {
    guard usage == .encryptDecrypt else { return nil }
    return self == .symmetricDefault ? [.symmetricDefault] : [.rsaesOAEPSHA1, .rsaesOAEPSHA256]
  }

  package func signingAlgorithms(for usage: KeyUsage) -> [SigningAlgorithm]? {
    guard usage == .signVerify, case .keyPair(let kind) = material else { return nil }
    switch kind {
    case .rsa:
      return [
        .rsassaPKCS1SHA256, .rsassaPKCS1SHA384, .rsassaPKCS1SHA512, .rsassaPSSSHA256,
        .rsassaPSSSHA384, .rsassaPSSSHA512,
      ]
    case .ec(.p256), .secp256k1: return [.ecdsaSHA256]
    case .ec(.p384): return [.ecdsaSHA384]
    case .ec(.p521): return [.ecdsaSHA512]
    case .ed25519: return [.ed25519SHA512]
    }
  }

  package func macAlgorithms(for usage: KeyUsage) -> [MACAlgorithm]? {
    guard case .hmac(let algorithm) = material else { return nil }
    return [algorithm]
  }

  package func keyAgreementAlgorithms(for usage: KeyUsage) -> [KeyAgreementAlgorithm]? {
    usage == .keyAgreement ? [.ecdh] : nil
  }
}
