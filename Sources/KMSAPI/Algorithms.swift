import Envelope

// The algorithms and other enumerations of the KMS API, with the API's own names (botocore,
// `kms/2014-11-01`).

/// An algorithm of Encrypt, Decrypt and ReEncrypt.
package enum EncryptionAlgorithm: String, APIEnumeration {
  case symmetricDefault = "SYMMETRIC_DEFAULT"
  case rsaesOAEPSHA1 = "RSAES_OAEP_SHA_1"
  case rsaesOAEPSHA256 = "RSAES_OAEP_SHA_256"
  case sm2PKE = "SM2PKE"

  /// The padding of an RSA algorithm; nil for the other algorithms.
  package var padding: RSAPadding? {
    switch self {
    case .rsaesOAEPSHA1: .oaep(.sha1)
    case .rsaesOAEPSHA256: .oaep(.sha256)
    case .symmetricDefault, .sm2PKE: nil
    }
  }

  package static var supported: [Self] { allCases.filter { $0 != .sm2PKE } }
}

/// An algorithm of Sign and Verify.
package enum SigningAlgorithm: String, APIEnumeration {
  case rsassaPSSSHA256 = "RSASSA_PSS_SHA_256"
  case rsassaPSSSHA384 = "RSASSA_PSS_SHA_384"
  case rsassaPSSSHA512 = "RSASSA_PSS_SHA_512"
  case rsassaPKCS1SHA256 = "RSASSA_PKCS1_V1_5_SHA_256"
  case rsassaPKCS1SHA384 = "RSASSA_PKCS1_V1_5_SHA_384"
  case rsassaPKCS1SHA512 = "RSASSA_PKCS1_V1_5_SHA_512"
  case ecdsaSHA256 = "ECDSA_SHA_256"
  case ecdsaSHA384 = "ECDSA_SHA_384"
  case ecdsaSHA512 = "ECDSA_SHA_512"
  case ed25519SHA512 = "ED25519_SHA_512"
  case ed25519PHSHA512 = "ED25519_PH_SHA_512"
  case sm2DSA = "SM2DSA"
  case mlDSASHAKE256 = "ML_DSA_SHAKE_256"

  /// The scheme that libcrypto uses for the algorithm. Nil if our libcrypto does not support it.
  package var scheme: SignatureScheme? {
    switch self {
    case .rsassaPSSSHA256: .pss(.sha256)
    case .rsassaPSSSHA384: .pss(.sha384)
    case .rsassaPSSSHA512: .pss(.sha512)
    case .rsassaPKCS1SHA256: .pkcs1(.sha256)
    case .rsassaPKCS1SHA384: .pkcs1(.sha384)
    case .rsassaPKCS1SHA512: .pkcs1(.sha512)
    case .ecdsaSHA256: .ecdsa(.sha256)
    case .ecdsaSHA384: .ecdsa(.sha384)
    case .ecdsaSHA512: .ecdsa(.sha512)
    case .ed25519SHA512: .ed25519
    case .ed25519PHSHA512, .sm2DSA, .mlDSASHAKE256: nil
    }
  }

  package static var supported: [Self] { allCases.filter { $0.scheme != nil } }
}

/// An algorithm of GenerateMac and VerifyMac.
package enum MACAlgorithm: String, APIEnumeration {
  case hmacSHA224 = "HMAC_SHA_224"
  case hmacSHA256 = "HMAC_SHA_256"
  case hmacSHA384 = "HMAC_SHA_384"
  case hmacSHA512 = "HMAC_SHA_512"

  package var digest: Digest {
    switch self {
    case .hmacSHA224: .sha224
    case .hmacSHA256: .sha256
    case .hmacSHA384: .sha384
    case .hmacSHA512: .sha512
    }
  }
}

/// An algorithm of DeriveSharedSecret.
package enum KeyAgreementAlgorithm: String, APIEnumeration {
  case ecdh = "ECDH"
}

