import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSService
@testable import KMSTemplates
@testable import TestSupport

/// The keys whose policies each operation checks, and the actions that it checks. Each of them can
/// refuse the operation, and no other is checked. An operation without a row fails the test.
@Suite struct OperationKeysTests {
  /// A key, named by its role in an operation.
  enum Role: String, CaseIterable, Sendable {
    case a, b, rsa, ec, signing, mac, external
  }

  struct Ask: Hashable, Sendable, CustomStringConvertible {
    let action: String
    let role: Role

    init(_ action: String, _ role: Role) {
      self.action = action
      self.role = role
    }

    var description: String { "kms:\(action) with \(role.rawValue)" }
  }

  struct Row: Sendable, CustomTestStringConvertible {
    /// An operation of the API, or another command.
    let name: String
    let asks: [Ask]
    /// The preparation, done by the owner.
    private(set) var prepare: @Sendable (Fixture) throws -> Void = { _ in }
    let body: @Sendable (KeyService, Fixture) throws -> Void

    var testDescription: String { name }

    init(
      _ name: String, _ asks: [Ask],
      _ body: @escaping @Sendable (KeyService, Fixture) throws -> Void
    ) {
      self.name = name
      self.asks = asks
      self.body = body
    }

    /// Returns the same row with a preparation by the owner.
    func after(_ prepare: @escaping @Sendable (Fixture) throws -> Void) -> Row {
      var row = self
      row.prepare = prepare
      return row
    }
  }

  /// Keys, created on first use, and a user with the permissions in `allowed`.
  final class Fixture: @unchecked Sendable {
    static let user = "arn:aws:iam::000000000000:user/user"
    let keystore: TestKeystore
    var owner: KeyService { keystore.service }
    private var keys: [Role: String] = [:]
    var allowed: Set<Ask> = []
    /// Prepared by the owner.
    var blob: Blob!
    var wrapped: EncryptedDataKey!
    var grant: CreateGrantRequest.Response!
    var parameters: GetParametersForImportRequest.Response!

    init() throws { keystore = try TestKeystore() }

    func key(_ role: Role) throws -> String {
      if let key = keys[role] { return key }
      let made =
        switch role {
        case .a: try owner.createKey(alias: "alias/a")
        case .b: try owner.createKey(alias: "alias/b")
        case .rsa: try owner.createKey(spec: .rsa2048)
        case .ec: try owner.createKey(spec: .eccNISTP256, usage: .keyAgreement)
        case .signing: try owner.createKey(spec: .eccNISTP256, usage: .signVerify)
        case .mac: try owner.createKey(spec: .hmac256)
        case .external: try owner.createKey(origin: .external)
        }
      keys[role] = made.keyID
      return made.keyID
    }

    /// Sets the policies according to `allowed` and returns the user's service in a process of its
    /// own.
    func user() throws -> KeyService {
      for role in Role.allCases {
        guard let key = keys[role] else { continue }
        let actions = allowed.filter { $0.role == role }.map { "\"kms:\($0.action)\"" }
        let statement =
          actions.isEmpty
          ? ""
          : """
          , {"Effect": "Allow", "Principal": {"AWS": "\(Self.user)"}, "Resource": "*",
             "Action": [\(actions.joined(separator: ", "))]}
          """
        try owner.perform(
          PutKeyPolicyRequest(
            keyID: key,
            policy: """
              {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
                "Action": "kms:*", "Resource": "*"}\(statement)]}
              """))
      }
      return try keystore.service(of: "user")
    }

    func wrap(under role: Role) throws {
      wrapped = try TestWrapping.wrap(try owner.wrappingKeyring(try key(role)))
    }

    func unwrap(_ service: KeyService) throws {
      _ = try TestWrapping.unwrap(KeystoreKeyring(service, unwrappingUnder: nil), wrapped)
    }

    func makeGrant() throws {
      var request = CreateGrantRequest(
        keyID: try key(.a), granteePrincipal: "arn:aws:iam::000000000000:user/other",
        operations: [.describeKey])
      request.retiringPrincipal = Self.user
      grant = try owner.perform(request)
    }
  }

