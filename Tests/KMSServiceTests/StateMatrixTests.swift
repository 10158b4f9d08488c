import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSService
@testable import TestSupport

/// Every operation in every state of a key (developer guide, "Key states of AWS KMS keys").
@Suite struct StateMatrixTests {
  enum Outcome: Equatable {
    case ok, disabled, invalidState, unsupported
    case other(String)
  }

  /// Outcomes for a key that is enabled, disabled, pending deletion, and pending import.
  struct Row: CustomStringConvertible, Sendable {
    let operation: KeyServiceOperation
    var note = ""
    let spec: KeySpec
    var usage: KeyUsage?
    /// True if the key has imported material in every state and not only while it is pending
    /// import.
    var isExternal = false
    let outcomes: [Outcome]
    let run: @Sendable (Fixture) throws -> Void

    var description: String { "\(operation.rawValue) \(note)" }
  }

  static let use: [Outcome] = [.ok, .disabled, .invalidState, .invalidState]
  static let change: [Outcome] = [.ok, .ok, .invalidState, .ok]
  static let always: [Outcome] = [.ok, .ok, .ok, .ok]
  static let rotation: [Outcome] = [.ok, .disabled, .invalidState, .unsupported]

  static let rows: [Row] = [
    Row(operation: .encrypt, spec: .symmetricDefault, outcomes: use) {
      _ = try $0.service.encrypt("x", under: $0.id)
    },
    Row(operation: .decrypt, spec: .symmetricDefault, outcomes: use) {
      try $0.decryptBlob()
    },
    Row(operation: .reEncrypt, note: "from", spec: .symmetricDefault, outcomes: use) {
      try $0.service.perform(
        ReEncryptRequest(ciphertextBlob: $0.blob, destinationKeyID: $0.other))
    },
    Row(operation: .reEncrypt, note: "to", spec: .symmetricDefault, outcomes: use) {
      try $0.service.perform(
        ReEncryptRequest(ciphertextBlob: $0.otherBlob, destinationKeyID: $0.id))
    },
    Row(operation: .generateDataKey, spec: .symmetricDefault, outcomes: use) {
      try $0.service.perform(GenerateDataKeyRequest(keyID: $0.id, keySpec: .aes256))
    },
    Row(operation: .generateDataKeyWithoutPlaintext, spec: .symmetricDefault, outcomes: use) {
      try $0.service.perform(
        GenerateDataKeyWithoutPlaintextRequest(keyID: $0.id, keySpec: .aes128))
    },
    Row(operation: .generateDataKeyPair, spec: .symmetricDefault, outcomes: use) {
      try $0.service.perform(
        GenerateDataKeyPairRequest(keyID: $0.id, keyPairSpec: .eccNISTP256))
    },
    Row(operation: .generateDataKeyPairWithoutPlaintext, spec: .symmetricDefault, outcomes: use) {
      try $0.service.perform(
        GenerateDataKeyPairWithoutPlaintextRequest(keyID: $0.id, keyPairSpec: .eccNISTP256))
    },
    Row(operation: .encrypt, note: "a file", spec: .symmetricDefault, outcomes: use) {
      _ = try TestWrapping.wrap(try $0.service.wrappingKeyring($0.id))
    },
    Row(operation: .decrypt, note: "a file", spec: .symmetricDefault, outcomes: use) {
      try $0.decryptFile()
    },
    Row(
      operation: .decrypt, note: "a file under EC", spec: .eccNISTP256, usage: .keyAgreement,
      outcomes: use
    ) {
      try $0.decryptFile()
    },
    Row(operation: .sign, spec: .eccNISTP256, usage: .signVerify, outcomes: use) {
      try $0.service.perform(
        SignRequest(keyID: $0.id, message: Blob([1]), signingAlgorithm: .ecdsaSHA256))
    },
    Row(operation: .verify, spec: .eccNISTP256, usage: .signVerify, outcomes: use) {
      try $0.service.perform(
        VerifyRequest(
          keyID: $0.id, message: Blob([1]), signature: $0.code, signingAlgorithm: .ecdsaSHA256))
    },
    Row(operation: .getPublicKey, spec: .eccNISTP256, usage: .signVerify, outcomes: use) {
      try $0.service.perform(GetPublicKeyRequest(keyID: $0.id))
    },
    Row(operation: .generateMac, spec: .hmac256, outcomes: use) {
      try $0.service.perform(
        GenerateMacRequest(keyID: $0.id, message: Blob([1]), macAlgorithm: .hmacSHA256))
    },
    Row(operation: .verifyMac, spec: .hmac256, outcomes: use) {
      try $0.service.perform(
        VerifyMacRequest(
          keyID: $0.id, message: Blob([1]), macAlgorithm: .hmacSHA256, mac: $0.code))
    },
    Row(operation: .deriveSharedSecret, spec: .eccNISTP256, usage: .keyAgreement, outcomes: use) {
      let peer = try ECPrivateKey.generate(on: .p256).publicKey().subjectPublicKeyInfo()
      try $0.service.perform(DeriveSharedSecretRequest(keyID: $0.id, publicKey: Blob(peer)))
    },
    Row(
      operation: .enableKey, spec: .symmetricDefault,
      outcomes: [.ok, .ok, .invalidState, .invalidState]
    ) { try $0.service.perform(EnableKeyRequest(keyID: $0.id)) },
    Row(
      operation: .disableKey, spec: .symmetricDefault,
      outcomes: [.ok, .ok, .invalidState, .invalidState]
    ) { try $0.service.perform(DisableKeyRequest(keyID: $0.id)) },
    Row(operation: .scheduleKeyDeletion, spec: .symmetricDefault, outcomes: change) {
      try $0.service.perform(ScheduleKeyDeletionRequest(keyID: $0.id))
    },
    Row(
      operation: .cancelKeyDeletion, spec: .symmetricDefault,
      outcomes: [.invalidState, .invalidState, .ok, .invalidState]
    ) { try $0.service.perform(CancelKeyDeletionRequest(keyID: $0.id)) },
    Row(operation: .createAlias, spec: .symmetricDefault, outcomes: change) {
      try $0.service.createAlias("alias/new", target: $0.id)
    },
    Row(operation: .updateAlias, note: "from", spec: .symmetricDefault, outcomes: always) {
      try $0.service.updateAlias("alias/key", target: $0.other)
    },
    Row(operation: .updateAlias, note: "to", spec: .symmetricDefault, outcomes: change) {
      try $0.service.updateAlias("alias/other", target: $0.id)
    },
    Row(operation: .deleteAlias, spec: .symmetricDefault, outcomes: always) {
      try $0.service.deleteAlias("alias/key")
    },
    Row(operation: .listAliases, spec: .symmetricDefault, outcomes: always) {
      _ = try $0.service.listAliases(target: $0.id)
    },
    Row(operation: .tagResource, spec: .symmetricDefault, outcomes: change) {
      try $0.service.perform(
        TagResourceRequest(keyID: $0.id, tags: [Tag(tagKey: "a", tagValue: "b")]))
    },
    Row(operation: .untagResource, spec: .symmetricDefault, outcomes: change) {
      try $0.service.perform(UntagResourceRequest(keyID: $0.id, tagKeys: ["a"]))
    },
    Row(operation: .listResourceTags, spec: .symmetricDefault, outcomes: always) {
      try $0.service.perform(ListResourceTagsRequest(keyID: $0.id))
    },
    Row(operation: .updateKeyDescription, spec: .symmetricDefault, outcomes: change) {
      try $0.service.perform(UpdateKeyDescriptionRequest(keyID: $0.id, description: "new"))
    },
    Row(operation: .describeKey, spec: .symmetricDefault, outcomes: always) {
      _ = try $0.service.describe($0.id)
    },
    Row(operation: .putKeyPolicy, spec: .symmetricDefault, outcomes: always) {
      try $0.service.perform(
        PutKeyPolicyRequest(keyID: $0.id, policy: PolicyEnforcementTests.policy))
    },
    Row(operation: .getKeyPolicy, spec: .symmetricDefault, outcomes: always) {
      try $0.service.perform(GetKeyPolicyRequest(keyID: $0.id))
    },
    Row(operation: .listKeyPolicies, spec: .symmetricDefault, outcomes: always) {
      try $0.service.perform(ListKeyPoliciesRequest(keyID: $0.id))
    },
    Row(operation: .createGrant, spec: .symmetricDefault, outcomes: use) {
      try $0.service.perform($0.grantRequest)
    },
    Row(operation: .listGrants, spec: .symmetricDefault, outcomes: always) {
      try $0.service.perform(ListGrantsRequest(keyID: $0.id))
    },
    Row(operation: .listRetirableGrants, spec: .symmetricDefault, outcomes: always) {
      try $0.service.perform(
        ListRetirableGrantsRequest(retiringPrincipal: Account.arn))
    },
    Row(operation: .retireGrant, spec: .symmetricDefault, outcomes: always) {
      try $0.service.perform(RetireGrantRequest(keyID: $0.id, grantID: $0.grant))
    },
    Row(operation: .revokeGrant, spec: .symmetricDefault, outcomes: always) {
      try $0.service.perform(RevokeGrantRequest(keyID: $0.id, grantID: $0.grant))
    },
    Row(operation: .getKeyLastUsage, spec: .symmetricDefault, outcomes: always) {
      try $0.service.perform(GetKeyLastUsageRequest(keyID: $0.id))
    },
    Row(operation: .listKeys, spec: .symmetricDefault, outcomes: always) {
      try $0.findInList()
    },
    Row(operation: .enableKeyRotation, spec: .symmetricDefault, outcomes: rotation) {
      try $0.service.perform(EnableKeyRotationRequest(keyID: $0.id))
    },
    Row(operation: .disableKeyRotation, spec: .symmetricDefault, outcomes: rotation) {
      try $0.service.perform(DisableKeyRotationRequest(keyID: $0.id))
    },
    Row(operation: .rotateKeyOnDemand, spec: .symmetricDefault, outcomes: rotation) {
      try $0.service.perform(RotateKeyOnDemandRequest(keyID: $0.id))
    },
    Row(operation: .getKeyRotationStatus, spec: .symmetricDefault, outcomes: always) {
      try $0.service.perform(GetKeyRotationStatusRequest(keyID: $0.id))
    },
    Row(operation: .listKeyRotations, spec: .symmetricDefault, outcomes: always) {
      try $0.service.perform(ListKeyRotationsRequest(keyID: $0.id))
    },
    Row(
      operation: .getParametersForImport, note: "of the keystore's own key",
      spec: .symmetricDefault, outcomes: [.unsupported, .unsupported, .invalidState, .ok]
    ) { try $0.getParametersForImport() },
    Row(
      operation: .getParametersForImport, spec: .symmetricDefault, isExternal: true,
      outcomes: [.ok, .ok, .invalidState, .ok]
    ) { try $0.getParametersForImport() },
    Row(
      operation: .importKeyMaterial, note: "of the keystore's own key", spec: .symmetricDefault,
      outcomes: [.unsupported, .unsupported, .invalidState, .ok]
    ) { try $0.importAgain() },
    Row(
      operation: .importKeyMaterial, spec: .symmetricDefault, isExternal: true,
      outcomes: [.ok, .ok, .invalidState, .ok]
    ) { try $0.importAgain() },
    Row(
      operation: .deleteImportedKeyMaterial, note: "of the keystore's own key",
      spec: .symmetricDefault, outcomes: [.unsupported, .unsupported, .unsupported, .ok]
    ) { try $0.service.perform(DeleteImportedKeyMaterialRequest(keyID: $0.id)) },
    Row(
      operation: .deleteImportedKeyMaterial, spec: .symmetricDefault, isExternal: true,
      outcomes: always
    ) { try $0.service.perform(DeleteImportedKeyMaterialRequest(keyID: $0.id)) },
  ]

