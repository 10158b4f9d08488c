import KMSAPI
import KMSKeystore

/// In which states of a key an operation can be done, and what it answers in the others (developer
/// guide, "Key states of AWS KMS keys").
enum StateRule: CaseIterable {
  /// Any state will do.
  case anyState
  /// To use the key: it must be enabled.
  case use
  /// EnableKey and DisableKey: the key must have its material and be there to stay.
  case setEnabled
  /// To change what is known of the key: it must be there to stay.
  case change
  case cancelDeletion
  case rotation
  /// Where the key's material comes from outside.
  case importMaterial
  /// DeleteImportedKeyMaterial, which is well in every state.
  case deleteMaterial

  /// Throws what the API answers where `record` is in no state for it.
  func check(_ record: MasterKeyRecord) throws(KeyServiceError) {
    let invalidState = KeyServiceError.invalidState(keyID: record.id, state: record.state)
    switch (self, record.state) {
    case (.anyState, _), (.use, .enabled), (.rotation, .enabled): break
    case (.use, .disabled), (.rotation, .disabled):
      throw .disabled(keyID: record.id)
    case (.use, _), (.rotation, .pendingDeletion): throw invalidState
    case (.rotation, .pendingImport):
      throw .unsupportedOperation("key \(record.id) has no key material to rotate")
    case (.setEnabled, .enabled), (.setEnabled, .disabled): break
    case (.setEnabled, _): throw invalidState
    case (.change, .pendingDeletion): throw invalidState
    case (.change, _): break
    case (.cancelDeletion, .pendingDeletion): break
    case (.cancelDeletion, _): throw invalidState
    case (.importMaterial, .pendingDeletion): throw invalidState
    case (.importMaterial, _), (.deleteMaterial, _):
      guard record.origin == .external else {
        throw .unsupportedOperation(
          "key \(record.id) has the origin \(record.origin.rawValue): material is imported into "
            + "keys of the origin EXTERNAL")
      }
    }
  }
}

extension KeyServiceOperation {
  /// The rule for the key that the operation names. UpdateAlias keeps it for its new target.
  var stateRule: StateRule {
    switch self {
    case .createKey, .listKeys, .generateRandom, .describeKey, .listAliases, .deleteAlias,
      .listResourceTags, .listKeyRotations, .getKeyRotationStatus, .getKeyLastUsage,
      .putKeyPolicy, .getKeyPolicy, .listKeyPolicies, .listGrants, .listRetirableGrants,
      .retireGrant, .revokeGrant:
      .anyState
    case .encrypt, .decrypt, .reEncrypt, .generateDataKey, .generateDataKeyWithoutPlaintext,
      .generateDataKeyPair, .generateDataKeyPairWithoutPlaintext, .getPublicKey, .sign, .verify,
      .generateMac, .verifyMac, .deriveSharedSecret, .createGrant:
      .use
    case .enableKey, .disableKey: .setEnabled
    case .scheduleKeyDeletion, .createAlias, .updateAlias, .tagResource, .untagResource,
      .updateKeyDescription:
      .change
    case .cancelKeyDeletion: .cancelDeletion
    case .enableKeyRotation, .disableKeyRotation, .rotateKeyOnDemand: .rotation
    case .getParametersForImport, .importKeyMaterial: .importMaterial
    case .deleteImportedKeyMaterial: .deleteMaterial
    }
  }

  /// Whether the operation changes a key that the service manages itself, which nobody may.
  var changesManagedKey: Bool {
    switch self {
    case .enableKey, .disableKey, .scheduleKeyDeletion, .cancelKeyDeletion, .updateKeyDescription,
      .tagResource, .untagResource, .enableKeyRotation, .disableKeyRotation, .rotateKeyOnDemand,
      .putKeyPolicy, .createGrant, .retireGrant, .revokeGrant:
      true
    default: false
    }
  }
}
