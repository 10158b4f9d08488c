// What the KMS API says of a key, in its own words (botocore, `kms/2014-11-01`).

/// The kind of key material.
public enum KeySpec: String, Codable, CaseIterable, Sendable {
  case symmetricDefault = "SYMMETRIC_DEFAULT"
  case rsa2048 = "RSA_2048"
  case rsa3072 = "RSA_3072"
  case rsa4096 = "RSA_4096"

  /// The modulus of an RSA key, in bits.
  var rsaBits: Int? {
    switch self {
    case .symmetricDefault: nil
    case .rsa2048: 2048
    case .rsa3072: 3072
    case .rsa4096: 4096
    }
  }

  /// The algorithms that wrap under a key of this spec.
  public var encryptionAlgorithms: [String] {
    self == .symmetricDefault ? ["SYMMETRIC_DEFAULT"] : ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
  }
}

/// What a key is for.
public enum KeyUsage: String, Codable, Sendable {
  case encryptDecrypt = "ENCRYPT_DECRYPT"
}

/// Whether a key can be used now.
public enum KeyState: String, Codable, Sendable {
  case enabled = "Enabled"
  case disabled = "Disabled"
  case pendingDeletion = "PendingDeletion"
  case pendingImport = "PendingImport"
}

/// Where key material came from.
public enum KeyOrigin: String, Codable, Sendable {
  case awsKMS = "AWS_KMS"
  case external = "EXTERNAL"
}

/// Who manages a key.
public enum KeyManager: String, Codable, Sendable {
  case customer = "CUSTOMER"
}
