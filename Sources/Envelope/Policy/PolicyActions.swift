/// The actions that policies of KMS name (service authorization reference, "Actions, resources, and
/// condition keys for AWS Key Management Service").
public enum PolicyActions {
  /// What every action begins with.
  static let prefix = "kms:"

  /// All of them, as policies write them, in order. They are the operations of the API, except that
  /// ReEncrypt is two, for the key it decrypts with and the key it encrypts under, and that
  /// SynchronizeMultiRegionKey is no operation.
  public static let all: [String] = [
    "CancelKeyDeletion", "ConnectCustomKeyStore", "CreateAlias", "CreateCustomKeyStore",
    "CreateGrant", "CreateKey", "Decapsulate", "Decrypt", "DeleteAlias", "DeleteCustomKeyStore",
    "DeleteImportedKeyMaterial", "DeriveSharedSecret", "DescribeCustomKeyStores", "DescribeKey",
    "DisableKey", "DisableKeyRotation", "DisconnectCustomKeyStore", "EnableKey",
    "EnableKeyRotation", "Encapsulate", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac",
    "GenerateRandom", "GetKeyLastUsage", "GetKeyPolicy", "GetKeyRotationStatus",
    "GetParametersForImport", "GetPublicKey", "ImportKeyMaterial", "ListAliases", "ListGrants",
    "ListKeyPolicies", "ListKeyRotations", "ListKeys", "ListResourceTags", "ListRetirableGrants",
    "PutKeyPolicy", "ReEncryptFrom", "ReEncryptTo", "ReplicateKey", "RetireGrant", "RevokeGrant",
    "RotateKeyOnDemand", "ScheduleKeyDeletion", "Sign", "SynchronizeMultiRegionKey", "TagResource",
    "UntagResource", "UpdateAlias", "UpdateCustomKeyStore", "UpdateKeyDescription",
    "UpdatePrimaryRegion", "Verify", "VerifyMac",
  ].map { prefix + $0 }

  /// The actions that an operation of the API, "ReEncrypt", asks for: for ReEncrypt the one of the
  /// source key first.
  public static func actions(ofOperation name: String) -> [String] {
    name == "ReEncrypt" ? ["kms:ReEncryptFrom", "kms:ReEncryptTo"] : [prefix + name]
  }
}
