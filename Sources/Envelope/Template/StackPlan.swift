/// What has to be done so that a stack is what its template says. Nothing is done here.
public struct StackPlan: Equatable, Sendable {
  /// A property with its texts before and after; nil where it is not there.
  public struct PropertyChange: Equatable, Sendable {
    public let name: String
    public let old: String?
    public let new: String?

    public init(name: String, old: String?, new: String?) {
      self.name = name
      self.old = old
      self.new = new
    }
  }

  public enum Action: Equatable, Sendable {
    case create
    /// Where it is only DeletionPolicy or PendingWindowInDays, the record alone changes.
    case update
    /// An alias under another name: the new one is made, the old one goes.
    case replace
    case none
    /// A key's deletion is scheduled after so many days; an alias goes at once.
    case delete(windowInDays: Int?)
    /// It stays, and belongs to no stack any more.
    case retain
  }

  public struct Change: Equatable, Sendable {
    public let logicalID: String
    public let type: TemplateResourceType
    /// Nil for what is not made yet.
    public let physicalID: String?
    public let action: Action
    /// Those that change; all of them where the resource is created.
    public let properties: [PropertyChange]
  }

  /// In the order in which they are to be done: what is made, by need, then what goes.
  public let changes: [Change]
  /// Outputs by name: the value, and the name it is exported by.
  public let outputs: [PropertyChange]
  /// A key whose policy probably means something else.
  public struct Warning: Equatable, Sendable {
    public let logicalID: String
    public let warning: PolicyWarning
  }

  public let warnings: [Warning]
  /// What was done to the stack's resources beside its templates.
  public internal(set) var notices: [StackNotice] = []

  /// Whether nothing has to be done.
  public var isEmpty: Bool {
    outputs.isEmpty && changes.allSatisfy { $0.action == .none && $0.properties.isEmpty }
  }

  /// From what the stack is, nil where there is none yet, to what `evaluator` says. `importers` names
  /// the other stacks that import an export, `exporter` the one that has it; `keyState` is that of a
  /// key of the keystore, nil where there is no such key. Throws `TemplateError`: what the template
  /// says wrong, changes that would need another key, exports that other stacks need or have.
  init(
    from record: Stack?, to evaluator: TemplateEvaluator,
    importers: (String) -> [String] = { _ in [] }, exporter: (String) -> String? = { _ in nil },
    keyState: ((String) throws -> KeyState?)? = nil
  ) throws {
    var evaluator = evaluator
    evaluator.namesPending = true
    evaluator.physicalIDs = [:]
    if let record { evaluator.enterKeys(of: record) }
    var changes: [Change] = []
    var warnings: [Warning] = []
    for logicalID in evaluator.resourceOrder {
      let resource = try evaluator.resource(logicalID)
      switch resource {
      case .key(let key):
        warnings += key.policyWarnings.map { Warning(logicalID: logicalID, warning: $0) }
      case .alias(let alias):
        evaluator.physicalIDs[logicalID] = alias.properties.aliasName
        if let keyState { try Self.requireTarget(of: alias, keyState) }
      }
      changes.append(try Self.change(record?[logicalID], resource))
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
        "'\(name)' is exported by stack '\(stack)' already")
    }
    self.outputs = Self.changes(record?.outputs ?? [], outputs)
    try Self.requireUnused(
      record?.exports ?? [:],
      after: outputs.reduce(into: [:]) { exports, output in
        if let name = output.exportName { exports[name] = output.value }
      }, importers)
  }

  /// From what the stack is to nothing. Throws `TemplateError` where other stacks need an export.
  init(deleting record: Stack, importers: (String) -> [String] = { _ in [] }) throws {
    warnings = []
    changes = Self.deletions(record.resources)
    outputs = Self.changes(record.outputs, [])
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
      // To `==`, texts are one however their letters are composed.
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

  /// Another spec, usage or origin is another key, which opens nothing that this one sealed.
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

  /// As the KMS API has it: the rotation of a disabled key cannot change.
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

  /// An alias for a key that the template does not make needs that key.
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

  /// The last that was made goes first.
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
          "the export '\(name)' cannot \(new[name] == nil ? "go" : "change"): it is imported by "
            + users.joined(separator: ", "))
      }
    }
  }
}

extension StackOutput {
  fileprivate var text: String { exportName.map { "\(value) (exported as \($0))" } ?? value }
}

extension Stack.Resource.Properties {
  /// Each property under CloudFormation's name, as text, always in the same order; nil where there is
  /// none.
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