  static let rows: [Row] = [
    // No policy of a key is checked.
    Row("ListKeys", []) { service, _ in _ = try service.listKeys() },
    Row("ListAliases", []) { service, _ in _ = try service.listAliases() },
    Row("GenerateRandom", []) { service, _ in
      try service.perform(GenerateRandomRequest(numberOfBytes: 1))
    },
    // The grant names the user as the retiring principal.
    Row("RetireGrant", []) { service, test in
      try service.perform(RetireGrantRequest(grantToken: test.grant.grantToken))
    }.after { try $0.makeGrant() },
    Row("ListRetirableGrants", []) { service, _ in
      let grants = try service.perform(
        ListRetirableGrantsRequest(retiringPrincipal: Fixture.user)
      ).grants
      #expect(grants.count == 1)
    }.after { try $0.makeGrant() },

    // Two keys.
    Row(
      "ReEncrypt", [Ask("ReEncryptFrom", .a), Ask("ReEncryptTo", .b)]
    ) { service, test in
      try service.perform(
        ReEncryptRequest(ciphertextBlob: test.blob, destinationKeyID: try test.key(.b)))
    }.after { $0.blob = try $0.owner.encrypt("x", under: try $0.key(.a)) },
    Row("UpdateAlias", [Ask("UpdateAlias", .a), Ask("UpdateAlias", .b)]) { service, test in
      try service.updateAlias("alias/a", target: try test.key(.b))
    },

    // One key.
    Row("CreateAlias", [Ask("CreateAlias", .a)]) { service, test in
      try service.createAlias("alias/new", target: try test.key(.a))
    },
    Row("DeleteAlias", [Ask("DeleteAlias", .a)]) { service, _ in
      try service.deleteAlias("alias/a")
    },
    Row("ListAliases of a key", [Ask("ListAliases", .a)]) { service, test in
      _ = try service.listAliases(target: try test.key(.a))
    },
    Row("DescribeKey", [Ask("DescribeKey", .a)]) { service, test in
      _ = try service.describe(try test.key(.a))
    },
    Row("UpdateKeyDescription", [Ask("UpdateKeyDescription", .a)]) { service, test in
      try service.perform(
        UpdateKeyDescriptionRequest(keyID: try test.key(.a), description: "x"))
    },
    Row("EnableKey", [Ask("EnableKey", .a)]) { service, test in
      try service.perform(EnableKeyRequest(keyID: try test.key(.a)))
    },
    Row("DisableKey", [Ask("DisableKey", .a)]) { service, test in
      try service.perform(DisableKeyRequest(keyID: try test.key(.a)))
    },
    Row("ScheduleKeyDeletion", [Ask("ScheduleKeyDeletion", .a)]) { service, test in
      try service.perform(ScheduleKeyDeletionRequest(keyID: try test.key(.a)))
    },
    Row(
      "CancelKeyDeletion", [Ask("CancelKeyDeletion", .a)]
    ) { service, test in
      try service.perform(CancelKeyDeletionRequest(keyID: try test.key(.a)))
    }.after { try $0.owner.perform(ScheduleKeyDeletionRequest(keyID: try $0.key(.a))) },
    Row("TagResource", [Ask("TagResource", .a)]) { service, test in
      try service.perform(
        TagResourceRequest(keyID: try test.key(.a), tags: [Tag(tagKey: "t", tagValue: "")]))
    },
    Row("UntagResource", [Ask("UntagResource", .a)]) { service, test in
      try service.perform(UntagResourceRequest(keyID: try test.key(.a), tagKeys: ["t"]))
    },
    Row("ListResourceTags", [Ask("ListResourceTags", .a)]) { service, test in
      try service.perform(ListResourceTagsRequest(keyID: try test.key(.a)))
    },
    Row("Encrypt", [Ask("Encrypt", .a)]) { service, test in
      _ = try service.encrypt("x", under: try test.key(.a))
    },
    Row(
      "Decrypt", [Ask("Decrypt", .a)]
    ) { service, test in
      _ = try service.decrypt(test.blob)
    }.after { $0.blob = try $0.owner.encrypt("x", under: try $0.key(.a)) },
    Row("GenerateDataKey", [Ask("GenerateDataKey", .a)]) { service, test in
      try service.perform(GenerateDataKeyRequest(keyID: try test.key(.a), keySpec: .aes256))
    },
    Row("GenerateDataKeyWithoutPlaintext", [Ask("GenerateDataKeyWithoutPlaintext", .a)]) {
      service, test in
      try service.perform(
        GenerateDataKeyWithoutPlaintextRequest(keyID: try test.key(.a), keySpec: .aes256))
    },
    Row("GenerateDataKeyPair", [Ask("GenerateDataKeyPair", .a)]) { service, test in
      try service.perform(
        GenerateDataKeyPairRequest(keyID: try test.key(.a), keyPairSpec: .eccNISTP256))
    },
    Row("GenerateDataKeyPairWithoutPlaintext", [Ask("GenerateDataKeyPairWithoutPlaintext", .a)]) {
      service, test in
      try service.perform(
        GenerateDataKeyPairWithoutPlaintextRequest(
          keyID: try test.key(.a), keyPairSpec: .eccNISTP256))
    },
    Row("EnableKeyRotation", [Ask("EnableKeyRotation", .a)]) { service, test in
      try service.perform(EnableKeyRotationRequest(keyID: try test.key(.a)))
    },
    Row("DisableKeyRotation", [Ask("DisableKeyRotation", .a)]) { service, test in
      try service.perform(DisableKeyRotationRequest(keyID: try test.key(.a)))
    },
    Row("GetKeyRotationStatus", [Ask("GetKeyRotationStatus", .a)]) { service, test in
      try service.perform(GetKeyRotationStatusRequest(keyID: try test.key(.a)))
    },
    Row("RotateKeyOnDemand", [Ask("RotateKeyOnDemand", .a)]) { service, test in
      try service.perform(RotateKeyOnDemandRequest(keyID: try test.key(.a)))
    },
    Row("ListKeyRotations", [Ask("ListKeyRotations", .a)]) { service, test in
      try service.perform(ListKeyRotationsRequest(keyID: try test.key(.a)))
    },
    Row("GetKeyLastUsage", [Ask("GetKeyLastUsage", .a)]) { service, test in
      try service.perform(GetKeyLastUsageRequest(keyID: try test.key(.a)))
    },
    Row("GetParametersForImport", [Ask("GetParametersForImport", .external)]) { service, test in
      try service.perform(
        GetParametersForImportRequest(
          keyID: try test.key(.external), wrappingAlgorithm: .rsaesOAEPSHA256,
          wrappingKeySpec: .rsa2048))
    },
    Row(
      "ImportKeyMaterial", [Ask("ImportKeyMaterial", .external)]
    ) { service, test in
      try service.importMaterial(
        patternBytes(32), into: try test.key(.external), token: test.parameters)
    }.after {
      $0.parameters = try $0.owner.perform(
        GetParametersForImportRequest(
          keyID: try $0.key(.external), wrappingAlgorithm: .rsaesOAEPSHA256,
          wrappingKeySpec: .rsa2048))
    },
    Row(
      "DeleteImportedKeyMaterial", [Ask("DeleteImportedKeyMaterial", .external)]
    ) { service, test in
      try service.perform(DeleteImportedKeyMaterialRequest(keyID: try test.key(.external)))
    }.after { try $0.owner.importMaterial(patternBytes(32), into: try $0.key(.external)) },
    Row("GetPublicKey", [Ask("GetPublicKey", .ec)]) { service, test in
      _ = try service.publicKey(try test.key(.ec))
    },
    Row("DeriveSharedSecret", [Ask("DeriveSharedSecret", .ec)]) { service, test in
      let peer = try ECPrivateKey.generate(on: .p256).publicKey().subjectPublicKeyInfo()
      try service.perform(
        DeriveSharedSecretRequest(keyID: try test.key(.ec), publicKey: Blob(peer)))
    },
    Row("Sign", [Ask("Sign", .signing)]) { service, test in
      try service.perform(
        SignRequest(
          keyID: try test.key(.signing), message: Blob([1]), signingAlgorithm: .ecdsaSHA256))
    },
    Row(
      "Verify", [Ask("Verify", .signing)]
    ) { service, test in
      try service.perform(
        VerifyRequest(
          keyID: try test.key(.signing), message: Blob([1]), signature: test.blob,
          signingAlgorithm: .ecdsaSHA256))
    }.after {
      $0.blob = try $0.owner.perform(
        SignRequest(
          keyID: try $0.key(.signing), message: Blob([1]), signingAlgorithm: .ecdsaSHA256)
      ).signature
    },
    Row("GenerateMac", [Ask("GenerateMac", .mac)]) { service, test in
      try service.perform(
        GenerateMacRequest(
          keyID: try test.key(.mac), message: Blob([1]), macAlgorithm: .hmacSHA256))
    },
    Row(
      "VerifyMac", [Ask("VerifyMac", .mac)]
    ) { service, test in
      try service.perform(
        VerifyMacRequest(
          keyID: try test.key(.mac), message: Blob([1]), macAlgorithm: .hmacSHA256,
          mac: test.blob))
    }.after {
      $0.blob = try $0.owner.perform(
        GenerateMacRequest(
          keyID: try $0.key(.mac), message: Blob([1]), macAlgorithm: .hmacSHA256)
      ).mac
    },
    Row("PutKeyPolicy", [Ask("PutKeyPolicy", .a)]) { service, test in
      try service.perform(
        PutKeyPolicyRequest(
          keyID: try test.key(.a),
          policy: """
            {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}}
            """))
    },
    Row("GetKeyPolicy", [Ask("GetKeyPolicy", .a)]) { service, test in
      _ = try service.perform(GetKeyPolicyRequest(keyID: try test.key(.a)))
    },
    Row("ListKeyPolicies", [Ask("ListKeyPolicies", .a)]) { service, test in
      _ = try service.perform(ListKeyPoliciesRequest(keyID: try test.key(.a)))
    },
    Row("CreateGrant", [Ask("CreateGrant", .a)]) { service, test in
      try service.perform(
        CreateGrantRequest(
          keyID: try test.key(.a), granteePrincipal: "arn:aws:iam::000000000000:user/other",
          operations: [.describeKey]))
    },
    Row("ListGrants", [Ask("ListGrants", .a)]) { service, test in
      _ = try service.perform(ListGrantsRequest(keyID: try test.key(.a)))
    },
    Row("RevokeGrant", [Ask("RevokeGrant", .a)]) {
      service, test in
      try service.perform(
        RevokeGrantRequest(keyID: try test.key(.a), grantID: test.grant.grantID))
    }.after { try $0.makeGrant() },

    // Files, and commands outside the API.
    Row("a file, encrypted", [Ask("GenerateDataKey", .a)]) { service, test in
      _ = try TestWrapping.wrap(try service.wrappingKeyring(try test.key(.a)))
    },
    Row("a file, decrypted", [Ask("Decrypt", .a)]) {
      service, test in try test.unwrap(service)
    }.after { try $0.wrap(under: .a) },
    Row("a file under RSA, encrypted", [Ask("Encrypt", .rsa)]) { service, test in
      _ = try TestWrapping.wrap(try service.wrappingKeyring(try test.key(.rsa)))
    },
    Row("a file under RSA, decrypted", [Ask("Decrypt", .rsa)]) {
      service, test in try test.unwrap(service)
    }.after { try $0.wrap(under: .rsa) },
    Row("a file under EC, encrypted", [Ask("Encrypt", .ec)]) { service, test in
      _ = try TestWrapping.wrap(try service.wrappingKeyring(try test.key(.ec)))
    },
    Row("a file under EC, decrypted", [Ask("Decrypt", .ec)]) {
      service, test in try test.unwrap(service)
    }.after { try $0.wrap(under: .ec) },
    Row("key export", [Ask("ExportKey", .a)]) { service, test in
      _ = try service.exportKey(try test.key(.a)).file
    },
    Row("key policy simulate", [Ask("GetKeyPolicy", .a)]) { service, test in
      _ = try service.simulate(
        PolicySimulation(keyID: try test.key(.a), action: "kms:Decrypt"))
    },
  ]

