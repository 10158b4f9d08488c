import Envelope

// The KMS API's algorithms and choices, under its names (botocore, `kms/2014-11-01`).

/// How Encrypt, Decrypt and ReEncrypt work.
package enum EncryptionAlgorithm: String, APIEnumeration {
  case symmetricDefault = "SYMMETRIC_DEFAULT"
  case rsaesOAEPSHA1 = "RSAES_OAEP_SHA_1"
  case rsaesOAEPSHA256 = "RSAES_OAEP_SHA_256"
  case sm2PKE = "SM2PKE"

  /// The padding of the RSA algorithms.
  package var padding: RSAPadding? {
    switch self {
    case .rsaesOAEPSHA1: .oaep(.sha1)
    case .rsaesOAEPSHA256: .oaep(.sha256)
    case .symmetricDefault, .sm2PKE: nil
    }
  }
}

/// How Sign and Verify work.
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

  /// What libcrypto does for it; nil where ours does not know it.
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
}

/// How GenerateMac and VerifyMac work.
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

/// How DeriveSharedSecret works.
package enum KeyAgreementAlgorithm: String, APIEnumeration {
  case ecdh = "ECDH"
}

/// What Sign and Verify are given.
package enum MessageType: String, APIEnumeration {
  /// The message itself, at most 4096 bytes.
  case raw = "RAW"
  /// Its digest, as long as the algorithm's.
  case digest = "DIGEST"
  case externalMu = "EXTERNAL_MU"
}

/// How long GenerateDataKey's key is.
package enum DataKeySpec: String, APIEnumeration {
  case aes256 = "AES_256"
  case aes128 = "AES_128"

  package var byteCount: Int { self == .aes256 ? 32 : 16 }
}

/// What kind of key pair GenerateDataKeyPair makes.
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
}

/// How key material is wrapped for ImportKeyMaterial.
package enum WrappingAlgorithm: String, APIEnumeration {
  case rsaesPKCS1 = "RSAES_PKCS1_V1_5"
  case rsaesOAEPSHA1 = "RSAES_OAEP_SHA_1"
  case rsaesOAEPSHA256 = "RSAES_OAEP_SHA_256"
  case rsaAESKeyWrapSHA1 = "RSA_AES_KEY_WRAP_SHA_1"
  case rsaAESKeyWrapSHA256 = "RSA_AES_KEY_WRAP_SHA_256"
  case sm2PKE = "SM2PKE"
}

/// The key that wraps material for ImportKeyMaterial.
package enum WrappingKeySpec: String, APIEnumeration {
  case rsa2048 = "RSA_2048"
  case rsa3072 = "RSA_3072"
  case rsa4096 = "RSA_4096"
  case sm2 = "SM2"
}

/// Whether imported material expires.
package enum ExpirationModel: String, APIEnumeration {
  case keyMaterialExpires = "KEY_MATERIAL_EXPIRES"
  case keyMaterialDoesNotExpire = "KEY_MATERIAL_DOES_NOT_EXPIRE"
}

/// What ImportKeyMaterial brings.
package enum ImportType: String, APIEnumeration {
  case newKeyMaterial = "NEW_KEY_MATERIAL"
  case existingKeyMaterial = "EXISTING_KEY_MATERIAL"
}

/// Whether the material of a version is there.
package enum ImportState: String, APIEnumeration {
  case imported = "IMPORTED"
  case pendingImport = "PENDING_IMPORT"
}

/// Whether a version of a key is the one that encrypts.
package enum KeyMaterialState: String, APIEnumeration {
  case nonCurrent = "NON_CURRENT"
  case current = "CURRENT"
  case pendingRotation = "PENDING_ROTATION"
}

/// What ListKeyRotations lists.
package enum IncludeKeyMaterial: String, APIEnumeration {
  case allKeyMaterial = "ALL_KEY_MATERIAL"
  case rotationsOnly = "ROTATIONS_ONLY"
}

extension KeySpec: APIEnumeration {}
extension KeyUsage: APIEnumeration {}
extension KeyState: APIEnumeration {}
extension KeyOrigin: APIEnumeration {}
extension KeyManager: APIEnumeration {}
extension RotationType: APIEnumeration {}
