import Foundation
import GRDB
import Testing

@testable import KMSAPI
@testable import KMSPolicy
@testable import KMSService
@testable import KMSTemplates
@testable import TestSupport

/// Templates that create keys and aliases, and the state after one fails.
@Suite struct StackApplyTests {
  let stacks: TestStacks
  var service: KeyService { stacks.service }

  init() throws { stacks = try TestStacks() }

  private static let pair = """
    Parameters: {Description: {Type: String, Default: one}}
    Resources:
      k:
        Type: AWS::KMS::Key
        Properties:
          Description: !Ref Description
          EnableKeyRotation: true
          PendingWindowInDays: 9
          Tags: [{Key: a, Value: b}]
      a: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/a, TargetKeyId: !Ref k}}
    Outputs:
      Arn: {Value: !GetAtt k.Arn, Export: {Name: arn}}
    """

  @Test func everythingIsMadeOnce() throws {
    let result = try stacks.apply(Self.pair)
    let key = try service.describe("alias/a")
    #expect(key.description == "one" && key.keyState == .enabled)
    #expect(try stacks.rotation("alias/a") == 365)
    #expect(try stacks.tags("alias/a") == ["a=b"])
    #expect(result.physicalIDs == ["k": key.keyID, "a": "alias/a"])
    #expect(result.stack.outputs.map(\.outputValue) == [key.arn])
    #expect(result.stack.stackStatus == "CREATE_COMPLETE")
    #expect(try service.stack(named: "s") == result.stack)
    let log = ["CreateKey", "EnableKeyRotation", "CreateAlias", "CreateStack"]
    #expect(try stacks.log() == log)

    stacks.keystore.clock.advance(days: 1)
    let before = try stacks.contents()
    let again = try stacks.apply(Self.pair)
    #expect(again.plan.isEmpty && again.stack == result.stack)
    #expect(again.physicalIDs == result.physicalIDs)
    #expect(try stacks.contents() == before)
    #expect(try stacks.log() == log)
    #expect(try stacks.plan(Self.pair).isEmpty)
    let check = try service.check()
    #expect(check.damage.isEmpty && check.stacks == 1)
  }

