import KMSAPI
import KMSPolicy
import KMSService

/// Carries out a plan with the same operations that a user would call.
struct StackApplication {
  private let operations: ServiceTransaction
  private let plan: StackPlan
  private let found: Stack?
  private var evaluator: TemplateEvaluator
  /// Called after each operation. If it throws, the operation counts as failed.
  private let afterOperation: () throws -> Void

  init(
    _ planning: StackPlanning, by operations: ServiceTransaction,
    afterOperation: @escaping () throws -> Void
  ) {
    self.operations = operations
    self.afterOperation = afterOperation
    plan = planning.plan
    found = planning.found
    evaluator = planning.evaluator
    if let found { evaluator.enterKeys(of: found) }
  }

  /// Carries out the plan and returns the resulting stack.
  mutating func run() throws -> Stack {
    try requireLiveKeys()
    // Delete the aliases that go first: new aliases may take their names.
    for change in plan.changes where change.type == .alias && change.action.removesAlias {
      if let name = change.physicalID { try perform(DeleteAliasRequest(aliasName: name)) }
    }
    for change in plan.changes { try apply(change) }
    return try Stack(evaluator)
  }

  /// Throws if a key that the template still has is pending deletion: such a key cannot be updated.
  private func requireLiveKeys() throws {
    for notice in plan.notices where evaluator.resourceOrder.contains(notice.logicalID) {
      if case .keyIsPendingDeletion = notice.finding {
        throw KeyServiceError.invalidState(keyID: notice.physicalID, state: .pendingDeletion)
      }
    }
  }

  private mutating func apply(_ change: StackPlan.Change) throws {
    switch change.action {
    case .create, .update, .replace, .none:
      switch try evaluator.resource(change.logicalID) {
      case .key(let key): try apply(key, change.physicalID)
      case .alias(let alias): try apply(alias, change.action)
      }
    case .delete(let days?):
      if let id = change.physicalID {
        try perform(ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: days))
      }
    case .delete(nil), .retain: break
    }
  }

  private mutating func apply(_ alias: TemplateAlias, _ action: StackPlan.Action) throws {
    let properties = alias.properties
    switch action {
    case .create, .replace:
      try perform(
        CreateAliasRequest(aliasName: properties.aliasName, targetKeyID: properties.targetKeyID))
    case .update:
      if case .alias(let old) = found?[alias.logicalID]?.properties,
        old.targetKeyID != properties.targetKeyID
      {
        try perform(
          UpdateAliasRequest(aliasName: properties.aliasName, targetKeyID: properties.targetKeyID))
      }
    case .none, .delete, .retain: break
    }
    evaluator.physicalIDs[alias.logicalID] = properties.aliasName
  }

  private mutating func apply(_ key: TemplateKey, _ physicalID: String?) throws {
    if let id = physicalID, case .key(let old) = found?[key.logicalID]?.properties {
      try update(id, key, from: old, to: key.properties)
    } else {
      evaluator.physicalIDs[key.logicalID] = try create(key)
    }
  }

  private func create(_ key: TemplateKey) throws -> String {
    let properties = key.properties
    var request = CreateKeyRequest(
      keySpec: properties.keySpec, keyUsage: properties.keyUsage,
      description: properties.description, origin: properties.origin, tags: properties.tags)
    request.policy = properties.keyPolicy
    request.bypassPolicyLockoutSafetyCheck = key.bypassPolicyLockoutSafetyCheck
    let id = try perform(request).keyMetadata.keyID
    if let days = properties.rotationPeriodInDays {
      try perform(EnableKeyRotationRequest(keyID: id, rotationPeriodInDays: days))
    }
    if !properties.enabled { try perform(DisableKeyRequest(keyID: id)) }
    return id
  }

  /// Enables the key first, because the rotation of a disabled key cannot be changed. Changes the
  /// policy last, because the new policy may deny the caller the other changes.
  private func update(
    _ id: String, _ key: TemplateKey, from old: TemplateKey.Properties,
    to new: TemplateKey.Properties
  ) throws {
    if new.enabled, !old.enabled { try perform(EnableKeyRequest(keyID: id)) }
    if !new.description.utf8.elementsEqual(old.description.utf8) {
      try perform(UpdateKeyDescriptionRequest(keyID: id, description: new.description))
    }
    if new.rotationPeriodInDays != old.rotationPeriodInDays {
      if let days = new.rotationPeriodInDays {
        try perform(EnableKeyRotationRequest(keyID: id, rotationPeriodInDays: days))
      } else {
        try perform(DisableKeyRotationRequest(keyID: id))
      }
    }
    let gone = old.tags.map(\.tagKey).filter { key in
      !new.tags.contains { $0.tagKey.utf8.elementsEqual(key.utf8) }
    }
    if !gone.isEmpty { try perform(UntagResourceRequest(keyID: id, tagKeys: gone)) }
    let tags = new.tags.filter { !old.tags.contains($0) }
    if !tags.isEmpty { try perform(TagResourceRequest(keyID: id, tags: tags)) }
    if !new.enabled, old.enabled { try perform(DisableKeyRequest(keyID: id)) }
    if new.keyPolicy != old.keyPolicy {
      try perform(
        PutKeyPolicyRequest(
          keyID: id, policy: new.keyPolicy ?? KeyPolicy.defaultPolicy.text,
          bypassPolicyLockoutSafetyCheck: key.bypassPolicyLockoutSafetyCheck))
    }
  }

  @discardableResult
  private func perform<Request: HandledRequest>(
    _ request: Request
  ) throws -> Request.Response {
    let response = try operations.perform(request)
    try afterOperation()
    return response
  }
}
