import Foundation
import KMSAPI
import KMSService

/// The result of `applyStack`.
package struct StackResult: Sendable {
  /// The changes that were made; empty if there were none.
  package let plan: StackPlan
  package let stack: StackDescription
  /// The IDs of keys and the names of aliases, by logical ID.
  package let physicalIDs: [String: String]

  init(_ plan: StackPlan, _ entry: StackStore.Entry) {
    self.plan = plan
    stack = StackDescription(entry)
    physicalIDs = entry.stack.resources.reduce(into: [:]) { $0[$1.logicalID] = $1.physicalID }
  }
}

extension KeyService {
  /// Returns the changes that `applyStack` would make. Throws `TemplateError` and the errors of
  /// operations.
  package func planStack(_ request: StackRequest) throws -> StackPlan {
    let call = begin(.listKeys)
    return try call.read {
      try StackPlanning(request, at: call.now, in: $0, of: keystore.id).plan
    }
  }

  /// Makes the stack match its template, completely or not at all, and stores a record of the
  /// stack. If the user consented to one plan, carries out only that plan. Throws `TemplateError` and
  /// the errors of operations.
  package func applyStack(
    _ request: StackRequest, consent: StackConsent = .toAnyPlan
  ) throws -> StackResult {
    try applyStack(request, consent: consent, afterOperation: {})
  }

  /// Calls `afterOperation` after each operation. If it throws, the operation counts as failed.
  func applyStack(
    _ request: StackRequest, consent: StackConsent = .toAnyPlan,
    afterOperation: @escaping () throws -> Void
  ) throws -> StackResult {
    let isNew = try StackPlanning.isNew(request.stackName, in: begin(.listKeys))
    let operation = isNew ? StoreOperation.createStack : .updateStack
    try requireOwner(for: operation)
    let (plan, unchanged) = try compare(request)
    let digest = try consent.digest(afterShowing: plan)
    if let unchanged { return unchanged }
    let id = UUID()
    return try managing(operation) { call in
      try call.note(parameters: [("StackName", request.stackName)])
      return try call.transaction { operations in
        let transaction = operations.transaction
        let planning = try StackPlanning(
          request, at: call.now, in: transaction, of: keystore.id, newID: id)
        try digest?.require(planning.plan)
        var application = StackApplication(planning, by: operations, afterOperation: afterOperation)
        try planning.store.save(try application.run(), at: call.now, transaction)
        return StackResult(
          planning.plan, try StackStore(transaction).entry(request.stackName))
      }
    }
  }

  /// Returns the plan, and the stack if it already matches its template. Nothing is written for such
  /// a stack.
  private func compare(
    _ request: StackRequest
  ) throws -> (plan: StackPlan, unchanged: StackResult?) {
    let call = begin(.listKeys)
    return try call.readVerified { view in
      let planning = try StackPlanning(request, at: call.now, in: view, of: keystore.id)
      guard let entry = planning.store[request.stackName], planning.plan.isEmpty,
        planning.plan.notices.isEmpty, try planning.unchanged() == entry.stack
      else { return (planning.plan, nil) }
      return (planning.plan, StackResult(planning.plan, entry))
    }
  }

  /// Returns the changes that `deleteStack` would make. Throws `TemplateError`.
  package func planStackDeletion(_ name: String) throws -> StackPlan {
    let call = begin(.listKeys)
    return try call.read {
      try StackPlanning.deletion(of: name, at: call.now, in: $0, of: keystore.id).plan
    }
  }

  /// Deletes a stack's aliases and schedules the deletion of its keys, completely or not at all.
  /// Resources with the deletion policy Retain stay. If the user consented to one plan, carries out
  /// only that plan. Throws `TemplateError` and the errors of operations.
  @discardableResult
  package func deleteStack(
    _ name: String, consent: StackConsent = .toAnyPlan
  ) throws -> StackPlan {
    try requireOwner(for: .deleteStack)
    let digest = try consent.digest(afterShowing: try planStackDeletion(name))
    return try managing(.deleteStack) { call in
      try call.note(parameters: [("StackName", name)])
      return try call.transaction { operations in
        let (plan, record) = try StackPlanning.deletion(
          of: name, at: call.now, in: operations.transaction, of: keystore.id)
        try digest?.require(plan)
        for change in plan.changes {
          guard let id = change.physicalID, case .delete(let days) = change.action else { continue }
          if let days {
            try operations.perform(
              ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: days))
          } else {
            try operations.perform(DeleteAliasRequest(aliasName: id))
          }
        }
        try operations.transaction.delete(record)
        return plan
      }
    }
  }

  /// Returns the stack of this name. Throws `TemplateError` if there is none.
  package func stack(named name: String) throws -> StackDescription {
    try begin(.listKeys).read { StackDescription(try StackStore($0).entry(name)) }
  }

  /// Returns all stacks, sorted by name.
  package func stacks() throws -> [StackDescription] {
    try begin(.listKeys).read { try StackStore($0).entries.map(StackDescription.init) }
  }
}
