/// One statement of a policy.
struct PolicyStatement: Equatable, Sendable {
  enum Effect: String, Sendable {
    case allow = "Allow"
    case deny = "Deny"
  }

  let reference: PolicyStatementReference
  let effect: Effect
  let principals: [PolicyPrincipal]
  /// Of Action, or of NotAction.
  let actions: [PolicyPattern]
  /// Whether the statement is about all actions but these.
  let isNotAction: Bool
  let resources: [PolicyPattern]
  let conditions: [PolicyCondition]

  var sid: String? { reference.sid }

  private static let elements: Set<String> = [
    "Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "Condition",
  ]

  init(_ tree: PolicyTree, number: Int) throws(PolicyError) {
    guard case .object(let elements) = tree else {
      throw .malformed("statement \(number) is no object")
    }
    var sid: String?
    if let element = elements["Sid"] {
      guard case .string(let text) = element else {
        throw .malformed("statement \(number): Sid is a string")
      }
      sid = text
    }
    let reference = PolicyStatementReference(number: number, sid: sid)
    do throws(PolicyError) {
      for name in elements.keys.sorted() where !Self.elements.contains(name) {
        throw .malformed(
          ["NotPrincipal", "NotResource"].contains(name)
            ? "\(name) is not supported" : "'\(name)' is not known")
      }
      guard case .string(let text)? = elements["Effect"], let effect = Effect(rawValue: text)
      else { throw .malformed("Effect is \"Allow\" or \"Deny\"") }
      self.effect = effect
      principals = try Self.principals(elements["Principal"])
      (actions, isNotAction) = try Self.actions(elements)
      guard let resources = elements["Resource"]?.strings, !resources.isEmpty else {
        throw .malformed("Resource is missing: \"*\" means the key that has the policy")
      }
      for resource in resources where resource != "*" && !resource.hasPrefix("arn:") {
        throw .malformed("Resource '\(resource)' is neither \"*\" nor an ARN")
      }
      self.resources = resources.map(PolicyPattern.init)
      conditions = try Self.conditions(elements["Condition"])
    } catch {
      guard case .malformed(let reason) = error else { throw error }
      throw .malformed("\(reference.description): \(reason)")
    }
    self.reference = reference
  }

  private static func principals(_ tree: PolicyTree?) throws(PolicyError) -> [PolicyPrincipal] {
    switch tree {
    case .string("*")?: return [.anyone]
    case .object(let kinds)?:
      var principals: [PolicyPrincipal] = []
      for (kind, tree) in kinds.sorted(by: { $0.key < $1.key }) {
        guard let texts = tree.strings, !texts.isEmpty else {
          throw .malformed("Principal: '\(kind)' is a string, or an array of them")
        }
        switch kind {
        case "AWS": for text in texts { principals.append(try PolicyPrincipal(aws: text)) }
        case "Service", "Federated", "CanonicalUser":
          principals += texts.map(PolicyPrincipal.stranger)
        default: throw .malformed("Principal: '\(kind)' is not known")
        }
      }
      guard !principals.isEmpty else { throw .malformed("Principal names nobody") }
      return principals
    default: throw .malformed("Principal is \"*\", or an object with \"AWS\"")
    }
  }

  private static func actions(
    _ elements: [String: PolicyTree]
  ) throws(PolicyError) -> ([PolicyPattern], isNotAction: Bool) {
    let name = elements["NotAction"] == nil ? "Action" : "NotAction"
    guard let tree = elements[name], elements["Action"] == nil || elements["NotAction"] == nil
    else { throw .malformed("give either Action or NotAction") }
    guard let texts = tree.strings, !texts.isEmpty else {
      throw .malformed("\(name) is a string, or an array of them")
    }
    for text in texts where text != "*" && !text.lowercased().hasPrefix("kms:") {
      throw .malformed("\(name) '\(text)' is none of KMS: it begins with kms:")
    }
    return (texts.map(PolicyPattern.init), name == "NotAction")
  }

  private static func conditions(_ tree: PolicyTree?) throws(PolicyError) -> [PolicyCondition] {
    guard let tree else { return [] }
    guard case .object(let operators) = tree else { throw .malformed("Condition is an object") }
    var conditions: [PolicyCondition] = []
    for (name, tree) in operators.sorted(by: { $0.key < $1.key }) {
      guard case .object(let keys) = tree, !keys.isEmpty else {
        throw .malformed("Condition: '\(name)' is an object of condition keys")
      }
      for (key, tree) in keys.sorted(by: { $0.key < $1.key }) {
        guard let values = tree.strings else {
          throw .malformed("Condition: '\(key)' has a value, or an array of them")
        }
        conditions.append(try PolicyCondition(name, key: key, values: values))
      }
    }
    return conditions
  }

  /// Why the statement is not about the request; nil where it is.
  func obstacle(to request: PolicyRequest) -> PolicyObstacle? {
    guard principals.contains(where: { $0.matches(request.caller) }) else { return .principal }
    let isListed = actions.contains { $0.matches(request.action, ignoringCase: true) }
    guard isListed != isNotAction else { return .action }
    guard resources.contains(where: { $0.matches(request.resource) }) else { return .resource }
    return conditions.first { !$0.isMet(by: request) }.map { .condition($0) }
  }
}

/// The first thing by which a statement does not apply.
enum PolicyObstacle: Equatable {
  case principal
  case action
  case resource
  case condition(PolicyCondition)
}
