/// The decision of a policy on a request. The default is to deny it.
public enum PolicyDecision: Equatable, Sendable {
  /// The statement is the first one that allows the request.
  case allowed(by: StatementReference)
  /// The statement is the first one that denies the request, even if others allow it.
  case explicitlyDenied(by: StatementReference)
  case implicitlyDenied

  public var isAllowed: Bool { if case .allowed = self { true } else { false } }
}

/// A decision, with the contribution of each statement.
public struct PolicyExplanation: Equatable, Sendable {
  public let decision: PolicyDecision
  /// Every statement of the policy, in order.
  public let statements: [Entry]

  public struct Entry: Equatable, Sendable {
    public let statement: StatementReference
    public let effect: PolicyEffect
    /// The elements that kept the statement from applying; empty if it applied.
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
  /// The condition key, as the policy writes it.
  public let key: String
  /// The values in the policy.
  public let wanted: [String]
  /// The values in the request; empty if it has none.
  public let found: [String]

  /// "StringEquals kms:KeySpec: wanted 'RSA_2048', found 'HMAC_256'".
  public var description: String {
    let list = { (values: [String]) in values.map { "'\($0)'" }.joined(separator: ", ") }
    return "\(comparison) \(key): wanted \(list(wanted)), found "
      + (found.isEmpty ? "nothing" : list(found))
  }
}
