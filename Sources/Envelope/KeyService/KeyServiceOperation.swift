/// The KMS API's operations that a keystore has, by the API's names.
public enum KeyServiceOperation: String, CaseIterable, Sendable {
  case createKey = "CreateKey"
  case describeKey = "DescribeKey"
  case listKeys = "ListKeys"
  case updateKeyDescription = "UpdateKeyDescription"
  case enableKey = "EnableKey"
  case disableKey = "DisableKey"
  case scheduleKeyDeletion = "ScheduleKeyDeletion"
  case cancelKeyDeletion = "CancelKeyDeletion"
  case createAlias = "CreateAlias"
  case updateAlias = "UpdateAlias"
  case deleteAlias = "DeleteAlias"
  case listAliases = "ListAliases"
  case tagResource = "TagResource"
  case untagResource = "UntagResource"
  case listResourceTags = "ListResourceTags"
  case encrypt = "Encrypt"
  case decrypt = "Decrypt"
  case reEncrypt = "ReEncrypt"
  case generateDataKey = "GenerateDataKey"
  case generateDataKeyWithoutPlaintext = "GenerateDataKeyWithoutPlaintext"
  case generateDataKeyPair = "GenerateDataKeyPair"
  case generateDataKeyPairWithoutPlaintext = "GenerateDataKeyPairWithoutPlaintext"
  case generateRandom = "GenerateRandom"
  case enableKeyRotation = "EnableKeyRotation"
  case disableKeyRotation = "DisableKeyRotation"
  case getKeyRotationStatus = "GetKeyRotationStatus"
  case rotateKeyOnDemand = "RotateKeyOnDemand"
  case listKeyRotations = "ListKeyRotations"
  case getParametersForImport = "GetParametersForImport"
  case importKeyMaterial = "ImportKeyMaterial"
  case deleteImportedKeyMaterial = "DeleteImportedKeyMaterial"
  case getPublicKey = "GetPublicKey"
  case sign = "Sign"
  case verify = "Verify"
  case generateMac = "GenerateMac"
  case verifyMac = "VerifyMac"
  case deriveSharedSecret = "DeriveSharedSecret"
  case getKeyLastUsage = "GetKeyLastUsage"
  case putKeyPolicy = "PutKeyPolicy"
  case getKeyPolicy = "GetKeyPolicy"
  case listKeyPolicies = "ListKeyPolicies"
  case createGrant = "CreateGrant"
  case listGrants = "ListGrants"
  case listRetirableGrants = "ListRetirableGrants"
  case retireGrant = "RetireGrant"
  case revokeGrant = "RevokeGrant"

  /// The dispatcher: what an operation's request is. Whoever speaks the API, on the command line or
  /// elsewhere, decodes that type and hands it to `KeyService.perform`.
  public var requestType: any KeyServiceRequest.Type {
    switch self {
    case .createKey: CreateKeyRequest.self
    case .describeKey: DescribeKeyRequest.self
    case .listKeys: ListKeysRequest.self
    case .updateKeyDescription: UpdateKeyDescriptionRequest.self
    case .enableKey: EnableKeyRequest.self
    case .disableKey: DisableKeyRequest.self
    case .scheduleKeyDeletion: ScheduleKeyDeletionRequest.self
    case .cancelKeyDeletion: CancelKeyDeletionRequest.self
    case .createAlias: CreateAliasRequest.self
    case .updateAlias: UpdateAliasRequest.self
    case .deleteAlias: DeleteAliasRequest.self
    case .listAliases: ListAliasesRequest.self
    case .tagResource: TagResourceRequest.self
    case .untagResource: UntagResourceRequest.self
    case .listResourceTags: ListResourceTagsRequest.self
    case .encrypt: EncryptRequest.self
    case .decrypt: DecryptRequest.self
    case .reEncrypt: ReEncryptRequest.self
    case .generateDataKey: GenerateDataKeyRequest.self
    case .generateDataKeyWithoutPlaintext: GenerateDataKeyWithoutPlaintextRequest.self
    case .generateDataKeyPair: GenerateDataKeyPairRequest.self
    case .generateDataKeyPairWithoutPlaintext: GenerateDataKeyPairWithoutPlaintextRequest.self
    case .generateRandom: GenerateRandomRequest.self
    case .enableKeyRotation: EnableKeyRotationRequest.self
    case .disableKeyRotation: DisableKeyRotationRequest.self
    case .getKeyRotationStatus: GetKeyRotationStatusRequest.self
    case .rotateKeyOnDemand: RotateKeyOnDemandRequest.self
    case .listKeyRotations: ListKeyRotationsRequest.self
    case .getParametersForImport: GetParametersForImportRequest.self
    case .importKeyMaterial: ImportKeyMaterialRequest.self
    case .deleteImportedKeyMaterial: DeleteImportedKeyMaterialRequest.self
    case .getPublicKey: GetPublicKeyRequest.self
    case .sign: SignRequest.self
    case .verify: VerifyRequest.self
    case .generateMac: GenerateMacRequest.self
    case .verifyMac: VerifyMacRequest.self
    case .deriveSharedSecret: DeriveSharedSecretRequest.self
    case .getKeyLastUsage: GetKeyLastUsageRequest.self
    case .putKeyPolicy: PutKeyPolicyRequest.self
    case .getKeyPolicy: GetKeyPolicyRequest.self
    case .listKeyPolicies: ListKeyPoliciesRequest.self
    case .createGrant: CreateGrantRequest.self
    case .listGrants: ListGrantsRequest.self
    case .listRetirableGrants: ListRetirableGrantsRequest.self
    case .retireGrant: RetireGrantRequest.self
    case .revokeGrant: RevokeGrantRequest.self
    }
  }
}

extension KeyServiceOperation {
  /// The API's other operations, and why a keystore does not have them.
  public static let unsupported: [String: String] = {
    let groups: [(String, [String])] = [
      (
        "there are no custom key stores",
        [
          "ConnectCustomKeyStore", "CreateCustomKeyStore", "DeleteCustomKeyStore",
          "DescribeCustomKeyStores", "DisconnectCustomKeyStore", "UpdateCustomKeyStore",
        ]
      ),
      ("a keystore is in one place, not in regions", ["ReplicateKey", "UpdatePrimaryRegion"]),
      ("ML-KEM keys need OpenSSL 3.5 or later", ["Decapsulate", "Encapsulate"]),
    ]
    return Dictionary(
      uniqueKeysWithValues: groups.flatMap { reason, names in names.map { ($0, reason) } })
  }()
}

extension KeyServiceOperation {
  /// Whether the audit log has the operation: those that use or change a key.
  var isRecorded: Bool {
    switch self {
    case .describeKey, .listKeys, .listAliases, .listResourceTags, .getKeyRotationStatus,
      .listKeyRotations, .generateRandom, .getKeyLastUsage,
      .getKeyPolicy, .listKeyPolicies, .listGrants, .listRetirableGrants:
      false
    default: true
    }
  }
}

/// A request of the KMS API. Property names are the API's member names as `APIName` maps them.
public protocol KeyServiceRequest: Codable, Sendable {
  associatedtype Response: Codable & Sendable
  static var operation: KeyServiceOperation { get }

  /// What the operation does. Only `KeyService.perform` can make a call to hand in.
  func perform(in call: OperationCall) throws -> Response
}

/// The answer of operations that have none.
public struct EmptyResponse: Codable, Sendable {}
