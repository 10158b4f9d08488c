import Envelope

/// An operation that a grant can allow (KMS API, "GrantOperation").
package enum GrantOperation: String, APIEnumeration {
  case decrypt = "Decrypt"
  case encrypt = "Encrypt"
  case generateDataKey = "GenerateDataKey"
  case generateDataKeyWithoutPlaintext = "GenerateDataKeyWithoutPlaintext"
  case reEncryptFrom = "ReEncryptFrom"
  case reEncryptTo = "ReEncryptTo"
  case sign = "Sign"
  case verify = "Verify"
  case getPublicKey = "GetPublicKey"
  case createGrant = "CreateGrant"
  case retireGrant = "RetireGrant"
  case describeKey = "DescribeKey"
  case generateDataKeyPair = "GenerateDataKeyPair"
  case generateDataKeyPairWithoutPlaintext = "GenerateDataKeyPairWithoutPlaintext"
  case generateMac = "GenerateMac"
  case verifyMac = "VerifyMac"
  case deriveSharedSecret = "DeriveSharedSecret"
}

/// The encryption contexts that a grant allows (KMS API, "GrantConstraints"). The keys of a context
/// are compared without regard to case, and the values are compared exactly.
package struct GrantConstraints: Codable, Equatable, Sendable {
  /// The pairs that the context must have. It may also have other pairs.
  package var encryptionContextSubset: EncryptionContext?
  /// The pairs that the context must have. It must not have other pairs.
  package var encryptionContextEquals: EncryptionContext?

  package init(
    encryptionContextSubset: EncryptionContext? = nil,
    encryptionContextEquals: EncryptionContext? = nil
  ) {
    self.encryptionContextSubset = encryptionContextSubset
    self.encryptionContextEquals = encryptionContextEquals
  }
}
