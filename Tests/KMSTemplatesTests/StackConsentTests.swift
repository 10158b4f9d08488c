import Testing

@testable import KMSAPI
@testable import KMSService
@testable import KMSTemplates
@testable import TestSupport

/// The plan that was shown is the plan that is carried out.
@Suite struct StackConsentTests {
  let stacks: TestStacks
  var service: KeyService { stacks.service }

  init() throws { stacks = try TestStacks() }

  private static let one = """
    Parameters: {Window: {Type: Number, Default: 30}}
    Resources:
      k:
        Type: AWS::KMS::Key
        Properties: {Description: one, PendingWindowInDays: !Ref Window, Tags: [{Key: a, Value: b}]}
      l: {Type: 'AWS::KMS::Key', Properties: {Description: !Ref 'AWS::StackId'}}
      a: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/a, TargetKeyId: !Ref k}}
    Outputs:
      Arn: {Value: !GetAtt k.Arn}
    """
  /// A change of each kind: of a key, of an alias, and the deletion of a key.
  private static let two = one.replacing("Description: one", with: "Description: two")
    .replacing("Value: b}]", with: "Value: b}, {Key: new, Value: c}]")
    .replacing("TargetKeyId: !Ref k", with: "TargetKeyId: !Ref m")
    .replacing(
      "l: {Type: 'AWS::KMS::Key', Properties", with: "m: {Type: 'AWS::KMS::Key', Properties")

  private func planned(
    _ text: String, parameters: [String: String] = [:]
  ) throws -> PlanDigest {
    try service.planStack(stacks.request(text, parameters: parameters)).digest()
  }

  private func apply(
    _ text: String, parameters: [String: String] = [:], consent: StackConsent
  ) throws -> StackResult {
    try service.applyStack(stacks.request(text, parameters: parameters), consent: consent)
  }

  private func expectOtherPlan(_ body: () throws -> Void) throws {
    let before = try stacks.contents()
    let error = #expect(throws: TemplateError.self) { try body() }
    #expect(error?.kind == .otherPlan)
    #expect(try stacks.contents() == before)
  }

  @Test func theSamePlanHasTheSameDigest() throws {
    for text in [Self.one, Self.two, Self.two] {
      let digest = try planned(text)
      #expect(try planned(text) == digest)
      #expect(PlanDigest(digest.text) == digest)
      let isDone = try stacks.plan(text).isEmpty
      #expect(try apply(text, consent: .toPlan(digest)).plan.isEmpty == isDone)
    }
    let key = try service.describe("alias/a")
    #expect(key.description.contains(":stack/s/"))
  }

  @Test(arguments: ["", "x", String(repeating: "A", count: 64), String(repeating: "a", count: 65)])
  func otherTextsAreNoDigest(text: String) { #expect(PlanDigest(text) == nil) }

  // MARK: Changes between the plan and its application

  private static let changes: [(String, @Sendable (StackConsentTests) throws -> Void)] = [
    (
      "a property of a key",
      { try $0.service.perform(UpdateKeyDescriptionRequest(keyID: "alias/a", description: "x")) }
    ),
    (
      "a tag of the stack",
      {
        try $0.service.perform(
          TagResourceRequest(keyID: "alias/a", tags: [Tag(tagKey: "a", tagValue: "x")]))
      }
    ),
    (
      "a tag that the template adds",
      {
        try $0.service.perform(
          TagResourceRequest(keyID: "alias/a", tags: [Tag(tagKey: "new", tagValue: "x")]))
      }
    ),
    ("a key's state", { try $0.service.perform(DisableKeyRequest(keyID: "alias/a")) }),
    (
      "a key that is deleted",
      {
        let id = try $0.service.describe("alias/a").keyID
        try $0.service.perform(ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: 7))
      }
    ),
    (
      "an alias's key",
      {
        let id = try $0.service.createKey().keyID
        try $0.service.perform(UpdateAliasRequest(aliasName: "alias/a", targetKeyID: id))
      }
    ),
    ("an alias that is gone", { try $0.service.deleteAlias("alias/a") }),
    ("the stack's parameters", { try $0.stacks.apply(one, parameters: ["Window": "9"]) }),
    ("the stack", { try $0.stacks.apply(two) }),
    (
      "another stack of the name",
      {
        try $0.service.deleteStack("s")
        try $0.stacks.apply(one)
      }
    ),
  ]

  @Test(arguments: changes.indices)
  func aChangeOfTheKeystoreIsNoticed(index: Int) throws {
    try stacks.apply(Self.one)
    let digest = try planned(Self.two)
    let (what, change) = Self.changes[index]
    try change(self)
    try expectOtherPlan { _ = try apply(Self.two, consent: .toPlan(digest)) }
    #expect(try planned(Self.two) != digest, "\(what)")
  }

