import Foundation
import GRDB
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSPolicy
@testable import KMSService
@testable import TestSupport

/// Every operation by each of several callers, under a policy as people write it for AWS: an
/// administrator who cannot use the key, and a user who cannot administer it.
@Suite struct PolicyEnforcementTests {
  static let policy = """
    {
      "Version": "2012-10-17",
      "Id": "key-example-1",
      "Statement": [
        {
          "Sid": "Enable IAM User Permissions", "Effect": "Allow",
          "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
          "Action": "kms:*", "Resource": "*"
        },
        {
          "Sid": "Allow administration of the key", "Effect": "Allow",
          "Principal": {"AWS": "arn:aws:iam::000000000000:user/key-admin"},
          "Action": [
            "kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*",
            "kms:Revoke*", "kms:Disable*", "kms:Get*", "kms:Delete*", "kms:TagResourse*",
            "kms:UntagResourse*", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"
          ],
          "Resource": "*"
        },
        {
          "Sid": "Allow use of the key", "Effect": "Allow",
          "Principal": {"AWS": "arn:aws:iam::000000000000:user/backup"},
          "Action": [
            "kms:DescribeKey", "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*",
            "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"
          ],
          "Resource": "*"
        }
      ]
    }
    """

  let keystore: TestKeystore
  var owner: KeyService { keystore.service }
  let key: String
  let other: String
  let blob: Blob

  init() throws {
    keystore = try TestKeystore()
    key = try keystore.service.createKey(alias: "alias/a").keyID
    other = try keystore.service.createKey().keyID
    blob = try keystore.service.encrypt("text", under: key, context: ["purpose": "backup"])
    for id in [key, other] {
      try keystore.service.perform(PutKeyPolicyRequest(keyID: id, policy: Self.policy))
    }
  }

  /// A grant to another user.
  var grant: CreateGrantRequest {
    var request = CreateGrantRequest(
      keyID: key, granteePrincipal: "arn:aws:iam::000000000000:user/other",
      operations: [.describeKey])
    request.name = "once"
    return request
  }

  func service(_ name: String) throws -> KeyService {
    try keystore.service(of: name)
  }

  /// An operation, the callers that the policy allows, and the call.
  struct Row: Sendable {
    let operation: String
    let allowed: Set<String>
    let body: @Sendable (KeyService, PolicyEnforcementTests) throws -> Void

    init(
      _ operation: String, _ allowed: Set<String>,
      _ body: @escaping @Sendable (KeyService, PolicyEnforcementTests) throws -> Void
    ) {
      self.operation = operation
      self.allowed = allowed
      self.body = body
    }
  }

