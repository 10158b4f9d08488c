import KMSAPI
import KMSPolicy

/// The changes that are needed to make a stack match its template. Making a plan changes nothing.
///
/// `Encodable` is the canonical form of a plan, for its digest.
package struct StackPlan: Equatable, Encodable, Sendable {
  /// A property with its texts before and after the change; nil if the property is absent.
  package struct PropertyChange: Equatable, Encodable, Sendable {
    package let name: String
    package let old: String?
    package let new: String?

    package init(name: String, old: String?, new: String?) {
      self.name = name
      self.old = old
      self.new = new
    }
  }

  package enum Action: Equatable, Encodable, Sendable {
    case create
    /// If only DeletionPolicy or PendingWindowInDays changes, only the stack's record is updated.
    case update
    /// An alias gets another name: the new one is created, the old one deleted.
    case replace
    case none
    /// The deletion of a key is scheduled after this number of days. An alias is deleted at once.
    case delete(windowInDays: Int?)
    /// The resource stays, but no longer belongs to a stack.
    case retain
  }

  package struct Change: Equatable, Encodable, Sendable {
    package let logicalID: String
    package let type: TemplateResourceType
    /// Nil for a resource that is not created yet.
    package let physicalID: String?
    package let action: Action
    /// The properties that change; all properties if the resource is created.
    package let properties: [PropertyChange]
  }

  /// The changes in the order of execution: resources of the template in the order of their
  /// dependencies, then deletions.
  package let changes: [Change]
  /// The outputs by name, each with its value and the name of its export.
  package let outputs: [PropertyChange]
  /// A probable mistake in the policy of a key.
  package struct Warning: Equatable, Sendable {
    package let logicalID: String
    package let warning: PolicyWarning
  }

  package let warnings: [Warning]
  /// The changes to the stack's resources that were made outside its template.
  package internal(set) var notices: [StackNotice] = []
  /// The ID of the keystore that the plan is for; nil if it is for an empty one.
  package internal(set) var keystoreID: String?
  /// The stack before the changes, as it is in the keystore; nil for a new stack. Its keys have the
  /// tags that the stack did not set, too, if the plan overwrites them.
  let before: Stack?
  /// The stack after the changes; nil if it is deleted.
  private let after: Outcome?

  /// A stack after the changes. Values that are known only after the changes are placeholders.
  fileprivate struct Outcome: Equatable, Encodable, Sendable {
    struct Resource: Equatable, Encodable, Sendable {
      let logicalID: String
      let deletionPolicy: DeletionPolicy
      let properties: Stack.Resource.Properties
      let bypassesPolicyLockoutSafetyCheck: Bool
    }

    let name: String
    let description: String?
    let parameters: [String: String]
    let resources: [Resource]
    let outputs: [StackOutput]
    let imports: [String]
  }

  /// The values in the digest: all except the warnings, which only depend on other values.
  private enum CodingKeys: CodingKey {
    case keystoreID, before, after, changes, outputs, notices
  }

  /// True if there is nothing to do.
  package var isEmpty: Bool {
    outputs.isEmpty && changes.allSatisfy { $0.action == .none && $0.properties.isEmpty }
  }

  /// Plans the changes from the current stack `record`, nil for a new stack, to `evaluator`.
  /// `importers` returns the other stacks that import an export, and `exporter` the other stack
  /// that has an export. `keyState` returns the state of a key of the keystore, nil if there is no
  /// such key. `tags` returns all tags of a key of the stack. Throws `TemplateError` for errors in the template, for changes that would need
  /// another key, for exports that other stacks import and that would change, and for exports that
  /// another stack already has.
  init(
    from record: Stack?, to evaluator: TemplateEvaluator,
    importers: (String) -> [String] = { _ in [] }, exporter: (String) -> String? = { _ in nil },
    keyState: ((String) throws -> KeyState?)? = nil, tags: (String) throws -> [Tag] = { _ in [] }
  ) throws {
    var record = record
    var evaluator = evaluator
    evaluator.namesPending = true
    evaluator.physicalIDs = [:]
    if let record { evaluator.enterKeys(of: record) }
    var changes: [Change] = []
    var warnings: [Warning] = []
    var resources: [Outcome.Resource] = []
    for logicalID in evaluator.resourceOrder {
      let resource = try evaluator.resource(logicalID)
      switch resource {
      case .key(let key):
        warnings += key.policyWarnings.map { Warning(logicalID: logicalID, warning: $0) }
        try record?.addTags(thatBelongTo: key, tags)
      case .alias(let alias):
        evaluator.physicalIDs[logicalID] = alias.properties.aliasName
        if let keyState { try Self.requireTarget(of: alias, keyState) }
      }
      changes.append(try Self.change(record?[logicalID], resource))
      resources.append(Outcome.Resource(resource))
    }
    self.warnings = warnings
    let gone = (record?.resources ?? []).filter { old in
      !evaluator.resourceOrder.contains(old.logicalID)
    }
    self.changes = changes + Self.deletions(gone)
    let outputs = try evaluator.outputs()
    for output in outputs {
      guard let name = output.exportName, let stack = exporter(name) else { continue }
      throw TemplateError(
        .exportInUse, evaluator.mark(ofOutput: output.name),
        "'\(name)' is already exported by stack '\(stack)'")
    }
    self.outputs = Self.changes(record?.outputs ?? [], outputs)
    before = record
    after = Outcome(
      name: evaluator.stackName, description: evaluator.template.description,
      parameters: evaluator.parameters, resources: resources, outputs: outputs,
      imports: try evaluator.importedNames())
    try Self.requireUnused(
      record?.exports ?? [:],
      after: outputs.reduce(into: [:]) { exports, output in
        if let name = output.exportName { exports[name] = output.value }
      }, importers)
  }

  /// Plans the deletion of a stack. Throws `TemplateError` if other stacks import its exports.
  init(deleting record: Stack, importers: (String) -> [String] = { _ in [] }) throws {
    warnings = []
    changes = Self.deletions(record.resources)
    outputs = Self.changes(record.outputs, [])
    before = record
    after = nil
    try Self.requireUnused(record.exports, after: [:], importers)
  }

  private static func change(
    _ old: Stack.Resource?, _ new: StackResource
  ) throws -> Change {
    let properties = new.properties
    let policy = new.deletionPolicy
    guard let old else {
      if case .key(let key) = new { try requireMaterialBeforeDisabling(key) }
      return Change(
        logicalID: new.logicalID, type: properties.type, physicalID: nil, action: .create,
        properties: properties.texts.filter { $0.text != nil }.map {
          PropertyChange(name: $0.name, old: nil, new: $0.text)
        }
          + (policy == .delete
            ? [] : [PropertyChange(name: "DeletionPolicy", old: nil, new: policy.rawValue)]))
    }
    guard old.properties.type == properties.type else {
      throw TemplateError(
        .replacement, new.mark,
        "resource '\(new.logicalID)' is of the type \(old.properties.type.rawValue), and cannot "
          + "become \(properties.type.rawValue); give the new one another name")
    }
    var changes = zip(old.properties.texts, properties.texts).compactMap { old, new in
      // `==` treats texts as equal if they differ only in Unicode composition.
      old.text.map { Array($0.utf8) } == new.text.map { Array($0.utf8) }
        ? nil : PropertyChange(name: old.name, old: old.text, new: new.text)
    }
    if case .key(let key) = new {
      try requireSameKey(key, changes)
      try requireEnabledForRotation(key, changes)
    }
    if old.deletionPolicy != policy {
      changes.append(
        PropertyChange(
          name: "DeletionPolicy", old: old.deletionPolicy.rawValue, new: policy.rawValue))
    }
    let isOtherName = changes.contains { $0.name == "AliasName" }
    return Change(
      logicalID: new.logicalID, type: properties.type, physicalID: old.physicalID,
      action: changes.isEmpty ? .none : isOtherName ? .replace : .update, properties: changes)
  }

  /// Throws if the spec, usage or origin changes: that would be another key, which cannot decrypt
  /// data encrypted under this key.
  private static func requireSameKey(
    _ key: TemplateKey, _ changes: [PropertyChange]
  ) throws {
    for change in changes where ["KeySpec", "KeyUsage", "Origin"].contains(change.name) {
      throw TemplateError(
        .replacement, key.mark(of: change.name),
        "\(change.name) of '\(key.logicalID)' is \(change.old ?? ""), and cannot become "
          + "\(change.new ?? ""): that would be another key; give the new one another name")
    }
  }

  private static func requireMaterialBeforeDisabling(_ key: TemplateKey) throws {
    guard key.properties.origin == .external, !key.properties.enabled else { return }
    throw TemplateError(
      .invalid, key.mark(of: "Enabled"),
      "Enabled of '\(key.logicalID)' cannot be false: a new key of the origin EXTERNAL waits for its "
        + "material first")
  }

  /// Throws if the rotation of a disabled key would change, as the KMS API does.
  private static func requireEnabledForRotation(
    _ key: TemplateKey, _ changes: [PropertyChange]
  ) throws {
    guard !key.properties.enabled, !changes.contains(where: { $0.name == "Enabled" }),
      let change = changes.first(where: {
        ["EnableKeyRotation", "RotationPeriodInDays"].contains($0.name)
      })
    else { return }
    throw TemplateError(
      .invalid, key.mark(of: change.name),
      "\(change.name) of '\(key.logicalID)' cannot change while Enabled is false")
  }

  /// Throws if an alias is for a key outside the template that does not exist or is pending
  /// deletion.
  private static func requireTarget(
    of alias: TemplateAlias, _ keyState: (String) throws -> KeyState?
  ) throws {
    guard case .keyID(let text) = alias.target, case .keyID(let id)? = try? KeyName(parsing: text)
    else { return }
    let state = try keyState(id)
    guard state == nil || state == .pendingDeletion else { return }
    throw TemplateError(
      .invalid, alias.targetMark,
      "TargetKeyId of '\(alias.logicalID)': "
        + (state == nil ? "there is no key \(id)" : "key \(id) is pending deletion"))
  }

  /// Returns the deletions, in the reverse order of creation.
  private static func deletions(_ resources: [Stack.Resource]) -> [Change] {
    resources.reversed().map { resource in
      let action: Action
      switch (resource.deletionPolicy, resource.properties) {
      case (.retain, _), (.retainExceptOnCreate, _): action = .retain
      case (.delete, .key(let key)): action = .delete(windowInDays: key.pendingWindowInDays)
      case (.delete, .alias): action = .delete(windowInDays: nil)
      }
      return Change(
        logicalID: resource.logicalID, type: resource.properties.type,
        physicalID: resource.physicalID, action: action, properties: [])
    }
  }

  private static func changes(_ old: [StackOutput], _ new: [StackOutput]) -> [PropertyChange] {
    let left = old.filter { output in !new.contains { $0.name == output.name } }
    return new.compactMap { output in
      let before = old.first { $0.name == output.name }
      guard before != output else { return nil }
      return PropertyChange(name: output.name, old: before?.text, new: output.text)
    } + left.map { PropertyChange(name: $0.name, old: $0.text, new: nil) }
  }

  private static func requireUnused(
    _ exports: [String: String], after new: [String: String], _ importers: (String) -> [String]
  ) throws {
    for (name, value) in exports.sorted(by: { $0.key < $1.key }) where new[name] != value {
      let users = importers(name)
      guard users.isEmpty else {
        throw TemplateError(
          .exportInUse, nil,
          "the export '\(name)' cannot \(new[name] == nil ? "be removed" : "change"): it is "
            + "imported by " + users.joined(separator: ", "))
      }
    }
  }
}

