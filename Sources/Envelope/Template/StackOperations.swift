import Foundation

/// What `applyStack` did.
public struct StackResult: Sendable {
  /// What has been done. Where nothing had to be, it is empty.
  public let plan: StackPlan
  public let stack: StackDescription
  /// Key IDs and alias names, by logical ID.
  public let physicalIDs: [String: String]

  init(_ plan: StackPlan, _ entry: StackStore.Entry) {
    self.plan = plan
    stack = StackDescription(entry)
    physicalIDs = entry.stack.resources.reduce(into: [:]) { $0[$1.logicalID] = $1.physicalID }
  }
}

extension KeyService {
  /// What `applyStack` would do. Throws `TemplateError` and what operations throw.
  public func planStack(_ request: StackRequest) throws -> StackPlan {
    let call = begin(.listKeys)
    return try call.read { try StackPlanning(request, at: call.now, in: $0, newID: nil).plan }
  }

  /// Makes the stack what its template says, all of it or nothing, and keeps a record of it. Throws
  /// `TemplateError` and what operations throw.
  public func applyStack(_ request: StackRequest) throws -> StackResult {
    try applyStack(request, afterOperation: {})
  }

  /// `afterOperation` is called after each operation; where it throws, that has failed.
  func applyStack(
    _ request: StackRequest, afterOperation: @escaping () throws -> Void
  ) throws -> StackResult {
    let isNew = try StackPlanning.isNew(request.stackName, in: begin(.listKeys))
    let operation = isNew ? StoreOperation.createStack : .updateStack
    try requireOwner(for: operation)
    if let result = try unchanged(request) { return result }
    let id = UUID()
    return try managing(operation) { call in
      try call.note(parameters: [("StackName", request.stackName)])
      return try call.transaction { operations in
        let transaction = operations.transaction
        let planning = try StackPlanning(request, at: call.now, in: transaction, newID: id)
        var application = StackApplication(planning, by: operations, afterOperation: afterOperation)
        try planning.store.save(try application.run(), at: call.now, transaction)
        return StackResult(
          planning.plan, try StackStore(transaction).entry(request.stackName))
      }
    }
  }

  /// The stack where it is what the template says already: nothing is written then.
  private func unchanged(_ request: StackRequest) throws -> StackResult? {
    let call = begin(.listKeys)
    return try call.readVerified { view in
      let planning = try StackPlanning(request, at: call.now, in: view, newID: nil)
      guard let entry = planning.store[request.stackName], planning.plan.isEmpty,
        planning.plan.notices.isEmpty, try planning.unchanged() == entry.stack
      else { return nil }
      return StackResult(planning.plan, entry)
    }
  }

  /// What `deleteStack` would do. Throws `TemplateError`.
  public func planStackDeletion(_ name: String) throws -> StackPlan {
    let call = begin(.listKeys)
    return try call.read { try StackPlanning.deletion(of: name, at: call.now, in: $0).plan }
  }

  /// Deletes a stack's aliases and schedules the deletion of its keys, save what it retains; all of it
  /// or nothing. Throws `TemplateError` and what operations throw.
  @discardableResult
  public func deleteStack(_ name: String) throws -> StackPlan {
    try managing(.deleteStack) { call in
      try call.note(parameters: [("StackName", name)])
      return try call.transaction { operations in
        let (plan, record) = try StackPlanning.deletion(
          of: name, at: call.now, in: operations.transaction)
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

  /// The stack of that name. Throws `TemplateError` where there is none.
  public func stack(named name: String) throws -> StackDescription {
    try begin(.listKeys).read { StackDescription(try StackStore($0).entry(name)) }
  }

  /// All stacks, by name.
  public func stacks() throws -> [StackDescription] {
    try begin(.listKeys).read { try StackStore($0).entries.map(StackDescription.init) }
  }
}