  /// Operations of the account, which no key policy can allow to others.
  static let accounts = ["CreateKey"]

  @Test func everyOperationHasARow() {
    let names = Set(Self.rows.map(\.name) + Self.accounts)
    #expect(KeyServiceOperation.allCases.map(\.rawValue).filter { !names.contains($0) } == [])
  }

  private func outcome(of row: Row, allowing allowed: [Ask]) throws -> (KeyServiceError?, Fixture) {
    let fixture = try Fixture()
    // These two keys always exist.
    _ = (try fixture.key(.a), try fixture.key(.b))
    for ask in row.asks { _ = try fixture.key(ask.role) }
    try row.prepare(fixture)
    fixture.allowed = Set(allowed)
    do {
      try row.body(try fixture.user(), fixture)
      return (nil, fixture)
    } catch let error as KeyServiceError {
      return (error, fixture)
    }
  }

  @Test(arguments: rows) func asksForThatAndNothingElse(row: Row) throws {
    #expect(try outcome(of: row, allowing: row.asks).0 == nil)
    for ask in row.asks {
      let (error, fixture) = try outcome(of: row, allowing: row.asks.filter { $0 != ask })
      #expect(error?.name == "AccessDeniedException", "\(ask)")
      let wanted = "kms:\(ask.action) with key \(try fixture.key(ask.role))"
      #expect(error?.detail.contains(wanted) ?? false, "\(String(describing: error))")
    }
  }

