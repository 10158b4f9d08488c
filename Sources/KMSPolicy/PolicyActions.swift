import Envelope

/// The actions in policies of KMS (service authorization reference, "Actions, resources, and
/// condition keys for AWS Key Management Service").
package enum PolicyActions {
  /// The prefix of every action of KMS.
  package static let prefix = "kms:"

  /// All actions of KMS as policies write them, sorted. They are the operations of the API with two
  /// exceptions. ReEncrypt has two actions: one for the key that it decrypts with, and one for the
  /// key that it encrypts under. SynchronizeMultiRegionKey is not an operation.
  package static let all: [String] = [
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

  /// The actions that a policy can allow or deny beside those of KMS: commands that use a key.
  static let ofCommands = [prefix + "ExportKey"]

  /// All actions that a keystore may ask a policy for, and those of KMS that it does not have.
  package static let known = (all + ofCommands).sorted()

  /// Returns the known action that is written like this, in upper or lower case.
  package static func known(_ action: String) -> String? {
    known.first { $0.lowercased() == action.lowercased() }
  }

  /// Returns the known action that was probably meant.
  package static func nearest(to action: String) -> String? {
    NearestName.find(String(action.dropFirst(prefix.count)), in: known.map(name)).map {
      prefix + $0
    }
  }

  /// Returns "Decrypt" for "kms:Decrypt", and for "KMS:decrypt", which means the same in a policy.
  /// Returns a text without the prefix as it is.
  package static func name(of action: String) -> String {
    let known = known(action) ?? action
    return String(isOther(known) ? known[...] : known.dropFirst(prefix.count))
  }

  /// True for an action of a service other than KMS.
  package static func isOther(_ action: String) -> Bool { !action.lowercased().hasPrefix(prefix) }

  /// The actions whose requests have an encryption algorithm.
  package static let ofEncryption: Set<String> = [
    "Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
  ]
  /// The actions whose requests have a key agreement algorithm. Decrypt has one for files under
  /// elliptic-curve keys.
  package static let ofKeyAgreement: Set<String> = ["DeriveSharedSecret", "Decrypt"]

  /// Returns the actions that an operation of the API requires. For "ReEncrypt" they are two, the
  /// one on the source key first.
  package static func actions(ofOperation name: String) -> [String] {
    name == "ReEncrypt" ? ["kms:ReEncryptFrom", "kms:ReEncryptTo"] : [prefix + name]
  }
}
