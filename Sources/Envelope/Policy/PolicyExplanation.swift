/// What a policy says to a request. Where nothing else is said, no is.
public enum PolicyDecision: Equatable, Sendable {
  /// The first statement that allows it.
  case allowed(by: StatementReference)
  /// The first statement that denies it, whatever others allow.
  case explicitlyDenied(by: StatementReference)
  case implicitlyDenied

  public var isAllowed: Bool { if case .allowed = self { true } else { false } }
}

/// A decision, and what each statement had to do with it.
public struct PolicyExplanation: Equatable, Sendable {
  public let decision: PolicyDecision
  /// Every statement of the policy, in order.
  public let statements: [Entry]

  public struct Entry: Equatable, Sendable {
    public let statement: StatementReference
    public let effect: PolicyEffect
    /// What kept the statement from applying; empty where it applied.
    public let mismatches: [PolicyMismatch]

    public var applies: Bool { mismatches.isEmpty }
  }
}

/// An element of a statement that does not fit a request.
public enum PolicyMismatch: Equatable, Sendable {
  case principal
  case action
  case resource
  case condition(UnmetCondition)
}

/// A condition that a request does not meet.
public struct UnmetCondition: Equatable, Sendable, CustomStringConvertible {
  /// The operator: "StringEquals".
  public let comparison: String
  /// The condition key as the policy has it.
  public let key: String
  /// The policy's values.
  public let wanted: [String]
  /// The request's values; empty where it has none.
  public let found: [String]

  /// "StringEquals kms:KeySpec: wanted 'RSA_2048', found 'HMAC_256'".
  public var description: String {
    let list = { (values: [String]) in values.map { "'\($0)'" }.joined(separator: ", ") }
    return "\(comparison) \(key): wanted \(list(wanted)), found "
      + (found.isEmpty ? "nothing" : list(found))
  }
}