extension Stack {
  /// Adds the key's tags that the stack did not set and that the template sets now: they are
  /// overwritten. `tags` returns all tags of a key.
  fileprivate mutating func addTags(
    thatBelongTo key: TemplateKey, _ tags: (String) throws -> [Tag]
  ) throws {
    guard let index = resources.firstIndex(where: { $0.logicalID == key.logicalID }),
      case .key(var properties) = resources[index].properties
    else { return }
    let new = key.properties.tags.filter { tag in
      !properties.tags.contains { $0.hasKey(of: tag) }
    }
    guard !new.isEmpty else { return }
    properties.tags += try tags(resources[index].physicalID).filter { tag in
      new.contains { $0.hasKey(of: tag) }
    }
    resources[index].properties = .key(properties)
  }
}

extension Tag {
  /// Compares the keys byte by byte, as the keystore does.
  fileprivate func hasKey(of other: Tag) -> Bool {
    tagKey.utf8.elementsEqual(other.tagKey.utf8)
  }
}

extension StackPlan.Outcome.Resource {
  fileprivate init(_ resource: StackResource) {
    logicalID = resource.logicalID
    deletionPolicy = resource.deletionPolicy
    properties = resource.properties
    switch resource {
    case .key(let key): bypassesPolicyLockoutSafetyCheck = key.bypassPolicyLockoutSafetyCheck
    case .alias: bypassesPolicyLockoutSafetyCheck = false
    }
  }
}

extension StackOutput {
  fileprivate var text: String { exportName.map { "\(value) (exported as \($0))" } ?? value }
}

extension Stack.Resource.Properties {
  /// Each property under CloudFormation's name, as text, always in the same order; nil if the
  /// property is absent.
  fileprivate var texts: [(name: String, text: String?)] {
    switch self {
    case .key(let key):
      [
        ("Description", key.description.isEmpty ? nil : key.description),
        ("Enabled", "\(key.enabled)"), ("EnableKeyRotation", "\(key.enableKeyRotation)"),
        ("RotationPeriodInDays", key.rotationPeriodInDays.map { "\($0)" }),
        ("KeyPolicy", key.keyPolicy), ("KeySpec", key.keySpec.rawValue),
        ("KeyUsage", key.keyUsage.rawValue), ("Origin", key.origin.rawValue),
        ("PendingWindowInDays", "\(key.pendingWindowInDays)"),
        (
          "Tags",
          key.tags.isEmpty
            ? nil : key.tags.map { "\($0.tagKey)=\($0.tagValue)" }.sorted().joined(separator: "\n")
        ),
      ]
    case .alias(let alias):
      [("AliasName", alias.aliasName), ("TargetKeyId", alias.targetKeyID)]
    }
  }
}