  /// A template that moves an alias checks both keys, as UpdateAlias does.
  @Test func templatesAskBothKeysOfAnAlias() throws {
    for (denied, isLeft) in [(Role.a, true), (.b, false)] {
      let fixture = try Fixture()
      let ids = [try fixture.key(.a), try fixture.key(.b)]
      func template(_ target: String) throws -> StackRequest {
        StackRequest(
          template: try Template(
            parsing: Array(
              """
              Resources:
                x: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/x, TargetKeyId: \(target)}}
              """.utf8)), stackName: "s")
      }
      _ = try fixture.owner.applyStack(try template(ids[0]))
      try fixture.owner.perform(
        PutKeyPolicyRequest(
          keyID: try fixture.key(denied),
          policy: """
            {"Statement": [
              {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"},
              {"Effect": "Deny", "Principal": "*", "Action": "kms:UpdateAlias", "Resource": "*"}]}
            """))
      let error = #expect(throws: KeyServiceError.self) {
        try fixture.owner.applyStack(try template(ids[1]))
      }
      #expect(
        error?.detail.contains("kms:UpdateAlias with key \(try fixture.key(denied))") ?? false)
      #expect(try fixture.owner.describe("alias/x").keyID == ids[0], "\(isLeft)")
    }
  }

  /// An alias created together with its key needs the same permission as an alias created later.
  @Test func aKeyIsMadeWithAnAliasOnlyIfItsPolicyAllowsThat() throws {
    let keystore = try TestKeystore()
    let owner = keystore.service
    var request = CreateKeyRequest()
    request.policy = """
      {"Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "kms:CreateAlias", "Resource": "*"}]}
      """
    let error = #expect(throws: KeyServiceError.self) {
      try owner.createKey(request, alias: "alias/a")
    }
    #expect(error?.name == "AccessDeniedException")
    #expect(try owner.listKeys().isEmpty && owner.listAliases().isEmpty)
    #expect(throws: Never.self) { try owner.createKey(request, alias: nil) }
  }

  /// Each key's policy sees only its own half of a request, and not the algorithm or alias of the
  /// other key.
  @Test func eachKeySeesItsOwnHalfOfARequest() throws {
    let fixture = try Fixture()
    let owner = fixture.owner
    let (a, rsa) = (try fixture.key(.a), try fixture.key(.rsa))
    let blob = try owner.encrypt("x", under: a)
    try owner.perform(
      PutKeyPolicyRequest(
        keyID: rsa,
        policy: """
          {"Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"},
            {"Effect": "Deny", "Principal": "*", "Action": "kms:ReEncryptTo", "Resource": "*",
             "Condition": {"StringNotEquals": {"kms:EncryptionAlgorithm": "RSAES_OAEP_SHA_1"}}},
            {"Effect": "Deny", "Principal": "*", "Action": "kms:ReEncryptTo", "Resource": "*",
             "Condition": {"StringEquals": {"kms:RequestAlias": "alias/a"}}}]}
          """))
    for (algorithm, isDenied) in [
      (EncryptionAlgorithm.rsaesOAEPSHA256, true), (.rsaesOAEPSHA1, false),
    ] {
      let request = ReEncryptRequest(
        ciphertextBlob: blob, sourceKeyID: "alias/a", destinationKeyID: rsa,
        destinationEncryptionAlgorithm: algorithm)
      var error: KeyServiceError?
      do { try owner.perform(request) } catch let failure as KeyServiceError { error = failure }
      #expect((error?.name == "AccessDeniedException") == isDenied, "\(algorithm)")
    }
  }

  /// Text that is not the name of an alias is refused. It used to succeed without deleting
  /// anything.
  @Test func onlyAnAliasIsDeleted() throws {
    let fixture = try Fixture()
    let key = try fixture.key(.a)
    for name in [key, KeyName.arn(ofKey: key), KeyName.arn(ofAlias: "alias/a")] {
      #expect(throws: KeyServiceError.invalidAliasName(name)) {
        try fixture.owner.deleteAlias(name)
      }
    }
    #expect(try fixture.owner.listAliases().map(\.aliasName) == ["alias/a"])
  }
}
