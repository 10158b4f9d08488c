import Foundation
import GRDB
import Testing

@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import KMSTemplates
@testable import TestSupport

/// Manual changes to a stack's resources outside its template, and the relations between stacks.
@Suite struct StackDriftTests {
  let stacks: TestStacks
  var service: KeyService { stacks.service }

  init() throws { stacks = try TestStacks() }

  private static let text = """
    Resources:
      k:
        Type: AWS::KMS::Key
        Properties:
          Description: one
          EnableKeyRotation: true
          Tags: [{Key: a, Value: '1'}, {Key: b, Value: '2'}]
      a: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/a, TargetKeyId: !Ref k}}
    """

  private func made() throws -> String {
    try #require(try stacks.apply(Self.text).physicalIDs["k"])
  }

  /// The template restores only the properties that the plan names.
  @Test(arguments: [
    "Description", "Enabled", "EnableKeyRotation", "RotationPeriodInDays", "Tags", "KeyPolicy",
  ])
  func whatTheTemplateSaysIsPutBack(property: String) throws {
    let id = try made()
    let tag = Tag(tagKey: "mine", tagValue: "x")
    try service.perform(TagResourceRequest(keyID: id, tags: [tag]))
    #expect(try stacks.plan(Self.text).isEmpty)
    switch property {
    case "Description":
      try service.perform(UpdateKeyDescriptionRequest(keyID: id, description: "other"))
    case "Enabled": try service.perform(DisableKeyRequest(keyID: id))
    case "EnableKeyRotation": try service.perform(DisableKeyRotationRequest(keyID: id))
    case "RotationPeriodInDays":
      try service.perform(EnableKeyRotationRequest(keyID: id, rotationPeriodInDays: 100))
    case "KeyPolicy":
      try service.perform(PutKeyPolicyRequest(keyID: id, policy: policyJSON("x")))
    default:
      try service.perform(UntagResourceRequest(keyID: id, tagKeys: ["a"]))
      try service.perform(
        TagResourceRequest(keyID: id, tags: [Tag(tagKey: "b", tagValue: "other")]))
    }
    let plan = try stacks.plan(Self.text)
    #expect(plan.changes.map(\.action) == [.update, .none])
    #expect(plan.changes[0].properties.contains { $0.name == property })
    #expect(plan.notices.isEmpty)
    try stacks.apply(Self.text)
    #expect(try stacks.plan(Self.text).isEmpty)
    #expect(try service.describe(id).description == "one")
    #expect(try service.describe(id).keyState == .enabled)
    #expect(try stacks.rotation(id) == 365)
    #expect(try stacks.tags(id) == ["a=1", "b=2", "mine=x"])
  }

