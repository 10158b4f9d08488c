import Foundation
import KMSAPI
import KMSKeystore
import KMSService

/// A request to make a stack from a template.
package struct StackRequest: Sendable {
  package let template: Template
  package let stackName: String
  /// The values of parameters by name. A parameter without a value here keeps the value that the
  /// stack has.
  package let parameters: [String: String]

  package init(template: Template, stackName: String, parameters: [String: String] = [:]) {
    self.template = template
    self.stackName = stackName
    self.parameters = parameters
  }
}

extension StackRequest {
  /// Returns the plan for an empty keystore. Nil if that plan is not known: because no parameter
  /// values are given and one has no default, or because something is imported. Throws
  /// `TemplateError`.
  package func check() throws -> StackPlan? {
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

/// A request, compared with the keystore in one transaction.
struct StackPlanning {
  let store: StackStore
  /// The stack as it was last applied; nil for a new stack.
  let stored: Stack?
  /// The same stack with the current state of its resources.
  var found: Stack? { plan.before }
  let evaluator: TemplateEvaluator
  /// The plan. It is the same whatever ID a new stack gets.
  let plan: StackPlan

  /// `view` is of the keystore with the ID `keystoreID`. `newID` is the ID that a new stack gets;
  /// nil if it does not matter.
  init(
    _ request: StackRequest, at now: Int64, in view: KeystoreView, of keystoreID: String,
    newID: UUID? = nil
  ) throws {
    let name = request.stackName
    try StackName.validate(name)
    store = try StackStore(view)
    let stored = store[name]?.stack
    self.stored = stored
    let others = store.others(than: name)
    let exports = others.exports
    var evaluator = try TemplateEvaluator(
      request.template, stackName: name, stackID: stored?.stackID ?? StackName.unknownStackID,
      parameters: Self.parameters(request, stored), imports: { exports[$0] })
    let drift = try stored.map {
      try StackDrift(
        of: $0, keeping: Set(evaluator.resourceOrder), others: others, at: now, in: view)
    }
    var plan = try StackPlan(
      from: drift?.stack, to: evaluator, importers: others.importers, exporter: others.exporter,
      keyState: { id in try view.masterKey(id)?.asOf(now)?.state },
      tags: { id in
        try view.tags(ofKey: id).map { Tag(tagKey: $0.tagKey, tagValue: $0.tagValue) }
      })
    plan.keystoreID = keystoreID
    plan.notices = try (drift?.notices ?? []) + Self.takenAliases(plan, at: now, in: view)
    self.plan = plan
    if stored == nil, let newID {
      evaluator.stackID = StackName.stackID(name: name, id: newID)
    }
    self.evaluator = evaluator
  }

  private static func parameters(_ request: StackRequest, _ stored: Stack?) -> [String: String] {
    let declared = Set(request.template.parameters.map(\.name))
    return (stored?.parameters ?? [:]).filter { declared.contains($0.key) }
      .merging(request.parameters) { $1 }
  }

  /// Returns a notice for each alias that the plan creates under a name that already exists.
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

  /// Returns the stack that results if there is nothing to do. Throws if a resource is not created
  /// yet.
  func unchanged() throws -> Stack {
    var evaluator = evaluator
    for resource in found?.resources ?? [] {
      evaluator.physicalIDs[resource.logicalID] = resource.physicalID
    }
    return try Stack(evaluator)
  }
}

extension StackPlan.Action {
  /// True if an alias is deleted or gets another name.
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

  /// Returns the plan to delete a stack, and the stack's record.
  static func deletion(
    of name: String, at now: Int64, in view: KeystoreView, of keystoreID: String
  ) throws -> (plan: StackPlan, record: StackRecord) {
    let store = try StackStore(view)
    let entry = try store.entry(name)
    let others = store.others(than: name)
    let drift = try StackDrift(
      of: entry.stack, keeping: [], others: others, at: now, in: view)
    var plan = try StackPlan(deleting: drift.stack, importers: others.importers)
    plan.keystoreID = keystoreID
    plan.notices = drift.notices
    return (plan, entry.record)
  }
}
