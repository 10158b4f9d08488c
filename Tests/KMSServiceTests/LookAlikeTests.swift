import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSPolicy
@testable import KMSService
@testable import KMSTemplates
@testable import TestSupport

/// Names that are equal in Unicode and in Swift's `==` but different as bytes: nobody gets access
/// through one of them to what belongs to the other.
@Suite struct LookAlikeTests {
  static let composed = "\u{E9}"
  static let decomposed = "e\u{301}"

  let keystore: TestKeystore
  var owner: KeyService { keystore.service }
  let key: String

  init() throws {
    keystore = try TestKeystore()
    key = try keystore.service.createKey(alias: "alias/a").keyID
  }

  private static func arn(_ name: String) -> String { "arn:aws:iam::000000000000:user/\(name)" }

  private func service(_ name: String) throws -> KeyService {
    try keystore.service(of: name)
  }

  private func errorName(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch { return (error as? KeyServiceError)?.name ?? "\(error)" }
  }

  @Test func theyAreOneToSwift() { #expect(Self.composed == Self.decomposed) }

  @Test func contextsAreBoundByteByByte() throws {
    let both: EncryptionContext = [Self.composed: "1", Self.decomposed: "2"]
    let blob = try owner.encrypt("text", under: key, context: both)
    #expect(try owner.decrypt(blob, context: both) == "text")
    for other: EncryptionContext in [
      [Self.composed: "1"], [Self.decomposed: "2"],
      [Self.composed: "2", Self.decomposed: "1"],
    ] {
      #expect(
        errorName { _ = try owner.decrypt(blob, context: other) } == "InvalidCiphertextException")
    }
    let one = try owner.encrypt("text", under: key, context: ["k": Self.composed])
    #expect(
      errorName { _ = try owner.decrypt(one, context: ["k": Self.decomposed]) }
        == "InvalidCiphertextException")
  }

  @Test func grantsAreTheirGranteesAlone() throws {
    let blob = try owner.encrypt("text", under: key)
    let request = CreateGrantRequest(
      keyID: key, granteePrincipal: Self.arn(Self.composed), operations: [.decrypt])
    let id = try owner.perform(request).grantID
    #expect(try service(Self.composed).decrypt(blob) == "text")
    #expect(
      errorName { _ = try service(Self.decomposed).decrypt(blob) } == "AccessDeniedException")
    let listed = { name in
      try owner.performAll(ListGrantsRequest(keyID: key, granteePrincipal: Self.arn(name))).grants
    }
    #expect(try listed(Self.composed).map(\.grantID) == [id])
    #expect(try listed(Self.decomposed).isEmpty)
  }

  @Test func grantsAreNotTakenForOneAnother() throws {
    let ids = try [Self.composed, Self.decomposed].map { name in
      var request = CreateGrantRequest(
        keyID: key, granteePrincipal: Self.arn(name), operations: [.decrypt])
      request.name = "once"
      return try owner.perform(request).grantID
    }
    #expect(Set(ids).count == 2)
    let constrained = try [Self.composed, Self.decomposed].map { name in
      var request = CreateGrantRequest(
        keyID: key, granteePrincipal: Self.arn("a"), operations: [.decrypt],
        constraints: GrantConstraints(encryptionContextEquals: ["k": name]))
      request.name = "once"
      return try owner.perform(request).grantID
    }
    #expect(Set(constrained).count == 2)
  }

  @Test func onlyWhoIsNamedRetires() throws {
    var request = CreateGrantRequest(
      keyID: key, granteePrincipal: Self.arn("a"), operations: [.decrypt])
    request.retiringPrincipal = Self.arn(Self.composed)
    let id = try owner.perform(request).grantID
    let retire = { name in
      errorName {
        try service(name).perform(RetireGrantRequest(keyID: key, grantID: id))
      }
    }
    let list = { name in
      errorName {
        _ = try service(name).performAll(
          ListRetirableGrantsRequest(retiringPrincipal: Self.arn(Self.composed)))
      }
    }
    #expect(list(Self.decomposed) == "AccessDeniedException")
    #expect(list(Self.composed) == nil)
    #expect(retire(Self.decomposed) == "AccessDeniedException")
    #expect(retire(Self.composed) == nil)
  }

  @Test func constraintsNeedBothPairs() throws {
    let both: EncryptionContext = [Self.composed: "1", Self.decomposed: "2"]
    let grant = try owner.perform(
      CreateGrantRequest(
        keyID: key, granteePrincipal: Self.arn("a"), operations: [.decrypt],
        constraints: GrantConstraints(encryptionContextSubset: both)))
    // The stored and the displayed form are equal.
    let listed = try #require(try owner.performAll(ListGrantsRequest(keyID: key)).grants.first)
    #expect(listed.grantID == grant.grantID)
    #expect(listed.constraints?.encryptionContextSubset == both)
    let shown = try APICoding.text(of: listed)
    #expect(try APICoding.decode(Grant.self, from: shown) == listed)
    for (context, error): (EncryptionContext, String?) in [
      (both, nil), (["k": "v", Self.composed: "1", Self.decomposed: "2"], nil),
      ([Self.composed: "1"], "AccessDeniedException"),
      ([Self.decomposed: "2"], "AccessDeniedException"),
    ] {
      let blob = try owner.encrypt("text", under: key, context: context)
      #expect(
        errorName { _ = try service("a").decrypt(blob, context: context) } == error)
    }
  }

  @Test func conditionsAskForTheirOwnKey() throws {
    try owner.perform(
      PutKeyPolicyRequest(
        keyID: key,
        policy: #"""
          {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
             "Action": "kms:*", "Resource": "*"},
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/a"},
             "Action": "kms:Encrypt", "Resource": "*",
             "Condition": {"StringEquals": {"kms:EncryptionContext:\u00e9": "1",
               "kms:EncryptionContext:e\u0301": "2"}}},
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/b"},
             "Action": "kms:Encrypt", "Resource": "*",
             "Condition": {"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": "\u00e9"}}}
          ]}
          """#))
    func error(_ name: String, _ context: EncryptionContext) -> String? {
      errorName { _ = try service(name).encrypt("text", under: key, context: context) }
    }
    #expect(error("a", [Self.composed: "1", Self.decomposed: "2"]) == nil)
    for context: EncryptionContext in [
      [Self.composed: "1"], [Self.decomposed: "2"], [Self.composed: "2", Self.decomposed: "1"],
    ] {
      #expect(error("a", context) == "AccessDeniedException")
    }
    #expect(error("b", [Self.composed: "1"]) == nil)
    #expect(error("b", [Self.decomposed: "1"]) == "AccessDeniedException")
    #expect(error("b", [Self.composed: "1", Self.decomposed: "1"]) == "AccessDeniedException")
  }

  /// A condition key that begins with a combining mark is valid too.
  @Test func conditionKeysAreNoGraphemes() throws {
    #expect(
      try PolicyConditionName(parsing: "kms:EncryptionContext:\u{301}x")
        == PolicyConditionName(.encryptionContext, "\u{301}x"))
  }

  @Test func principalsOfPoliciesAreBytes() throws {
    try owner.perform(
      PutKeyPolicyRequest(
        keyID: key,
        policy: #"""
          {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
             "Action": "kms:*", "Resource": "*"},
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/\u00e9"},
             "Action": "kms:Encrypt", "Resource": "*"}
          ]}
          """#))
    #expect(errorName { _ = try service(Self.composed).encrypt("text", under: key) } == nil)
    #expect(
      errorName { _ = try service(Self.decomposed).encrypt("text", under: key) }
        == "AccessDeniedException")
  }

  @Test func tagsAreTwo() throws {
    let tags = [
      Tag(tagKey: Self.composed, tagValue: "1"), Tag(tagKey: Self.decomposed, tagValue: "2"),
    ]
    #expect(tags[0] != Tag(tagKey: Self.decomposed, tagValue: "1"))
    try owner.perform(TagResourceRequest(keyID: key, tags: tags))
    let listed = { try owner.performAll(ListResourceTagsRequest(keyID: key)).tags }
    #expect(try listed() == [tags[1], tags[0]])
    try owner.perform(UntagResourceRequest(keyID: key, tagKeys: [Self.composed]))
    #expect(try listed() == [tags[1]])
  }

  /// U+212A equals K in `==`, but an alias cannot contain it.
  @Test func aliasesAndGrantNamesAreASCII() throws {
    #expect(
      errorName { try owner.createAlias("alias/\u{212A}", target: key) }
        == "InvalidAliasNameException")
    var request = CreateGrantRequest(
      keyID: key, granteePrincipal: Self.arn("a"), operations: [.decrypt])
    request.name = "\u{212A}"
    #expect(errorName { _ = try owner.perform(request) } == "ValidationException")
    try owner.createAlias("alias/K", target: key)
    #expect(errorName { _ = try owner.describe("alias/\u{212A}") } == "NotFoundException")
    #expect(StackName.isValid("K"))
    #expect(!StackName.isValid("\u{212A}"))
  }

  @Test func keysOfAKeyringFileAreTwo() throws {
    func entry(_ id: String) -> String {
      """
      {"provider-id": "p", "key-id": "\(id)", "algorithm": "aes", "type": "symmetric",
       "encoding": "base64", "material": "AAAAAAAAAAAAAAAAAAAAAA==", "bits": 128}
      """
    }
    let file = try KeyringFile(
      parsing: Array(
        """
        {"keys": {"\(Self.composed)": \(entry(Self.composed)),
                  "\(Self.decomposed)": \(entry(Self.decomposed))}}
        """.utf8))
    #expect(
      file.keys.map { Array($0.keyID.utf8) }
        == [Self.decomposed, Self.composed].map { Array($0.utf8) })
  }

  @Test func templatesRefuseThemAsKeys() throws {
    #expect(throws: TemplateError.self) {
      try TemplateReader.read(Array("{\"\(Self.composed)\": 1, \"\(Self.decomposed)\": 2}".utf8))
    }
  }

  @Test func templatesChangeOneIntoTheOther() throws {
    let stacks = try TestStacks()
    func template(_ name: String) -> String {
      """
      Conditions:
        IsComposed: !Equals ["\(name)", "\(Self.composed)"]
      Resources:
        Key:
          Type: AWS::KMS::Key
          Properties:
            Description: \(name)
            Tags: [{Key: \(name), Value: x}]
      Outputs:
        Which: {Value: !If [IsComposed, composed, decomposed]}
      """
    }
    for (name, which) in [(Self.composed, "composed"), (Self.decomposed, "decomposed")] {
      let result = try stacks.apply(template(name))
      let id = try #require(try stacks.service.listKeys().first).keyID
      #expect(try stacks.service.describe(id).description.utf8.elementsEqual(name.utf8))
      #expect(
        try stacks.service.performAll(ListResourceTagsRequest(keyID: id)).tags
          == [Tag(tagKey: name, tagValue: "x")])
      #expect(result.stack.outputs.map(\.outputValue) == [which])
    }
  }
}
