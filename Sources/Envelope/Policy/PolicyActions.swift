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

  /// "Decrypt" for "kms:Decrypt", and for "KMS:decrypt", which means the same in a policy. A text that is not an action
  /// is returned as it is.
  static func name(of action: String) -> String {
    let known = all.first { $0.lowercased() == action.lowercased() } ?? action
    return String(isOther(known) ? known[...] : known.dropFirst(prefix.count))
  }

  /// True for an action of another service than KMS.
  static func isOther(_ action: String) -> Bool { !action.lowercased().hasPrefix(prefix) }

  /// The actions whose requests have an encryption algorithm.
  static let ofEncryption: Set<String> = [
    "Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
  ]
  /// The actions whose requests have a key agreement algorithm. Decrypt is among them for files under elliptic-curve keys.
  static let ofKeyAgreement: Set<String> = ["DeriveSharedSecret", "Decrypt"]

  /// The actions that an operation of the API, "ReEncrypt", asks for: for ReEncrypt the one of the
  /// source key first.
  public static func actions(ofOperation name: String) -> [String] {
    name == "ReEncrypt" ? ["kms:ReEncryptFrom", "kms:ReEncryptTo"] : [prefix + name]
  }
}
