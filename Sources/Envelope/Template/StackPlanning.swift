import Foundation

/// A template that is to be a stack.
public struct StackRequest: Sendable {
  public let template: Template
  public let stackName: String
  /// Texts by name. A parameter that is not among them keeps the value that the stack has.
  public let parameters: [String: String]

  public init(template: Template, stackName: String, parameters: [String: String] = [:]) {
    self.template = template
    self.stackName = stackName
    self.parameters = parameters
  }
}

extension StackRequest {
  /// The plan for an empty keystore; nil where it cannot be known, because a parameter has no value or
  /// something is imported. Throws `TemplateError`.
  public func check() throws -> StackPlan? {
    let isComplete = template.parameters.allSatisfy {
      $0.defaultValue != nil || parameters[$0.name] != nil
    }
    guard isComplete || !parameters.isEmpty else { return nil }
    let evaluator = try TemplateEvaluator(
      template, stackName: stackName, stackID: StackName.unknownStackID, parameters: parameters)
    guard try evaluator.importedNames().isEmpty else { return nil }
    return try StackPlan(from: nil, to: evaluator)
  }
}

/// A request against what the keystore has, in one transaction.
struct StackPlanning {
  let store: StackStore
  /// The stack as it was applied last.
  let stored: Stack?
  /// The same as its resources are now.
  let found: Stack?
  let evaluator: TemplateEvaluator
  let plan: StackPlan

  init(
    _ request: StackRequest, at now: Int64, in view: KeystoreView, newID: UUID?
  ) throws {
    let name = request.stackName
    try StackName.validate(name)
    store = try StackStore(view)
    let stored = store[name]?.stack
    self.stored = stored
    let others = store.others(than: name)
    let exports = others.exports
    let evaluator = try TemplateEvaluator(
      request.template, stackName: name,
      stackID: stored?.stackID ?? newID.map { StackName.stackID(name: name, id: $0) }
        ?? StackName.unknownStackID,
      parameters: Self.parameters(request, stored), imports: { exports[$0] })
    self.evaluator = evaluator
    let drift = try stored.map {
      try StackDrift(
        of: $0, keeping: Set(evaluator.resourceOrder), others: others, at: now, in: view)
    }
    found = drift?.stack
    var plan = try StackPlan(
      from: drift?.stack, to: evaluator, importers: others.importers, exporter: others.exporter,
      keyState: { id in try view.masterKey(id)?.asOf(now)?.state })
    plan.notices = try (drift?.notices ?? []) + Self.takenAliases(plan, at: now, in: view)
    self.plan = plan
  }

  private static func parameters(_ request: StackRequest, _ stored: Stack?) -> [String: String] {
    let declared = Set(request.template.parameters.map(\.name))
    return (stored?.parameters ?? [:]).filter { declared.contains($0.key) }
      .merging(request.parameters) { $1 }
  }

  /// Names that the plan gives to aliases, and that somebody has given to others.
  private static func takenAliases(
    _ plan: StackPlan, at now: Int64, in view: KeystoreView
  ) throws -> [StackNotice] {
    let aliases = plan.changes.filter { $0.type == .alias }
    let freed = aliases.filter { $0.action.removesAlias }.compactMap(\.physicalID)
    return try aliases.filter { [.create, .replace].contains($0.action) }.compactMap { change in
      guard let name = change.properties.first(where: { $0.name == "AliasName" })?.new,
        !freed.contains(name),
        let alias = try view.alias(named: name),
        // An alias goes with its key.
        try view.masterKey(alias.targetKeyID)?.asOf(now) != nil
      else { return nil }
      return StackNotice(
        logicalID: change.logicalID, type: .alias, physicalID: name, finding: .aliasIsTaken)
    }
  }

  /// The stack where nothing has to be done. Throws where something is not made yet.
  func unchanged() throws -> Stack {
    var evaluator = evaluator
    for resource in found?.resources ?? [] {
      evaluator.physicalIDs[resource.logicalID] = resource.physicalID
    }
    return try Stack(evaluator)
  }
}

extension StackPlan.Action {
  /// Whether an alias goes, or leaves its name.
  var removesAlias: Bool {
    switch self {
    case .delete, .replace: true
    case .create, .update, .none, .retain: false
    }
  }
}

extension StackPlanning {
  static func isNew(_ name: String, in call: OperationCall) throws -> Bool {
    try call.read { try !$0.hasStack(named: name) }
  }

  /// The plan to delete a stack, and its record.
  static func deletion(
    of name: String, at now: Int64, in view: KeystoreView
  ) throws -> (plan: StackPlan, record: StackRecord) {
    let store = try StackStore(view)
    let entry = try store.entry(name)
    let others = store.others(than: name)
    let drift = try StackDrift(
      of: entry.stack, keeping: [], others: others, at: now, in: view)
    var plan = try StackPlan(deleting: drift.stack, importers: others.importers)
    plan.notices = drift.notices
    return (plan, entry.record)
  }
}