  @Test func everyOperationIsHere() {
    let tested = Set(Self.rows.map(\.operation))
    let without: Set<KeyServiceOperation> = [.createKey, .generateRandom]
    #expect(tested.union(without) == Set(KeyServiceOperation.allCases))
  }

  @Test(arguments: rows)
  func operationInEveryState(row: Row) throws {
    let states: [KeyState] = [.enabled, .disabled, .pendingDeletion, .pendingImport]
    for (state, wanted) in zip(states, row.outcomes) {
      let fixture = try Fixture(
        row.spec, row.usage ?? row.spec.keyUsages[0], state,
        isExternal: row.isExternal || state == .pendingImport)
      #expect(try fixture.service.describe(fixture.id).keyState == state)
      var found = Outcome.ok
      do {
        try row.run(fixture)
      } catch KeyServiceError.disabled(fixture.id) {
        found = .disabled
      } catch KeyServiceError.invalidState(fixture.id, state) {
        found = .invalidState
      } catch KeyServiceError.unsupportedOperation {
        found = .unsupported
      } catch {
        found = .other("\(error)")
      }
      #expect(found == wanted, "\(row) in state \(state.rawValue)")
    }
  }

  /// A key in some state, and results that were made with it before.
  struct Fixture {
    let keystore: TestKeystore
    var service: KeyService { keystore.service }
    let id: String
    /// Another key, which is enabled, and a ciphertext under it.
    let other: String
    let otherBlob: Blob
    var blob = Blob([])
    /// A signature or a MAC of the byte 1.
    var code = Blob([])
    var wrapped: EncryptedDataKey?
    let grant: String
    var grantRequest: CreateGrantRequest {
      CreateGrantRequest(
        keyID: id, granteePrincipal: Account.arn, operations: [.describeKey])
    }
    private let material: [UInt8]
    private let importing: GetParametersForImportRequest.Response?