/// The kind of input that Sign and Verify get.
package enum MessageType: String, APIEnumeration {
  /// The message itself, at most 4096 bytes.
  case raw = "RAW"
  /// The digest of the message. Its length is that of the algorithm's digest.
  case digest = "DIGEST"
  /// For ML-DSA keys, which are not supported.
  case externalMu = "EXTERNAL_MU"

  package static var supported: [Self] { [.raw, .digest] }
}

/// The length of the key that GenerateDataKey makes.
package enum DataKeySpec: String, APIEnumeration {
  case aes256 = "AES_256"
  case aes128 = "AES_128"

  package var byteCount: Int { self == .aes256 ? 32 : 16 }
}

/// The kind of key pair that GenerateDataKeyPair makes.
package enum DataKeyPairSpec: String, APIEnumeration {
  case rsa2048 = "RSA_2048"
  case rsa3072 = "RSA_3072"
  case rsa4096 = "RSA_4096"
  case eccNISTP256 = "ECC_NIST_P256"
  case eccNISTP384 = "ECC_NIST_P384"
  case eccNISTP521 = "ECC_NIST_P521"
  case eccSECGP256K1 = "ECC_SECG_P256K1"
  case eccNISTEdwards25519 = "ECC_NIST_EDWARDS25519"
  case sm2 = "SM2"

  package var keySpec: KeySpec { KeySpec(rawValue: rawValue)! }

  package static var supported: [Self] { allCases.filter { $0.keySpec.material != nil } }
}

/// The algorithm that wraps key material for ImportKeyMaterial.
package enum WrappingAlgorithm: String, APIEnumeration {
  case rsaesPKCS1 = "RSAES_PKCS1_V1_5"
  case rsaesOAEPSHA1 = "RSAES_OAEP_SHA_1"
  case rsaesOAEPSHA256 = "RSAES_OAEP_SHA_256"
  case rsaAESKeyWrapSHA1 = "RSA_AES_KEY_WRAP_SHA_1"
  case rsaAESKeyWrapSHA256 = "RSA_AES_KEY_WRAP_SHA_256"
  case sm2PKE = "SM2PKE"

  package static var supported: [Self] { allCases.filter { $0 != .rsaesPKCS1 && $0 != .sm2PKE } }
}

/// The kind of key that wraps key material for ImportKeyMaterial.
package enum WrappingKeySpec: String, APIEnumeration {
  case rsa2048 = "RSA_2048"
  case rsa3072 = "RSA_3072"
  case rsa4096 = "RSA_4096"
  case sm2 = "SM2"

  package static var supported: [Self] { allCases.filter { $0 != .sm2 } }
}

/// Tells if imported material expires.
package enum ExpirationModel: String, APIEnumeration {
  case keyMaterialExpires = "KEY_MATERIAL_EXPIRES"
  case keyMaterialDoesNotExpire = "KEY_MATERIAL_DOES_NOT_EXPIRE"
}

/// Tells if ImportKeyMaterial imports material that the key never had, or material that it had
/// before.
package enum ImportType: String, APIEnumeration {
  case newKeyMaterial = "NEW_KEY_MATERIAL"
  case existingKeyMaterial = "EXISTING_KEY_MATERIAL"
}

/// Tells if a version has its material.
package enum ImportState: String, APIEnumeration {
  case imported = "IMPORTED"
  case pendingImport = "PENDING_IMPORT"
}

/// Tells if a version of a key is the one that encrypts.
package enum KeyMaterialState: String, APIEnumeration {
  case nonCurrent = "NON_CURRENT"
  case current = "CURRENT"
  case pendingRotation = "PENDING_ROTATION"
}

/// The versions that ListKeyRotations lists.
package enum IncludeKeyMaterial: String, APIEnumeration {
  case allKeyMaterial = "ALL_KEY_MATERIAL"
  case rotationsOnly = "ROTATIONS_ONLY"
}

extension KeySpec: APIEnumeration {
  package static var supported: [Self] { allCases.filter { $0.material != nil } }
}
extension KeyUsage: APIEnumeration {}
extension KeyState: APIEnumeration {}
extension KeyOrigin: APIEnumeration {}
extension KeyManager: APIEnumeration {}
extension RotationType: APIEnumeration {}
