import KMSAPI

/// A request of the KMS API, with the code that carries it out.
package protocol HandledRequest: KeyServiceRequest {
  /// Carries out the operation. Callers use `KeyService.perform`, which makes `call`.
  func perform(in call: OperationCall) throws -> Response
  /// Calls `service` to carry out the operation. If `allPages`, returns all pages of a list as one,
  /// as the AWS CLI does, unless the request asks for a certain page.
  func response(from service: KeyService, allPages: Bool) throws -> Response
}

extension HandledRequest {
  package func response(from service: KeyService, allPages: Bool) throws -> Response {
    try service.perform(self)
  }
}

extension HandledRequest where Self: PagedRequest {
  package func response(from service: KeyService, allPages: Bool) throws -> Response {
    let isWhole = allPages && limit == nil && marker == nil
    return try isWhole ? service.performAll(self) : service.perform(self)
  }
}

extension KeyServiceOperation {
  /// The type of the operation's request. A front end decodes that type, and passes the request to
  /// `KeyService.perform`.
  package var requestType: any HandledRequest.Type {
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
  /// True if the audit log records the operation. It records the operations that use or change a
  /// key.
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
