import Foundation
import Testing

@testable import KMSAPI
@testable import KMSTemplates
@testable import TestSupport

@Suite struct TemplateTests {
  private static let policy = """
    {"Version":"2012-10-17","Id":"key-example-1","Statement":[{"Sid":"Enable IAM User Permissions",\
    "Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*",\
    "Resource":"*"},{"Sid":"Allow administration of the key","Effect":"Allow","Principal":{"AWS":\
    "arn:aws:iam::000000000000:user/key-admin"},"Action":["kms:Create*","kms:Describe*",\
    "kms:Enable*","kms:List*","kms:Put*","kms:Update*","kms:Revoke*","kms:Disable*","kms:Get*",\
    "kms:Delete*","kms:TagResourse*","kms:UntagResourse*","kms:ScheduleKeyDeletion",\
    "kms:CancelKeyDeletion"],"Resource":"*"},{"Sid":"Allow use of the key","Effect":"Allow",\
    "Principal":{"AWS":"arn:aws:iam::000000000000:user/backup"},"Action":["kms:DescribeKey",\
    "kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey",\
    "kms:GenerateDataKeyWithoutPlaintext"],"Resource":"*"}]}
    """

  private func expectExample(_ evaluator: TemplateEvaluator) throws {
    var evaluator = evaluator
    #expect(evaluator.resourceOrder == ["myKey", "myAlias"])
    let key = try evaluator.key("myKey")
    #expect(
      key.properties
        == TemplateKey.Properties(
          description: "An example symmetric encryption KMS key", enabled: true,
          enableKeyRotation: false, rotationPeriodInDays: nil, keyPolicy: Self.policy,
          keySpec: .symmetricDefault, keyUsage: .encryptDecrypt, origin: .awsKMS,
          pendingWindowInDays: 7, tags: [Tag(tagKey: "Name", tagValue: "exampleKMS")]))
    #expect(key.deletionPolicy == .delete)
    #expect(!key.bypassPolicyLockoutSafetyCheck)
    let id = "11111111-2222-3333-4444-555555555555"
    #expect(throws: TemplateError.self) { try evaluator.alias("myAlias") }
    #expect(throws: TemplateError.self) { try evaluator.outputs() }
    evaluator.physicalIDs["myKey"] = id
    let alias = try evaluator.alias("myAlias")
    #expect(alias.target == .resource("myKey"))
    #expect(
      alias.properties
        == TemplateAlias.Properties(aliasName: "alias/example-KMS", targetKeyID: id))
    #expect(
      try evaluator.outputs() == [
        StackOutput(
          name: "myKeyArnOutput", value: "arn:aws:kms:local:000000000000:key/\(id)",
          description: nil, exportName: "exampleKMSArn")
      ])
  }

  @Test func exampleIsReadToTheLetter() throws {
    let evaluator = try evaluator(exampleTemplate())
    try expectExample(evaluator)
    let key = try evaluator.key("myKey")
    #expect(key.mark == TemplateMark(line: 4, column: 3))
    #expect(key.mark(of: "PendingWindowInDays") == TemplateMark(line: 8, column: 28))
    #expect(key.mark(of: "KeySpec") == key.mark)
  }

  /// The JSON has tabs, escapes and the long forms of functions.
  @Test func sameTemplateAsJSONIsTheSame() throws {
    let json = """
      {
      \t"AWSTemplateFormatVersion": "2010-09-09",
      \t"Resources": {
      \t\t"myKey": {
      \t\t\t"Type": "AWS::KMS::Key",
      \t\t\t"Properties": {
      \t\t\t\t"Description": "An example symmetric encryption\\u0020KMS key",
      \t\t\t\t"PendingWindowInDays": 7, "KeyPolicy": \(Self.policy),
      \t\t\t\t"Tags": [{"Key": "Name", "Value": "exampleKMS"}]
      \t\t\t}
      \t\t},
      \t\t"myAlias": {"Type":"AWS::KMS::Alias","Properties":{
      "AliasName":"alias\\/example-KMS","TargetKeyId":{"Ref":"myKey"}}}
      \t},
      \t"Outputs": {"myKeyArnOutput": {"Value": {"Fn::GetAtt": ["myKey", "Arn"]},
      \t\t"Export": {"Name": "exampleKMSArn"}}}
      }
      """
    try expectExample(evaluator(json))
  }

  @Test func charactersBeyondThePlaneAreReadInJSON() throws {
    let json = #"""
      {"Description": "a\\ud83d \ud83d\ude00 \u00e9",
       "Resources": {"k": {"Type": "AWS::KMS::Key"}}}
      """#
    #expect(try evaluator(json).template.description == #"a\ud83d 😀 é"#)
  }

  @Test func everyFunctionInBothForms() throws {
    let yaml = templateOfEveryFunction
    let evaluator = try made(evaluator(yaml, imports: ["production-vpc": "vpc-7"]))
    #expect(evaluator.resourceOrder == ["first", "second", "name"])
    #expect(try evaluator.importedNames() == ["production-vpc"])
    let key = try evaluator.key("second")
    #expect(
      key.properties.description
        == "production of arn:aws:kms:local:000000000000:key/ID-first bob ${Not} aws $ ${open")
    #expect(key.properties.pendingWindowInDays == 30)
    #expect(key.deletionPolicy == .retain)
    #expect(
      key.properties.keyPolicy == #"""
        {"Version":"2012-10-17","Id":"\"\\\té","Statement":[{"Sid":"yes","Effect":"Allow",\#
        "Principal":"*","Action":"kms:*","Resource":"*"},{"Sid":"arn:ID-first:ID-first",\#
        "Effect":"Deny","Principal":{"AWS":"*"},"Action":["kms:Sign"],"Resource":"*","Condition":\#
        {"StringEquals":{"kms:EncryptionContext:n":[7,"7","007",1.5e3,"0x10",true,"true",\#
        "000000000000","1_000"]}}}]}
        """#)
    #expect(
      key.properties.tags.map(\.tagValue) == ["c2VjcmV0", "b", "z", "vpc-7"])
    #expect(try evaluator.alias("name").target == .resource("second"))
    #expect(
      try evaluator.outputs() == [
        StackOutput(
          name: "Pseudo",
          value: "000000000000 local amazonaws.com "
            + "arn:aws:cloudformation:local:000000000000:stack/test/1 ",
          description: "all that is fixed", exportName: nil),
        StackOutput(
          name: "Name", value: "alias/test/production", description: nil, exportName: "test-name"),
        StackOutput(name: "Ports", value: "1;2", description: nil, exportName: nil),
        StackOutput(name: "Account", value: "000000000000", description: nil, exportName: nil),
      ])
  }

  @Test(arguments: [
    ("true", true), ("True", true), ("TRUE", true), ("'true'", true), ("\"false\"", false),
    ("false", false),
  ])
  func booleansAreCoerced(text: String, value: Bool) throws {
    let key = try evaluator(keyTemplate("Enabled: \(text)", "MultiRegion: 'false'")).key("k")
    #expect(key.properties.enabled == value)
  }

  @Test(arguments: ["7", "'7'", "\"7\"", "!Ref Days"])
  func numbersAreCoerced(text: String) throws {
    let template =
      "Parameters: {Days: {Type: Number, Default: '7'}}\n"
      + keyTemplate("PendingWindowInDays: \(text)")
    #expect(try evaluator(template).key("k").properties.pendingWindowInDays == 7)
  }

  @Test func textsAreCoerced() throws {
    let key = try evaluator(
      keyTemplate("Description: 2012-10-17", "Tags: [{Key: 1, Value: true}, {Key: b, Value: ''}]")
    ).key("k")
    #expect(key.properties.description == "2012-10-17")
    #expect(
      key.properties.tags == [
        Tag(tagKey: "1", tagValue: "true"), Tag(tagKey: "b", tagValue: ""),
      ])
  }

  @Test func propertiesThatComeToNoValueAreNotThere() throws {
    let template =
      "Conditions: {No: !Equals [a, b]}\n"
      + keyTemplate(
        "Description: !If [No, x, !Ref AWS::NoValue]", "KeyPolicy: !Ref AWS::NoValue",
        "Tags: [!If [No, {Key: a, Value: b}, !Ref AWS::NoValue]]",
        "PendingWindowInDays: {Ref: AWS::NoValue}", "EnableKeyRotation: 'true'")
    let properties = try evaluator(template).key("k").properties
    #expect(properties.description.isEmpty)
    #expect(properties.keyPolicy == nil)
    #expect(properties.tags.isEmpty)
    #expect(properties.pendingWindowInDays == 30)
    #expect(properties.rotationPeriodInDays == 365)
  }

  @Test func policyMayBeJSONText() throws {
    let key = try evaluator(keyTemplate("KeyPolicy: '\(Self.policy)'")).key("k")
    #expect(key.properties.keyPolicy == Self.policy)
  }

  @Test(arguments: [
    ("RSA_2048", "SIGN_VERIFY"), ("HMAC_256", "GENERATE_VERIFY_MAC"),
    ("ECC_NIST_P384", "KEY_AGREEMENT"), ("RSA_4096", "ENCRYPT_DECRYPT"),
  ])
  func specsWithTheirUsages(spec: String, usage: String) throws {
    let key = try evaluator(
      keyTemplate(
        "KeySpec: \(spec)", "KeyUsage: \(usage)", "Origin: EXTERNAL",
        "BypassPolicyLockoutSafetyCheck: true", "RotationPeriodInDays: 100")
    ).key("k")
    #expect(key.properties.keySpec.rawValue == spec)
    #expect(key.properties.keyUsage.rawValue == usage)
    #expect(key.properties.origin == .external)
    #expect(key.bypassPolicyLockoutSafetyCheck)
    // These keys cannot be rotated.
    #expect(key.properties.rotationPeriodInDays == nil)
  }

  @Test(arguments: [
    "arn:aws:kms:local:000000000000:key/11111111-2222-3333-4444-55555555555A",
    "11111111-2222-3333-4444-55555555555a",
  ])
  func aliasOfAKeyThatIsThere(name: String) throws {
    let alias = try evaluator(
      """
      Resources:
        a: {Type: "AWS::KMS::Alias", Properties: {AliasName: alias/a, TargetKeyId: \(name)}}
      """
    ).alias("a")
    #expect(alias.target == .keyID("11111111-2222-3333-4444-55555555555a"))
  }

  @Test(arguments: [
    "!Ref k", "!GetAtt k.Arn", "!Sub '${k}'", "!Sub ['${x}', {x: !Ref k}]",
    "!If [Yes, !Ref k, !Ref other]",
  ])
  func aliasKnowsItsKeyBeforeItIsMade(target: String) throws {
    var evaluator = try evaluator(
      """
      Conditions: {Yes: !Equals [1, '1'], No: !Not [!Condition Yes]}
      Resources:
        a: {Type: "AWS::KMS::Alias", Properties: {AliasName: alias/a, TargetKeyId: \(target)}}
        k: {Type: "AWS::KMS::Key"}
        other: {Type: "AWS::KMS::Key", Condition: No}
      """)
    evaluator.namesPending = true
    #expect(evaluator.resourceOrder == ["k", "a"])
    #expect(try evaluator.alias("a").target == .resource("k"))
  }

  @Test func otherTypesArePassedOverWhereAsked() throws {
    let text = """
      Resources:
        bucket: {Type: "AWS::S3::Bucket", Properties: {Whatever: !Cidr [a]}, CreationPolicy: {}}
        k: {Type: "AWS::KMS::Key"}
      """
    let evaluator = try evaluator(text, skippingUnsupported: true)
    #expect(evaluator.resourceOrder == ["k"])
    #expect(
      evaluator.template.passedOver == [
        Template.PassedOver(
          logicalID: "bucket", type: "AWS::S3::Bucket", mark: TemplateMark(line: 2, column: 18))
      ])
  }
}