  /// The permissions that the policy gives. The order keeps the key usable to the end.
  static let rows: [Row] = [
    Row("Encrypt", ["backup"]) { service, test in _ = try service.encrypt("x", under: test.key) },
    Row("Decrypt", ["backup"]) { service, test in
      _ = try service.decrypt(test.blob, context: ["purpose": "backup"])
    },
    Row("ReEncrypt", ["backup"]) { service, test in
      _ = try service.perform(
        ReEncryptRequest(
          ciphertextBlob: test.blob, sourceEncryptionContext: ["purpose": "backup"],
          destinationKeyID: test.other))
    },
    Row("GenerateDataKey", ["backup"]) { service, test in
      _ = try service.perform(GenerateDataKeyRequest(keyID: test.key, keySpec: .aes256))
    },
    Row("GenerateDataKeyWithoutPlaintext", ["backup"]) { service, test in
      _ = try service.perform(
        GenerateDataKeyWithoutPlaintextRequest(keyID: test.key, keySpec: .aes256))
    },
    Row("GenerateDataKeyPair", []) { service, test in
      _ = try service.perform(
        GenerateDataKeyPairRequest(keyID: test.key, keyPairSpec: .eccNISTP256))
    },
    Row("a file, encrypted", ["backup"]) { service, test in
      _ = try TestWrapping.wrap(try service.wrappingKeyring(test.key))
    },
    Row("ExportKey", []) { service, test in _ = try service.exportKey(test.key).file },
    Row("DescribeKey", ["backup", "key-admin"]) { service, test in
      _ = try service.perform(DescribeKeyRequest(keyID: test.key))
    },
    Row("GetKeyPolicy", ["key-admin"]) { service, test in
      _ = try service.perform(GetKeyPolicyRequest(keyID: test.key))
    },
    Row("ListKeyPolicies", ["key-admin"]) { service, test in
      _ = try service.perform(ListKeyPoliciesRequest(keyID: test.key))
    },
    Row("PutKeyPolicy", ["key-admin"]) { service, test in
      _ = try service.perform(PutKeyPolicyRequest(keyID: test.key, policy: Self.policy))
    },
    Row("UpdateKeyDescription", ["key-admin"]) { service, test in
      _ = try service.perform(UpdateKeyDescriptionRequest(keyID: test.key, description: "d"))
    },
    Row("TagResource", []) { service, test in
      _ = try service.perform(
        TagResourceRequest(keyID: test.key, tags: [Tag(tagKey: "a", tagValue: "")]))
    },
    Row("UntagResource", []) { service, test in
      _ = try service.perform(UntagResourceRequest(keyID: test.key, tagKeys: ["a"]))
    },
    Row("ListResourceTags", ["key-admin"]) { service, test in
      _ = try service.perform(ListResourceTagsRequest(keyID: test.key))
    },
    Row("GetKeyRotationStatus", ["key-admin"]) { service, test in
      _ = try service.perform(GetKeyRotationStatusRequest(keyID: test.key))
    },
    Row("EnableKeyRotation", ["key-admin"]) { service, test in
      _ = try service.perform(EnableKeyRotationRequest(keyID: test.key))
    },
    Row("DisableKeyRotation", ["key-admin"]) { service, test in
      _ = try service.perform(DisableKeyRotationRequest(keyID: test.key))
    },
    Row("RotateKeyOnDemand", []) { service, test in
      _ = try service.perform(RotateKeyOnDemandRequest(keyID: test.key))
    },
    Row("ListKeyRotations", ["key-admin"]) { service, test in
      _ = try service.perform(ListKeyRotationsRequest(keyID: test.key))
    },
    Row("GetKeyLastUsage", ["key-admin"]) { service, test in
      _ = try service.perform(GetKeyLastUsageRequest(keyID: test.key))
    },
    Row("ListAliases", ["key-admin"]) { service, test in
      _ = try service.perform(ListAliasesRequest(keyID: test.key))
    },
    Row("CreateAlias", ["key-admin"]) { service, test in
      _ = try service.createAlias("alias/new", target: test.key)
    },
    Row("UpdateAlias", ["key-admin"]) { service, test in
      _ = try service.updateAlias("alias/new", target: test.other)
    },
    Row("DeleteAlias", ["key-admin"]) { service, test in _ = try service.deleteAlias("alias/new") },
    Row("CreateGrant", ["key-admin"]) { service, test in
      _ = try service.perform(test.grant)
    },
    Row("ListGrants", ["key-admin"]) { service, test in
      _ = try service.perform(ListGrantsRequest(keyID: test.key))
    },
    Row("RetireGrant", []) { service, test in
      try service.perform(
        RetireGrantRequest(keyID: test.key, grantID: test.owner.perform(test.grant).grantID))
    },
    Row("RevokeGrant", ["key-admin"]) { service, test in
      try service.perform(
        RevokeGrantRequest(keyID: test.key, grantID: test.owner.perform(test.grant).grantID))
    },
    Row("CreateKey", []) { service, _ in _ = try service.createKey() },
    Row("DisableKey", ["key-admin"]) { service, test in
      _ = try service.perform(DisableKeyRequest(keyID: test.key))
    },
    Row("EnableKey", ["key-admin"]) { service, test in
      _ = try service.perform(EnableKeyRequest(keyID: test.key))
    },
    Row("ScheduleKeyDeletion", ["key-admin"]) { service, test in
      _ = try service.perform(ScheduleKeyDeletionRequest(keyID: test.key))
    },
    Row("CancelKeyDeletion", ["key-admin"]) { service, test in
      _ = try service.perform(CancelKeyDeletionRequest(keyID: test.key))
    },
  ]