    init(_ spec: KeySpec, _ usage: KeyUsage, _ state: KeyState, isExternal: Bool) throws {
      keystore = try TestKeystore()
      let service = keystore.service
      other = try service.createKey(alias: "alias/other").keyID
      otherBlob = try service.encrypt("text", under: other)
      id =
        try service.createKey(
          spec: spec, usage: usage, origin: isExternal ? .external : nil, alias: "alias/key"
        ).keyID
      material =
        spec == .eccNISTP256
        ? try ECPrivateKey.generate(on: .p256).pkcs8().exposed : patternBytes(32)
      if isExternal {
        importing = try service.perform(
          GetParametersForImportRequest(
            keyID: id, wrappingAlgorithm: .rsaesOAEPSHA256, wrappingKeySpec: .rsa2048))
        try service.importMaterial(material, into: id, token: importing)
      } else {
        importing = nil
      }
      grant = try service.perform(
        CreateGrantRequest(
          keyID: id, granteePrincipal: Account.arn, operations: [.describeKey])
      ).grantID
      switch usage {
      case .encryptDecrypt:
        blob = try service.encrypt("text", under: id)
        wrapped = try TestWrapping.wrap(try service.wrappingKeyring(id))
      case .signVerify:
        code =
          try service.perform(
            SignRequest(keyID: id, message: Blob([1]), signingAlgorithm: .ecdsaSHA256)
          ).signature
      case .generateVerifyMAC:
        code =
          try service.perform(
            GenerateMacRequest(keyID: id, message: Blob([1]), macAlgorithm: .hmacSHA256)
          ).mac
      case .keyAgreement: wrapped = try TestWrapping.wrap(try service.wrappingKeyring(id))
      }
      switch state {
      case .enabled: break
      case .disabled: try service.perform(DisableKeyRequest(keyID: id))
      case .pendingDeletion: try service.perform(ScheduleKeyDeletionRequest(keyID: id))
      case .pendingImport: try service.perform(DeleteImportedKeyMaterialRequest(keyID: id))
      }
    }

    func decryptBlob() throws { #expect(try service.decrypt(blob) == "text") }

    func decryptFile() throws {
      let keyring = KeystoreKeyring(service, unwrappingUnder: nil)
      let dataKey = try TestWrapping.unwrap(keyring, try #require(wrapped))
      #expect(dataKey == patternBytes(32))
    }

    func findInList() throws {
      #expect(try service.listKeys().contains { $0.keyID == id })
      #expect(try service.listAliases().contains { $0.targetKeyID == id })
    }

    func getParametersForImport() throws {
      try service.perform(
        GetParametersForImportRequest(
          keyID: id, wrappingAlgorithm: .rsaAESKeyWrapSHA256, wrappingKeySpec: .rsa2048))
    }

    /// Imports the key's own material. For a key that takes no imported material, the request has
    /// arbitrary content.
    func importAgain() throws {
      if let importing {
        try service.importMaterial(material, into: id, token: importing)
      } else {
        try service.perform(
          ImportKeyMaterialRequest(
            keyID: id, importToken: Blob([1]), encryptedKeyMaterial: Blob([1]),
            expirationModel: .keyMaterialDoesNotExpire))
      }
    }
  }
}
