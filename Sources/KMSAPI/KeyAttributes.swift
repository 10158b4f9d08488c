// The attributes of a key in the KMS API, with the API's own names (botocore, `kms/2014-11-01`).

/// The kind of key material.
package enum KeySpec: String, CaseIterable, Sendable {
  case symmetricDefault = "SYMMETRIC_DEFAULT"
  case rsa2048 = "RSA_2048"
  case rsa3072 = "RSA_3072"
  case rsa4096 = "RSA_4096"
  case eccNISTP256 = "ECC_NIST_P256"
  case eccNISTP384 = "ECC_NIST_P384"
  case eccNISTP521 = "ECC_NIST_P521"
  case eccSECGP256K1 = "ECC_SECG_P256K1"
  case eccNISTEdwards25519 = "ECC_NIST_EDWARDS25519"
  case hmac224 = "HMAC_224"
  case hmac256 = "HMAC_256"
  case hmac384 = "HMAC_384"
  case hmac512 = "HMAC_512"
  case mlDSA44 = "ML_DSA_44"
  case mlDSA65 = "ML_DSA_65"
  case mlDSA87 = "ML_DSA_87"
  case sm2 = "SM2"
}

/// The operations that a key is for.
package enum KeyUsage: String, CaseIterable, Sendable {
  case encryptDecrypt = "ENCRYPT_DECRYPT"
  case signVerify = "SIGN_VERIFY"
  case generateVerifyMAC = "GENERATE_VERIFY_MAC"
  case keyAgreement = "KEY_AGREEMENT"
}

/// The state of a key, which decides if the key can be used now.
package enum KeyState: String, CaseIterable, Sendable {
  case enabled = "Enabled"
  case disabled = "Disabled"
  case pendingDeletion = "PendingDeletion"
  case pendingImport = "PendingImport"
}

/// The source of the key material.
package enum KeyOrigin: String, CaseIterable, Sendable {
  case awsKMS = "AWS_KMS"
  case external = "EXTERNAL"
}

/// The manager of a key.
package enum KeyManager: String, CaseIterable, Sendable {
  /// A person created the key.
  case customer = "CUSTOMER"
  /// `init` created the key. It is rotated automatically, and cannot be deleted or disabled.
  case aws = "AWS"
}

/// The kind of rotation that made a version of a key the current one.
package enum RotationType: String, CaseIterable, Sendable {
  case automatic = "AUTOMATIC"
  case onDemand = "ON_DEMAND"
}
