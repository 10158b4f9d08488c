import KMSAPI
import KMSKeystore

/// The states of a key in which an operation is allowed, and the errors in the other states
/// (developer guide, "Key states of AWS KMS keys").
enum StateRule: CaseIterable {
  /// The key can be in any state.
  case anyState
  /// For operations that use the key. It must be enabled.
  case use
  /// For EnableKey and DisableKey. The key must have its material and must not be pending deletion.
  case setEnabled
  /// For operations that change data about the key. It must not be pending deletion.
  case change
  case cancelDeletion
  case rotation
  /// For operations that import material. The key must have the origin EXTERNAL and must not be
  /// pending deletion.
  case importMaterial
  /// For DeleteImportedKeyMaterial. The key must have the origin EXTERNAL, and can be in any state.
  case deleteMaterial

  /// Throws the API's error if the rule does not allow the operation with `record`.
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
  /// The rule for the key that the operation names. UpdateAlias applies it only to the new target.
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

  /// True if the operation changes the key. Nobody may do such an operation with a key that the
  /// keystore manages by itself.
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