  @Test(arguments: ["key-admin", "backup", "stranger"])
  func eachDoesWhatThePolicyLets(name: String) throws {
    let service = try service(name)
    for row in Self.rows {
      var denied: KeyServiceError?
      do {
        try row.body(service, self)
      } catch let error as KeyServiceError where error.name == "AccessDeniedException" {
        denied = error
      } catch KeyServiceError.notFound("alias/new") {
        // This caller could not create the alias.
        continue
      }
      #expect(
        (denied == nil) == row.allowed.contains(name),
        "\(row.operation) as \(name): \(String(describing: denied))")
      if let text = denied?.detail {
        #expect(text.contains("user/\(name)") && text.contains("kms:"), "\(text)")
      }
    }
  }

  @Test func theOwnerDoesEverything() throws {
    for row in Self.rows {
      #expect(throws: Never.self, "\(row.operation)") { try row.body(owner, self) }
    }
  }

  /// A denial is recorded like any other result.
  @Test func denialsAreRecorded() throws {
    #expect(throws: KeyServiceError.self) {
      try service("backup").perform(DisableKeyRequest(keyID: key))
    }
    // Records of two processes are in the order in which they were appended.
    var denied: [AuditRecord] = []
    try owner.readAuditLog { if $1.errorCode == "AccessDeniedException" { denied.append($1) } }
    #expect(denied.map(\.operation) == ["DisableKey"] && denied.map(\.keyID) == [key])
    #expect(denied.map(\.caller) == ["arn:aws:iam::000000000000:user/backup"])
  }

  /// A policy's condition on the encryption context is checked for each message of a run.
  @Test func everyMessageOfARunIsDecidedOn() throws {
    let conditional = """
      {"Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
         "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/backup"},
         "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*",
         "Condition": {"StringEquals": {"kms:EncryptionContext:purpose": "backup"}}}
      ]}
      """
    try owner.perform(PutKeyPolicyRequest(keyID: key, policy: conditional))
    let good = try EncryptionContext([(key: "purpose", value: "backup")]).serialized()
    let bad = try EncryptionContext([(key: "purpose", value: "other")]).serialized()
    let wrapping = try owner.wrappingKeyring(key)
    let wrapped = try [good, bad, good].map { try TestWrapping.wrap(wrapping, context: $0) }
    let opening = KeystoreKeyring(try service("backup"), unwrappingUnder: nil)
    #expect(try TestWrapping.unwrap(opening, wrapped[0], context: good) != nil)
    let error = #expect(throws: KeyServiceError.self) {
      try TestWrapping.unwrap(opening, wrapped[1], context: bad)
    }
    #expect(error?.name == "AccessDeniedException")
    #expect(try TestWrapping.unwrap(opening, wrapped[2], context: good) != nil)
    let own = try service("backup").wrappingKeyring(key)
    #expect(throws: Never.self) { try TestWrapping.wrap(own, context: good) }
    #expect(throws: KeyServiceError.self) { try TestWrapping.wrap(own, context: bad) }
    #expect(throws: KeyServiceError.self) { try TestWrapping.wrap(own, context: []) }
    // It is also checked for each request of the API.
    #expect(try service("backup").decrypt(blob, context: ["purpose": "backup"]) == "text")
    #expect(throws: KeyServiceError.self) { try service("backup").decrypt(blob) }
  }

  // MARK: The document of a key

  @Test func aKeyHasTheDefaultPolicyUntilItIsGivenAnother() throws {
    let fresh = try owner.createKey().keyID
    let standard = try owner.perform(GetKeyPolicyRequest(keyID: fresh)).policy
    #expect(standard.contains("Enable IAM User Permissions"))
    #expect(throws: KeyServiceError.self) { try service("backup").encrypt("x", under: fresh) }
    #expect(try owner.perform(GetKeyPolicyRequest(keyID: key)).policy == Self.policy)
    #expect(try owner.performAll(ListKeyPoliciesRequest(keyID: key)).policyNames == ["default"])
    var named = GetKeyPolicyRequest(keyID: key)
    named.policyName = "other"
    #expect(throws: KeyServiceError.notFound("other")) { try owner.perform(named) }
    var create = CreateKeyRequest()
    create.policy = Self.policy
    let made = try owner.perform(create).keyMetadata.keyID
    #expect(try owner.perform(GetKeyPolicyRequest(keyID: made)).policy == Self.policy)
    #expect(throws: Never.self) { try service("backup").encrypt("x", under: made) }
  }

  static let locksOut = """
    {"Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/eve"},
      "Action": "kms:*", "Resource": "*"}}
    """

  @Test func nobodyLocksHimselfOutByMistake() throws {
    let error = #expect(throws: KeyServiceError.self) {
      try owner.perform(PutKeyPolicyRequest(keyID: key, policy: Self.locksOut))
    }
    #expect(error?.name == "MalformedPolicyDocumentException")
    #expect(try owner.perform(GetKeyPolicyRequest(keyID: key)).policy == Self.policy)
    var create = CreateKeyRequest()
    create.policy = Self.locksOut
    #expect(throws: KeyServiceError.self) { try owner.perform(create) }
    create.bypassPolicyLockoutSafetyCheck = true
    #expect(throws: Never.self) { try owner.perform(create) }
    try owner.perform(
      PutKeyPolicyRequest(
        keyID: key, policy: Self.locksOut, bypassPolicyLockoutSafetyCheck: true))
    #expect(throws: KeyServiceError.self) { try owner.encrypt("x", under: key) }
    #expect(throws: Never.self) { try service("eve").encrypt("x", under: key) }
    // The account takes back control of the key.
    #expect(throws: KeyServiceError.self) { try service("bob").resetKeyPolicy(key) }
    try owner.resetKeyPolicy(key)
    #expect(try owner.decrypt(blob, context: ["purpose": "backup"]) == "text")
    #expect(throws: KeyServiceError.self) { try service("eve").encrypt("x", under: key) }
  }

  @Test func documentsAreCheckedBeforeTheyAreStored() throws {
    let malformed = #expect(throws: KeyServiceError.self) {
      try owner.perform(PutKeyPolicyRequest(keyID: key, policy: "{}"))
    }
    #expect(malformed?.name == "MalformedPolicyDocumentException")
    let large = #expect(throws: KeyServiceError.self) {
      try owner.perform(
        PutKeyPolicyRequest(
          keyID: key, policy: Self.policy + String(repeating: " ", count: 32 << 10)))
    }
    #expect(large?.name == "LimitExceededException")
    let managed = try owner.createDefaultKey().keyID
    let denied = #expect(throws: KeyServiceError.self) {
      try owner.perform(PutKeyPolicyRequest(keyID: managed, policy: Self.policy))
    }
    #expect(denied?.name == "AccessDeniedException")
  }

  /// A policy that somebody edited or deleted is detected when it is used, and by `check`.
  @Test(arguments: [
    "UPDATE keyPolicy SET policy = replace(policy, 'key-admin', 'eve')", "DELETE FROM keyPolicy",
    "UPDATE masterKey SET policyDigest = NULL",
  ])
  func editedPoliciesAreNoticed(sql: String) throws {
    try DatabaseQueue(path: owner.keystore.path.string).write { try $0.execute(sql: sql) }
    #expect(throws: KeystoreError.self) {
      try keystore.reopened().decrypt(blob, context: ["purpose": "backup"])
    }
    #expect(try !keystore.reopened().check().damage.isEmpty)
  }

  @Test func theStatementThatDecidesIsTold() throws {
    func simulate(_ user: String, _ action: String) throws -> PolicyExplanation {
      try owner.simulate(
        PolicySimulation(
          keyID: key, principal: PolicyPrincipal(userName: user, isOwner: false), action: action)
      ).explanation
    }
    let allowed = try simulate("backup", "kms:Decrypt")
    #expect(
      allowed.decision == .allowed(by: StatementReference(index: 3, sid: "Allow use of the key")))
    #expect(allowed.statements.map(\.mismatches) == [[.principal], [.principal, .action], []])
    #expect(try simulate("key-admin", "kms:Decrypt").decision == .implicitlyDenied)
    #expect(try simulate("key-admin", "kms:Decrypt").statements[1].mismatches == [.action])
  }

  /// Conditions can test every property of a request, including a property that the request leaves
  /// out.
  @Test func conditionsAskAboutTheRequest() throws {
    try owner.perform(
      PutKeyPolicyRequest(
        keyID: key,
        policy: """
          {"Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
             "Action": "kms:*", "Resource": "*"},
            {"Effect": "Deny", "Principal": "*", "Action": "kms:ScheduleKeyDeletion",
             "Resource": "*", "Condition": {
               "NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "20"}}},
            {"Effect": "Deny", "Principal": "*", "Action": "kms:TagResource", "Resource": "*",
             "Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": "owner"}}},
            {"Effect": "Deny", "Principal": "*", "Action": "kms:ReEncryptFrom", "Resource": "*",
             "Condition": {"Bool": {"kms:ReEncryptOnSameKey": "false"}}},
            {"Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*",
             "Condition": {"StringEquals": {"kms:RequestAlias": "alias/a"}}},
            {"Effect": "Deny", "Principal": "*", "Action": "kms:GetPublicKey", "Resource": "*",
             "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2000-01-01T00:00:00Z"}}}
          ]}
          """))
    func isDenied(_ body: () throws -> Void) -> Bool {
      do {
        try body()
        return false
      } catch let error as KeyServiceError {
        return error.name == "AccessDeniedException"
      } catch {
        return false
      }
    }
    let owner = owner
    #expect(isDenied { _ = try owner.encrypt("x", under: "alias/a") })
    #expect(!isDenied { _ = try owner.encrypt("x", under: key) })
    for (tag, denied) in [("owner", true), ("other", false)] {
      #expect(
        isDenied {
          _ = try owner.perform(
            TagResourceRequest(keyID: key, tags: [Tag(tagKey: tag, tagValue: "")]))
        } == denied)
    }
    for (destination, denied) in [(other, true), (key, false)] {
      #expect(
        isDenied {
          _ = try owner.perform(
            ReEncryptRequest(
              ciphertextBlob: blob, sourceEncryptionContext: ["purpose": "backup"],
              destinationKeyID: destination))
        } == denied)
    }
    for (days, denied) in [(7, true), (30, false)] {
      var request = ScheduleKeyDeletionRequest(keyID: key)
      request.pendingWindowInDays = days
      #expect(isDenied { _ = try owner.perform(request) } == denied)
    }
  }

  /// Only the account's owner may create keys, because there is no key policy yet that could allow
  /// others.
  @Test func onlyTheOwnerMakesKeys() throws {
    let error = #expect(throws: KeyServiceError.self) { try service("key-admin").createKey() }
    #expect(error?.name == "AccessDeniedException")
  }
}