  @Test func anotherKeystoreIsNoticed() throws {
    let other = try TestStacks()
    let digest = try other.plan(Self.one).digest()
    try expectOtherPlan { _ = try apply(Self.one, consent: .toPlan(digest)) }
    let own = try planned(Self.one)
    let reopened = try stacks.keystore.reopened()
    #expect(try reopened.planStack(stacks.request(Self.one)).digest() == own)
    _ = try reopened.applyStack(stacks.request(Self.one), consent: .toPlan(own))
  }

  @Test func anAliasThatWasTakenIsNoticed() throws {
    let digest = try planned(Self.one)
    try service.createKey(alias: "alias/a")
    try expectOtherPlan { _ = try apply(Self.one, consent: .toPlan(digest)) }
  }

  /// Old texts and new texts of a template; also changes that no property shows.
  @Test(
    arguments: [
      ("Description: one", "Description: three"), ("AliasName: alias/a", "AliasName: alias/b"),
      ("!Ref Window", "29"), ("Value: b", "Value: c"),
      ("{Key: a, Value: b}", "{Key: a, Value: 'x=y'}"), ("Outputs:", "Outputs:\n  O: {Value: x}"),
      ("Value: !GetAtt k.Arn", "Value: !GetAtt k.Arn, Description: x"),
      ("Parameters:", "Description: x\nParameters:"),
      (
        "Properties: {Description: one", "DeletionPolicy: Retain\n    Properties: {Description: one"
      ),
      ("Description: one", "Description: one, BypassPolicyLockoutSafetyCheck: true"),
      ("Resources:", "Resources:\n  first: {Type: 'AWS::KMS::Key'}"),
    ])
  func aChangeOfTheTemplateIsNoticed(old: String, new: String) throws {
    let changed = Self.one.replacing(old, with: new)
    #expect(changed != Self.one)
    for _ in 1...2 {
      let digest = try planned(Self.one)
      try expectOtherPlan { _ = try apply(changed, consent: .toPlan(digest)) }
      try stacks.apply(Self.one)
    }
  }

  @Test func tagsThatLookAlikeAreDifferent() throws {
    let tags = ["Tags: [{Key: a, Value: 'b=c'}]", "Tags: [{Key: 'a=b', Value: c}]"]
    #expect(try planned(keyTemplate(tags[0])) != planned(keyTemplate(tags[1])))
  }

  @Test func aChangeOfTheParametersIsNoticed() throws {
    let digest = try planned(Self.one, parameters: ["Window": "9"])
    try expectOtherPlan { _ = try apply(Self.one, consent: .toPlan(digest)) }
    _ = try apply(Self.one, parameters: ["Window": "9"], consent: .toPlan(digest))
  }

  // MARK: Questions

  @Test func theQuestionShowsThePlanOnce() throws {
    var shown: [StackPlan] = []
    let result = try apply(Self.one, consent: .asking { shown.append($0) })
    #expect(shown.count == 1 && result.plan == shown[0])
  }

  @Test func withoutConsentNothingIsDone() throws {
    struct Refusal: Error {}
    try stacks.apply(Self.one)
    let (before, log) = (try stacks.contents(), try stacks.log())
    #expect(throws: Refusal.self) { try apply(Self.two, consent: .asking { _ in throw Refusal() }) }
    #expect(throws: Refusal.self) {
      try service.deleteStack("s", consent: .asking { _ in throw Refusal() })
    }
    #expect(try stacks.contents() == before && stacks.log() == log)
  }

  @Test(arguments: changes.indices)
  func aChangeDuringTheQuestionIsNoticed(index: Int) throws {
    try stacks.apply(Self.one)
    var changed: [String] = []
    let error = #expect(throws: TemplateError.self) {
      try apply(
        Self.two,
        consent: .asking { _ in
          try Self.changes[index].1(self)
          changed = try stacks.contents()
        })
    }
    #expect(error?.kind == .otherPlan)
    #expect(try stacks.contents() == changed)
    #expect(try stacks.log().last == "UpdateStack InvalidChangeSetStatus")
  }

  @Test func theDeletionThatWasShownIsCarriedOut() throws {
    try stacks.apply(Self.one)
    let error = #expect(throws: TemplateError.self) {
      try service.deleteStack("s", consent: .asking { _ in try stacks.apply(Self.two) })
    }
    #expect(error?.kind == .otherPlan)
    #expect(try service.stacks().count == 1)
    try service.deleteStack("s", consent: .asking { #expect(!$0.changes.isEmpty) })
    #expect(try service.stacks().isEmpty)
  }
}