  /// Old lines, new lines, and the operations that make the change.
  @Test(
    arguments: [
      ("Description: x", "Description: y", ["UpdateKeyDescription"]),
      ("Enabled: true", "Enabled: false", ["DisableKey"]),
      ("Enabled: false", "Enabled: true", ["EnableKey"]),
      ("EnableKeyRotation: true", "EnableKeyRotation: false", ["DisableKeyRotation"]),
      (
        "EnableKeyRotation: true", "EnableKeyRotation: true\nRotationPeriodInDays: 90",
        ["EnableKeyRotation"]
      ),
      (
        "Enabled: false", "Enabled: true\nEnableKeyRotation: true",
        ["EnableKey", "EnableKeyRotation"]
      ),
      (
        "Enabled: true", "Enabled: false\nEnableKeyRotation: true",
        ["EnableKeyRotation", "DisableKey"]
      ),
      (
        "Tags: [{Key: a, Value: 1}, {Key: b, Value: 2}]",
        "Tags: [{Key: b, Value: 3}, {Key: c, Value: 4}]", ["UntagResource", "TagResource"]
      ),
      ("PendingWindowInDays: 8", "PendingWindowInDays: 7", []),
      ("Description: ''", "KeyPolicy: \(policyText("x"))", ["PutKeyPolicy"]),
      ("KeyPolicy: \(policyText("x"))", "KeyPolicy: \(policyText("y"))", ["PutKeyPolicy"]),
      ("KeyPolicy: \(policyText("x"))", "Description: ''", ["PutKeyPolicy"]),
      (
        "KeyPolicy: \(policyText("x"))", "KeyPolicy: \(policyText("y"))\nEnabled: false",
        ["DisableKey", "PutKeyPolicy"]
      ),
    ] as [(String, String, [String])])
  func changesAreTheOperationsThatAPersonWouldCall(
    old: String, new: String, operations: [String]
  ) throws {
    let id = try #require(try stacks.apply(keyTemplate(old)).physicalIDs["k"])
    let count = try stacks.log().count
    try stacks.apply(keyTemplate(new))
    #expect(try Array(stacks.log().dropFirst(count)) == operations + ["UpdateStack"])
    let fresh = try #require(
      try stacks.apply(keyTemplate(new), stack: "fresh").physicalIDs["k"])
    let (changed, made) = (try service.describe(id), try service.describe(fresh))
    #expect(changed.description == made.description && changed.keyState == made.keyState)
    #expect(try stacks.tags(id) == stacks.tags(fresh))
    #expect(try stacks.rotation(id) == stacks.rotation(fresh))
    #expect(try stacks.policy(id) == stacks.policy(fresh))
    #expect(try stacks.plan(keyTemplate(new)).isEmpty)
  }

  @Test func parametersKeepTheirValues() throws {
    try stacks.apply(Self.pair, parameters: ["Description": "two"])
    #expect(try service.describe("alias/a").description == "two")
    #expect(try stacks.apply(Self.pair).plan.isEmpty)
    #expect(try service.stack(named: "s").parameters.map(\.parameterValue) == ["two"])
    try stacks.apply(Self.pair, parameters: ["Description": "three"])
    #expect(try service.describe("alias/a").description == "three")
  }

  @Test func aliasesChangePlaces() throws {
    let names = ["k": "x", "l": "y"]
    func text(_ first: String, _ second: String, ids: (String, String) = ("a", "b")) -> String {
      """
      Resources:
        k: {Type: 'AWS::KMS::Key', Properties: {Description: x}}
        l: {Type: 'AWS::KMS::Key', Properties: {Description: y}}
        \(ids.0): {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/\(first), TargetKeyId: !Ref k}}
        \(ids.1): {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/\(second), TargetKeyId: !GetAtt l.KeyId}}
      """
    }
    let ids = try stacks.apply(text("x", "y")).physicalIDs
    try stacks.apply(text("y", "x"))
    #expect(try service.describe("alias/y").keyID == ids["k"])
    #expect(try service.describe("alias/x").keyID == ids["l"])
    // The same aliases under other names in the template.
    let plan = try stacks.apply(text("y", "x", ids: ("c", "d"))).plan
    #expect(plan.notices.isEmpty)
    #expect(try service.describe("alias/y").description == names["k"])
    // An alias with a new target key is still the same alias.
    let count = try stacks.log().count
    try stacks.apply(text("y", "x", ids: ("c", "d")).replacing("!GetAtt l.KeyId", with: "!Ref k"))
    #expect(
      try Array(stacks.log().dropFirst(count)) == ["UpdateAlias", "UpdateAlias", "UpdateStack"])
    #expect(try service.describe("alias/x").keyID == ids["k"])
  }

  @Test func everyFunctionApplies() throws {
    try stacks.apply(
      keyTemplate("Description: x")
        + "Outputs: {o: {Value: vpc-7, Export: {Name: production-vpc}}}\n", stack: "network")
    let result = try stacks.apply(templateOfEveryFunction)
    #expect(Set(result.physicalIDs.keys) == ["first", "second", "name"])
    let first = try #require(result.physicalIDs["first"])
    let second = try service.describe("alias/s/production")
    #expect(second.keyID == result.physicalIDs["second"])
    #expect(
      second.description
        == "production of \(KeyName.arn(ofKey: first)) bob ${Not} aws $ ${open")
    #expect(
      try stacks.tags(second.keyID) == ["encoded=c2VjcmV0", "import=vpc-7", "list=z", "split=b"])
    #expect(try stacks.policy(second.keyID).contains("\"Sid\":\"arn:\(first):\(first)\""))
    #expect(try stacks.policy(first) == KeyPolicy.defaultPolicy.text)
    let outputs = result.stack.outputs
    #expect(outputs.map(\.outputKey) == ["Pseudo", "Name", "Ports", "Account"])
    #expect(
      outputs.map(\.outputValue) == [
        "000000000000 local amazonaws.com \(result.stack.stackID) ", "alias/s/production", "1;2",
        "000000000000",
      ])
    #expect(outputs[1].exportName == "s-name")
    #expect(try stacks.apply(templateOfEveryFunction).plan.isEmpty)
    // Resources with the policy Retain are kept.
    try service.deleteStack("s")
    #expect(try service.describe(second.keyID).keyState == .enabled)
    #expect(try service.describe(first).keyState == .pendingDeletion)
  }

  /// The largest number of resources.
  @Test func manyResources() throws {
    let text =
      "Resources:\n"
      + (1...250).map {
        "  k\($0): {Type: 'AWS::KMS::Key'}\n"
          + "  a\($0): {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/\($0), "
          + "TargetKeyId: !Ref k\($0)}}\n"
      }.joined()
    let start = threadTime()
    try stacks.apply(text)
    #expect(try stacks.plan(text).isEmpty)
    #expect(try service.listKeys().count == 250)
    try service.deleteStack("s")
    #expect(threadTime() - start < .seconds(60))
    #expect(try service.listAliases().isEmpty)
  }

  // MARK: Key policies

  @Test func theExampleAppliesAsItIs() throws {
    let text = try exampleTemplate()
    let result = try stacks.apply(text)
    func unknown(_ pattern: String, _ nearest: String) -> StackPlan.Warning {
      StackPlan.Warning(
        logicalID: "myKey",
        warning: .unknownAction(
          pattern: pattern,
          statement: StatementReference(index: 2, sid: "Allow administration of the key"),
          nearest: nearest))
    }
    let warnings = [
      unknown("kms:TagResourse*", "kms:TagResource"),
      unknown("kms:UntagResourse*", "kms:UntagResource"),
    ]
    #expect(result.plan.warnings == warnings)
    let key = try service.describe("alias/example-KMS")
    #expect(result.physicalIDs == ["myKey": key.keyID, "myAlias": "alias/example-KMS"])
    #expect(try stacks.tags(key.keyID) == ["Name=exampleKMS"])
    #expect(result.stack.outputs.map(\.exportName) == ["exampleKMSArn"])
    #expect(
      try stacks.apply(text).plan.isEmpty
        && stacks.log() == [
          "CreateKey", "CreateAlias", "CreateStack",
        ])
    // The policy is effective.
    let backup = try stacks.service(of: "backup")
    let blob = try backup.encrypt("x", under: key.keyID)
    #expect(try backup.decrypt(blob) == "x")
    let administrator = try stacks.service(of: "key-admin")
    let denied = #expect(throws: KeyServiceError.self) { try administrator.decrypt(blob) }
    #expect(denied?.name == "AccessDeniedException")
    // The stack is changed and then deleted.
    try stacks.apply(text.replacing("kms:TagResourse*", with: "kms:TagResource"))
    #expect(try stacks.policy(key.keyID).contains(#""kms:TagResource""#))
    let plan = try service.deleteStack("s")
    #expect(plan.changes.map(\.action) == [.delete(windowInDays: nil), .delete(windowInDays: 7)])
    #expect(try service.describe(key.keyID).keyState == .pendingDeletion)
  }

  /// A policy that names another key of the template is known as soon as that key exists.
  @Test func policiesNameOtherKeys() throws {
    let text = """
      Resources:
        k:
          Type: AWS::KMS::Key
          Properties:
            KeyPolicy:
              Statement:
                - {Effect: Allow, Principal: {AWS: 'arn:aws:iam::000000000000:root'}, Action: 'kms:*', Resource: '*'}
                - {Effect: Deny, Principal: '*', Action: 'kms:Sign', Resource: !GetAtt other.Arn}
        other: {Type: 'AWS::KMS::Key'}
      """
    #expect(
      try stacks.plan(text).changes[1].properties.contains {
        $0.new?.contains("(known after apply: other.Arn)") ?? false
      })
    let ids = try stacks.apply(text).physicalIDs
    #expect(
      try stacks.policy(#require(ids["k"])).contains("key/" + #require(ids["other"])))
    #expect(try stacks.plan(text).isEmpty)
  }

  @Test func aPolicyThatLocksOutIsRefused() throws {
    let text = keyTemplate("KeyPolicy: \(policyText("x", action: "kms:Encrypt"))")
    let before = try stacks.contents()
    let error = #expect(throws: KeyServiceError.self) { try stacks.apply(text) }
    #expect(error?.name == "MalformedPolicyDocumentException")
    #expect(try stacks.contents() == before)
    try stacks.apply(text + "      BypassPolicyLockoutSafetyCheck: true\n")
  }

  /// The key's policy decides about every operation. If it denies one, the whole template is rolled
  /// back.
  @Test func whatThePolicyDeniesIsDenied() throws {
    let denying = """
      Resources:
        free: {Type: 'AWS::KMS::Key', Properties: {Description: a}}
        k:
          Type: AWS::KMS::Key
          Properties:
            Description: a
            KeyPolicy:
              Statement:
                - {Effect: Allow, Principal: {AWS: 'arn:aws:iam::000000000000:root'}, Action: 'kms:*', Resource: '*'}
                - {Effect: Deny, Principal: '*', Action: 'kms:UpdateKeyDescription', Resource: '*'}
      """
    try stacks.apply(denying)
    let before = try stacks.contents()
    let error = #expect(throws: KeyServiceError.self) {
      try stacks.apply(denying.replacing("Description: a", with: "Description: b"))
    }
    #expect(error?.name == "AccessDeniedException")
    #expect(try stacks.contents() == before)
    #expect(
      try stacks.log().suffix(3) == [
        "UpdateKeyDescription RolledBack", "UpdateKeyDescription AccessDeniedException",
        "UpdateStack AccessDeniedException",
      ])
  }

  // MARK: All or nothing

  private static let many = """
    Resources:
      old: {Type: 'AWS::KMS::Key', Properties: {Description: new, Enabled: false, Tags: [{Key: a, Value: c}]}}
      k: {Type: 'AWS::KMS::Key', Properties: {EnableKeyRotation: true, Enabled: false}}
      r: {Type: 'AWS::KMS::Key', Properties: {KeySpec: ECC_NIST_P256, KeyUsage: SIGN_VERIFY}}
      a: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/new, TargetKeyId: !Ref k}}
      b: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/b, TargetKeyId: !Ref k}}
    """
  private static let few = """
    Resources:
      old: {Type: 'AWS::KMS::Key', Properties: {Description: x, Tags: [{Key: a, Value: b}]}}
      gone: {Type: 'AWS::KMS::Key'}
      a: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/a, TargetKeyId: !Ref old}}
      b: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/b, TargetKeyId: !Ref old}}
    """
  private static let operations = [
    "DeleteAlias", "UpdateKeyDescription", "TagResource", "DisableKey", "CreateKey",
    "EnableKeyRotation", "DisableKey", "CreateKey", "CreateAlias", "UpdateAlias",
    "ScheduleKeyDeletion",
  ]

  /// The audit records of operations: UpdateAlias writes one record for each of its two keys.
  private static func records(_ operations: some Sequence<String>) -> [String] {
    operations.flatMap { $0 == "UpdateAlias" ? [$0, $0] : [$0] }
  }

  private struct Injected: Error {}

  @Test(arguments: operations.indices)
  func aFailureAfterAnyOperationLeavesTheKeystoreAsItWas(index: Int) throws {
    try stacks.apply(Self.few)
    let before = try stacks.contents()
    let log = try stacks.log()
    var count = 0
    #expect(throws: Injected.self) {
      try stacks.apply(Self.many) {
        if count == index { throw Injected() }
        count += 1
      }
    }
    #expect(try stacks.contents() == before)
    #expect(
      try Array(stacks.log().dropFirst(log.count))
        == Self.records(Self.operations.prefix(index + 1)).map { "\($0) RolledBack" }
        + ["UpdateStack KMSInternalException"])
    #expect(try service.check().damage.isEmpty)
    // The next attempt succeeds.
    try stacks.apply(Self.many)
    #expect(
      try Array(stacks.log().suffix(Self.operations.count + 2))
        == Self.records(Self.operations) + ["UpdateStack"])
    #expect(try stacks.plan(Self.many).isEmpty)
  }

  /// The last resource is an alias that already exists.
  @Test func aFailureOfTheLastResourceLeavesTheKeystoreAsItWas() throws {
    try service.createKey(alias: "alias/taken")
    let last = "Properties: {AliasName: alias/taken, TargetKeyId: !Ref k}"
    let text =
      Self.many
      + "\n  z: {Type: 'AWS::KMS::Alias', DependsOn: [old, r, a, b], \(last)}"
    let before = try stacks.contents()
    #expect(
      try stacks.plan(text).notices == [
        StackNotice(
          logicalID: "z", type: .alias, physicalID: "alias/taken", finding: .aliasIsTaken)
      ])
    #expect(throws: KeyServiceError.alreadyExists("alias/taken")) { try stacks.apply(text) }
    #expect(try stacks.contents() == before)
    let log = try stacks.log()
    #expect(
      log.suffix(2) == [
        "CreateAlias AlreadyExistsException", "CreateStack AlreadyExistsException",
      ])
    #expect(log.dropFirst().dropLast(2).allSatisfy { $0.hasSuffix(" RolledBack") })
    #expect(log.count > 8)
    #expect(throws: TemplateError.self) { try service.stack(named: "s") }
    try service.deleteAlias("alias/taken")
    try stacks.apply(text)
    #expect(try service.check().damage.isEmpty)
  }

  @Test func whatIsDueIsDoneWhereAStackFails() throws {
    let due = try service.createKey(alias: "alias/due").keyID
    try service.perform(ScheduleKeyDeletionRequest(keyID: due, pendingWindowInDays: 7))
    stacks.keystore.clock.advance(days: 6)
    for keys in [1, 0] {
      stacks.keystore.clock.advance(days: 1)
      #expect(throws: Injected.self) { try stacks.apply(Self.few) { throw Injected() } }
      #expect(try service.check().keys == keys)
    }
  }

  /// Other processes see the complete stack or nothing of it.
  @Test func othersSeeNothingOfIt() throws {
    let other = try stacks.keystore.reopened()
    var seen: Set<Int> = []
    try stacks.apply(Self.few) { seen.insert(try other.listKeys().count) }
    #expect(seen == [0])
    #expect(try other.listKeys().count == 2)
  }

  // MARK: Deletion

  @Test func deletedStacksLeaveWhatTheyRetain() throws {
    let text = """
      Resources:
        k: {Type: 'AWS::KMS::Key', Properties: {PendingWindowInDays: 9}}
        kept: {Type: 'AWS::KMS::Key', DeletionPolicy: Retain}
        a: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/a, TargetKeyId: !Ref k}}
        b:
          Type: AWS::KMS::Alias
          DeletionPolicy: Retain
          Properties: {AliasName: alias/b, TargetKeyId: !Ref kept}
      """
    let ids = try stacks.apply(text).physicalIDs
    #expect(try service.planStackDeletion("s").changes.map(\.logicalID) == ["b", "a", "kept", "k"])
    let plan = try service.deleteStack("s")
    #expect(
      plan.changes.map(\.action) == [
        .retain, .delete(windowInDays: nil), .retain, .delete(windowInDays: 9),
      ])
    let key = try service.describe(try #require(ids["k"]))
    #expect(key.keyState == .pendingDeletion)
    #expect(key.deletionDate == stacks.keystore.clock.now + 9 * 86_400)
    #expect(try service.describe("alias/b").keyState == .enabled)
    #expect(try service.listAliases().map(\.aliasName) == ["alias/b"])
    #expect(try service.stacks().isEmpty)
    #expect(throws: TemplateError(.noStack, nil, "there is no stack 's'")) {
      try service.deleteStack("s")
    }
    // The same template creates another stack. A retained alias prevents that until it is deleted.
    #expect(throws: KeyServiceError.alreadyExists("alias/b")) { try stacks.apply(text) }
    try service.deleteAlias("alias/b")
    #expect(try stacks.apply(text).physicalIDs["k"] != ids["k"])
  }

  @Test func whatATemplateLeavesOutGoes() throws {
    let id = try #require(try stacks.apply(Self.pair).physicalIDs["k"])
    try stacks.apply("Resources: {other: {Type: 'AWS::KMS::Key'}}")
    #expect(try service.describe(id).keyState == .pendingDeletion)
    #expect(try service.listAliases().isEmpty)
    #expect(try service.stack(named: "s").outputs.isEmpty)
  }
}