  /// A tag that somebody else set is in the plan before the template overwrites it.
  @Test(arguments: ["alice", "stack"])
  func aTagThatTheTemplateTakesOverIsShown(value: String) throws {
    let id = try made()
    let text = Self.text.replacing("Tags: [", with: "Tags: [{Key: owner, Value: stack}, ")
    let digest = try stacks.plan(text).digest()
    let tags = [Tag(tagKey: "owner", tagValue: value), Tag(tagKey: "mine", tagValue: "x")]
    try service.perform(TagResourceRequest(keyID: id, tags: tags))
    let plan = try stacks.plan(text)
    #expect(try plan.digest() != digest)
    let change = StackPlan.PropertyChange(
      name: "Tags", old: "a=1\nb=2\nowner=alice", new: "a=1\nb=2\nowner=stack")
    #expect(plan.changes[0].properties == (value == "alice" ? [change] : []))
    let error = #expect(throws: TemplateError.self) {
      try service.applyStack(stacks.request(text), consent: .toPlan(digest))
    }
    #expect(error?.kind == .otherPlan)
    #expect(try stacks.tags(id) == ["a=1", "b=2", "mine=x", "owner=\(value)"])
    _ = try service.applyStack(stacks.request(text), consent: .toPlan(plan.digest()))
    #expect(try stacks.tags(id) == ["a=1", "b=2", "mine=x", "owner=stack"])
    // The tag is the stack's now: it goes with the template's.
    try stacks.apply(Self.text)
    #expect(try stacks.tags(id) == ["a=1", "b=2", "mine=x"])
  }

  @Test func aMovedAliasIsPutBack() throws {
    let id = try made()
    try service.updateAlias("alias/a", target: try service.createKey().keyID)
    #expect(
      try stacks.plan(Self.text).changes[1].properties.map(\.name) == ["TargetKeyId"])
    try stacks.apply(Self.text)
    #expect(try service.describe("alias/a").keyID == id)
  }

  @Test func aDeletedAliasIsMadeAgain() throws {
    let id = try made()
    try service.deleteAlias("alias/a")
    let plan = try stacks.plan(Self.text)
    #expect(plan.notices.map(\.finding) == [.aliasIsGone])
    #expect(plan.changes.map(\.action) == [.none, .create])
    try stacks.apply(Self.text)
    #expect(try service.describe("alias/a").keyID == id)
    #expect(try stacks.plan(Self.text).notices.isEmpty)
  }

  /// A resource that another stack has created in the meantime belongs to that stack.
  @Test func anotherStacksAliasIsLeftAlone() throws {
    _ = try made()
    try service.deleteAlias("alias/a")
    let other = try stacks.apply(Self.text, stack: "other").physicalIDs["k"]
    #expect(try stacks.plan(Self.text).notices.map(\.finding) == [.aliasIsGone, .aliasIsTaken])
    #expect(throws: KeyServiceError.alreadyExists("alias/a")) { try stacks.apply(Self.text) }
    try service.deleteStack("s")
    #expect(try service.describe("alias/a").keyID == other)
  }

  @Test func aKeyThatIsGoingIsSaid() throws {
    let id = try made()
    try service.perform(ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: 7))
    let notice = StackNotice(
      logicalID: "k", type: .key, physicalID: id,
      finding: .keyIsPendingDeletion(stacks.keystore.clock.now + 7 * 86_400))
    #expect(try stacks.plan(Self.text).notices == [notice])
    let before = try stacks.contents()
    #expect(throws: KeyServiceError.invalidState(keyID: id, state: .pendingDeletion)) {
      try stacks.apply(Self.text)
    }
    #expect(try stacks.contents() == before)
    // The key can be removed from the template and the stack.
    let plan = try service.planStackDeletion("s")
    #expect(plan.notices == [notice] && plan.changes.map(\.logicalID) == ["a"])
    // Or the deletion can be cancelled.
    try service.perform(CancelKeyDeletionRequest(keyID: id))
    #expect(try stacks.plan(Self.text).changes[0].properties.map(\.name) == ["Enabled"])
    try stacks.apply(Self.text)
    #expect(try service.describe(id).keyState == .enabled)
    try service.perform(ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: 7))
    try service.deleteStack("s")
    #expect(try service.stacks().isEmpty && service.listAliases().isEmpty)
  }

  @Test func aKeyThatIsGoneIsMadeAnew() throws {
    let id = try made()
    try service.perform(ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: 7))
    stacks.keystore.clock.advance(days: 8)
    let plan = try stacks.plan(Self.text)
    #expect(plan.notices.map(\.finding) == [.keyIsGone, .aliasIsGone])
    #expect(plan.changes.map(\.action) == [.create, .create])
    let new = try stacks.apply(Self.text).physicalIDs["k"]
    #expect(new != id)
    #expect(try service.describe("alias/a").keyID == new)
    #expect(try service.check().damage.isEmpty)
  }

  @Test func aStackOfNothingCanBeDeleted() throws {
    let id = try made()
    try service.perform(ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: 7))
    stacks.keystore.clock.advance(days: 8)
    #expect(try service.deleteStack("s").changes.isEmpty)
    #expect(try service.stacks().isEmpty)
  }

  @Test func keysThatWaitForMaterial() throws {
    let text = keyTemplate("Origin: EXTERNAL")
    let id = try #require(try stacks.apply(text).physicalIDs["k"])
    #expect(try stacks.plan(text).isEmpty)
    try service.importMaterial([UInt8](repeating: 1, count: 32), into: id)
    #expect(try stacks.plan(text).isEmpty)
    try stacks.apply(keyTemplate("Origin: EXTERNAL\nEnabled: false"))
    #expect(try service.describe(id).keyState == .disabled)
    #expect(
      try stacks.problem {
        try stacks.apply(keyTemplate("Origin: EXTERNAL\nEnabled: false"), stack: "t")
      }
        == "6:16 Enabled of 'k' cannot be false: a new key of the origin EXTERNAL waits for its "
        + "material first")
  }

  @Test func theRotationOfADisabledKeyCannotChange() throws {
    try stacks.apply(keyTemplate("Enabled: false"))
    #expect(
      try stacks.problem {
        try stacks.apply(keyTemplate("Enabled: false\nEnableKeyRotation: true"))
      } == "6:26 EnableKeyRotation of 'k' cannot change while Enabled is false")
  }

  // MARK: Keys that the template does not make

  @Test func aliasesForOtherKeysNeedThem() throws {
    func text(_ id: String) -> String {
      """
      Resources:
        a: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/a, TargetKeyId: \(id)}}
      """
    }
    let id = try service.createKey().keyID
    let absent = UUID().uuidString.lowercased()
    #expect(
      try stacks.problem { _ = try stacks.plan(text(absent)) }
        == "2:78 TargetKeyId of 'a': there is no key \(absent)")
    try stacks.apply(text(KeyName.arn(ofKey: id)))
    #expect(try service.describe("alias/a").keyID == id)
    try service.perform(ScheduleKeyDeletionRequest(keyID: id))
    #expect(
      try stacks.problem { try stacks.apply(text(id)) }
        == "2:78 TargetKeyId of 'a': key \(id) is pending deletion")
  }

  // MARK: Exports

  private static let exporting = """
    Resources: {k: {Type: 'AWS::KMS::Key'}}
    Outputs: {o: {Value: !Ref k, Export: {Name: !Sub "${AWS::StackName}-key"}}}
    """
  private static let importing = """
    Resources:
      a: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/a, TargetKeyId: !ImportValue s-key}}
    """

  @Test func exportsAreImported() throws {
    #expect(
      try stacks.problem { _ = try stacks.plan(Self.importing, stack: "t") }
        == "2:78 no stack exports 's-key'")
    let id = try stacks.apply(Self.exporting).physicalIDs["k"]
    try stacks.apply(Self.importing, stack: "t")
    #expect(try service.describe("alias/a").keyID == id)
    let inUse = TemplateError(
      .exportInUse, nil, "the export 's-key' cannot be removed: it is imported by t")
    #expect(throws: inUse) { try service.deleteStack("s") }
    #expect(throws: inUse) { try stacks.apply("Resources: {k: {Type: 'AWS::KMS::Key'}}") }
    try service.deleteStack("t")
    try service.deleteStack("s")
  }

  /// The name of an export can be imported, too.
  @Test func theNameOfAnExportIsImported() throws {
    let service = stacks.service
    try stacks.apply(
      """
      Resources: {k: {Type: 'AWS::KMS::Key'}}
      Outputs: {o: {Value: name-of-t, Export: {Name: s-name}}}
      """)
    try stacks.apply(
      """
      Resources: {k: {Type: 'AWS::KMS::Key'}}
      Outputs: {o: {Value: v, Export: {Name: !ImportValue s-name}}}
      """, stack: "t")
    #expect(try service.stack(named: "t").outputs.map(\.exportName) == ["name-of-t"])
    let inUse = TemplateError(
      .exportInUse, nil, "the export 's-name' cannot be removed: it is imported by t")
    #expect(throws: inUse) { try service.deleteStack("s") }
    try service.deleteStack("t")
    try service.deleteStack("s")
  }

  @Test func aNameIsExportedOnce() throws {
    try stacks.apply(Self.exporting)
    let text = Self.exporting.replacing("!Sub \"${AWS::StackName}-key\"", with: "s-key")
    #expect(
      try stacks.problem { try stacks.apply(text, stack: "t") }
        == "2:11 's-key' is already exported by stack 's'")
    #expect(try service.stacks().map(\.stackName) == ["s"])
  }

  // MARK: Records

  @Test(arguments: [
    "name = 'x'", "creationDate = creationDate + 1", "lastUpdatedDate = 1", "contents = '{}'",
    "contents = replace(contents, '\"pendingWindowInDays\":30', '\"pendingWindowInDays\":7')",
    "authenticationCode = zeroblob(32)",
  ])
  func anEditedRecordIsNoticed(change: String) throws {
    _ = try made()
    let path = service.keystore.path.string
    try DatabaseQueue(path: path).write { try $0.execute(sql: "UPDATE stack SET \(change)") }
    let name = change.hasPrefix("name") ? "stack x" : "stack s"
    #expect(
      try service.check().damage
        == [.edited(name)] + (name == "stack s" ? [] : [.missing("stack s")]))
    #expect(throws: KeystoreError.editedRecord(name)) { try stacks.apply(Self.text) }
    #expect(throws: KeystoreError.editedRecord(name)) { try service.deleteStack("s") }
  }

  @Test func aKeyEditedByHandIsNotApplied() throws {
    let id = try made()
    try DatabaseQueue(path: service.keystore.path.string).write {
      try $0.execute(sql: "UPDATE masterKey SET description = 'x'")
    }
    #expect(throws: KeystoreError.editedRecord("key \(id)")) { try stacks.apply(Self.text) }
  }
}
