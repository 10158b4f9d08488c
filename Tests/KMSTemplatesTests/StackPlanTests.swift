import Testing

@testable import KMSAPI
@testable import KMSTemplates
@testable import TestSupport

@Suite struct StackPlanTests {
  private typealias Change = StackPlan.Change
  private typealias Property = StackPlan.PropertyChange

  private func record(_ text: String) throws -> Stack {
    try Stack(made(evaluator(text)))
  }

  private func changes(
    from old: String, to new: String, importers: [String: [String]] = [:]
  ) throws -> StackPlan {
    try StackPlan(
      from: record(old), to: evaluator(new), importers: { importers[$0] ?? [] })
  }

  private static let pair = """
    Resources:
      k:
        Type: AWS::KMS::Key
        Properties: {Description: one}
      a:
        Type: AWS::KMS::Alias
        Properties: {AliasName: alias/a, TargetKeyId: !Ref k}
    Outputs:
      Arn: {Value: !GetAtt k.Arn, Export: {Name: arn}}
      Fixed: {Value: same, Export: {Name: fixed}}
    """

  @Test func everythingIsCreatedOnce() throws {
    let plan = try StackPlan(from: nil, to: evaluator(Self.pair))
    #expect(
      plan.changes == [
        Change(
          logicalID: "k", type: .key, physicalID: nil, action: .create,
          properties: [
            Property(name: "Description", old: nil, new: "one"),
            Property(name: "Enabled", old: nil, new: "true"),
            Property(name: "EnableKeyRotation", old: nil, new: "false"),
            Property(name: "KeySpec", old: nil, new: "SYMMETRIC_DEFAULT"),
            Property(name: "KeyUsage", old: nil, new: "ENCRYPT_DECRYPT"),
            Property(name: "Origin", old: nil, new: "AWS_KMS"),
            Property(name: "PendingWindowInDays", old: nil, new: "30"),
          ]),
        Change(
          logicalID: "a", type: .alias, physicalID: nil, action: .create,
          properties: [
            Property(name: "AliasName", old: nil, new: "alias/a"),
            Property(name: "TargetKeyId", old: nil, new: "(known after apply: k)"),
          ]),
      ])
    #expect(
      plan.outputs == [
        Property(name: "Arn", old: nil, new: "(known after apply: k.Arn) (exported as arn)"),
        Property(name: "Fixed", old: nil, new: "same (exported as fixed)"),
      ])
    #expect(!plan.isEmpty)
  }

  @Test(arguments: [pair, try! exampleTemplate()])
  func nothingChangesTheSecondTime(text: String) throws {
    let plan = try changes(from: text, to: text)
    #expect(plan.isEmpty)
    #expect(plan.changes.map(\.action) == [.none, .none])
  }

  @Test(
    arguments: [
      ("Description: x", "Description", "one", "x"),
      ("Description: one\nEnabled: false", "Enabled", "true", "false"),
      ("Description: one\nEnableKeyRotation: true", "EnableKeyRotation", "false", "true"),
      ("Description: one\nPendingWindowInDays: 7", "PendingWindowInDays", "30", "7"),
      ("Description: one\nTags: [{Key: a, Value: b}]", "Tags", nil, "a=b"),
      ("Description: one\nKeyPolicy: \(policyText("x"))", "KeyPolicy", nil, policyJSON("x")),
      ("{}", "Description", "one", nil),
    ] as [(String, String, String?, String?)])
  func oneProperty(properties: String, name: String, old: String?, new: String?) throws {
    let lines =
      properties == "{}" ? ["Enabled: true"] : properties.split(separator: "\n").map(String.init)
    let template = keyTemplate(lines.joined(separator: "\n"))
    let change = try changes(from: keyTemplate("Description: one"), to: template).changes[0]
    #expect(change.action == .update)
    #expect(change.physicalID == "ID-k")
    #expect(change.properties.first { $0.name == name } == Property(name: name, old: old, new: new))
    #expect(change.properties.count == (name == "EnableKeyRotation" ? 2 : 1))
  }

  @Test func deletionPolicyIsShown() throws {
    let retained = Self.pair.replacing(
      "Properties: {D", with: "DeletionPolicy: Retain\n    Properties: {D")
    let policy = Property(name: "DeletionPolicy", old: "Delete", new: "Retain")
    let plan = try changes(from: Self.pair, to: retained)
    #expect(plan.changes[0].action == .update)
    #expect(plan.changes[0].properties == [policy])
    #expect(
      try StackPlan(from: nil, to: evaluator(retained)).changes[0].properties.last
        == Property(name: "DeletionPolicy", old: nil, new: "Retain"))
  }

  @Test func outputsShowTheirExports() throws {
    let plan = try changes(
      from: Self.pair, to: Self.pair.replacing("same, Export: {Name: fixed}", with: "same"))
    #expect(
      plan.outputs == [
        Property(name: "Fixed", old: "same (exported as fixed)", new: "same")
      ])
    #expect(!plan.isEmpty)
  }

  @Test func orderOfTagsIsNothing() throws {
    let plan = try changes(
      from: keyTemplate("Tags: [{Key: a, Value: 1}, {Key: b, Value: 2}]"),
      to: keyTemplate("Tags: [{Key: b, Value: 2}, {Key: a, Value: 1}]"))
    #expect(plan.isEmpty)
  }

  /// Only tags that the template sets are overwritten.
  @Test func tagsOfOthersAreShownIfTheyAreOverwritten() throws {
    let old = try record(keyTemplate("Tags: [{Key: a, Value: 1}]"))
    let new = try evaluator(keyTemplate("Tags: [{Key: a, Value: 1}, {Key: b, Value: 2}]"))
    let plans = try ["3", "4"].map { value in
      try StackPlan(
        from: old, to: new,
        tags: { id in
          #expect(id == "ID-k")
          return ["a": "1", "b": value, "c": "5"].map { Tag(tagKey: $0.key, tagValue: $0.value) }
        })
    }
    #expect(
      plans[0].changes[0].properties == [Property(name: "Tags", old: "a=1\nb=3", new: "a=1\nb=2")])
    let digests = try (plans + [StackPlan(from: old, to: new)]).map { try $0.digest().text }
    #expect(Set(digests).count == 3)
  }

  @Test func theDigestIsOfOneKeystore() throws {
    var plan = try StackPlan(from: nil, to: evaluator(Self.pair))
    var digests = [try plan.digest().text]
    for id in ["one", "two"] {
      plan.keystoreID = id
      digests.append(try plan.digest().text)
    }
    #expect(Set(digests).count == 3)
  }

  @Test(arguments: [
    (
      "KeySpec: RSA_2048\nKeyUsage: SIGN_VERIFY",
      "5:16 KeySpec of 'k' is SYMMETRIC_DEFAULT, and cannot become RSA_2048: that would be another key; give the new one another name"
    ),
    (
      "Description: x\nOrigin: EXTERNAL",
      "6:15 Origin of 'k' is AWS_KMS, and cannot become EXTERNAL: that would be another key; give the new one another name"
    ),
  ])
  func anotherKeyIsRefused(properties: String, expected: String) throws {
    do {
      _ = try changes(from: keyTemplate("Description: x"), to: keyTemplate(properties))
      Issue.record("nothing was thrown")
    } catch let error as TemplateError {
      #expect(error.kind == .replacement)
      #expect(described(error) == expected)
    }
  }

  @Test func anotherUsageIsRefused() throws {
    let error = #expect(throws: TemplateError.self) {
      try changes(
        from: keyTemplate("KeySpec: RSA_2048", "KeyUsage: SIGN_VERIFY"),
        to: keyTemplate("KeySpec: RSA_2048"))
    }
    #expect(error?.mark == TemplateMark(line: 2, column: 3))
    #expect(error?.message.hasPrefix("KeyUsage of 'k' is SIGN_VERIFY, and cannot become") == true)
  }

  @Test func anotherTypeIsRefused() throws {
    let error = #expect(throws: TemplateError.self) {
      try changes(
        from: Self.pair,
        to: """
          Resources:
            a: {Type: 'AWS::KMS::Key'}
          """)
    }
    #expect(error?.kind == .replacement)
    #expect(
      error?.message
        == "resource 'a' is of the type AWS::KMS::Alias, and cannot become AWS::KMS::Key; give the "
        + "new one another name")
  }

  @Test func aliasUnderAnotherNameIsReplaced() throws {
    let plan = try changes(
      from: Self.pair, to: Self.pair.replacing("alias/a", with: "alias/b"))
    #expect(
      plan.changes[1]
        == Change(
          logicalID: "a", type: .alias, physicalID: "alias/a", action: .replace,
          properties: [Property(name: "AliasName", old: "alias/a", new: "alias/b")]))
  }

  @Test func aliasOfANewKeyIsUpdated() throws {
    let text = Self.pair.replacing("TargetKeyId: !Ref k", with: "TargetKeyId: !Ref k2")
      .replacing("Outputs:", with: "  k2: {Type: 'AWS::KMS::Key'}\nOutputs:")
    let plan = try changes(from: Self.pair, to: text)
    #expect(plan.changes.map(\.logicalID) == ["k", "k2", "a"])
    #expect(plan.changes.map(\.action) == [.none, .create, .update])
    #expect(
      plan.changes[2].properties == [
        Property(name: "TargetKeyId", old: "ID-k", new: "(known after apply: k2)")
      ])
  }

  /// Deletes in the reverse order of creation, and only resources that are to be deleted.
  @Test(arguments: [
    ("Delete", StackPlan.Action.delete(windowInDays: 9)), ("Retain", .retain),
    ("RetainExceptOnCreate", .retain),
  ])
  func whatIsLeftOutGoes(policy: String, action: StackPlan.Action) throws {
    let old = Self.pair.replacing(
      "Properties: {Description: one}",
      with: "DeletionPolicy: \(policy)\n    Properties: {PendingWindowInDays: 9}")
    let new = "Resources: {n: {Type: 'AWS::KMS::Key'}}"
    let expected = [
      Change(
        logicalID: "a", type: .alias, physicalID: "alias/a", action: .delete(windowInDays: nil),
        properties: []),
      Change(logicalID: "k", type: .key, physicalID: "ID-k", action: action, properties: []),
    ]
    let plan = try changes(from: old, to: new)
    #expect(Array(plan.changes.dropFirst()) == expected)
    #expect(plan.changes[0].action == .create)
    #expect(plan.outputs.map(\.new) == [nil, nil])
    #expect(try StackPlan(deleting: record(old)).changes == expected)
  }

  @Test func conditionThatNoLongerHoldsDeletes() throws {
    let text = """
      Parameters: {Make: {Type: String, Default: 'yes'}}
      Conditions: {Made: !Equals [!Ref Make, 'yes']}
      Resources:
        k: {Type: 'AWS::KMS::Key', Condition: Made}
        other: {Type: 'AWS::KMS::Key'}
      """
    let plan = try StackPlan(
      from: record(text), to: evaluator(text, parameters: ["Make": "no"]))
    #expect(plan.changes.map(\.logicalID) == ["other", "k"])
    #expect(plan.changes.map(\.action) == [.none, .delete(windowInDays: 30)])
  }

  @Test(arguments: [
    ("Value: same", "Value: other", "the export 'fixed' cannot change: it is imported by b, c"),
    ("Name: fixed", "Name: moved", "the export 'fixed' cannot be removed: it is imported by b, c"),
  ])
  func exportsInUseStay(old: String, new: String, expected: String) throws {
    let error = #expect(throws: TemplateError.self) {
      try changes(
        from: Self.pair, to: Self.pair.replacing(old, with: new), importers: ["fixed": ["b", "c"]])
    }
    #expect(error == TemplateError(.exportInUse, nil, expected))
    #expect(throws: TemplateError.self) {
      try StackPlan(deleting: record(Self.pair), importers: { $0 == "arn" ? ["d"] : [] })
    }
    #expect(
      try changes(from: Self.pair, to: Self.pair.replacing(old, with: new), importers: [:]).outputs
        .count == 1)
  }

  @Test func recordIsTheSameJSON() throws {
    let record = try record(
      Self.pair.replacing(
        "Description: one", with: "KeyPolicy: \(policyText("x")), EnableKeyRotation: true"))
    let json = try record.json()
    #expect(try Stack(json: json) == record)
    #expect(try Stack(json: json).json() == json)
    #expect(
      record.exports == ["arn": "arn:aws:kms:local:000000000000:key/ID-k", "fixed": "same"])
    #expect(throws: (any Error).self) { try Stack(json: "{}") }
  }

  @Test func recordNeedsEveryResourceMade() throws {
    #expect(throws: TemplateError.self) { try Stack(evaluator(Self.pair)) }
  }
}
