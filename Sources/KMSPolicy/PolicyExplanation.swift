/// The decision of a policy on a request. The default is to deny it.
package enum PolicyDecision: Equatable, Sendable {
  /// The statement is the first one that allows the request.
  case allowed(by: StatementReference)
  /// The statement is the first one that denies the request, even if others allow it.
  case explicitlyDenied(by: StatementReference)
  case implicitlyDenied

  package var isAllowed: Bool { if case .allowed = self { true } else { false } }
}

/// A decision, with the contribution of each statement.
package struct PolicyExplanation: Equatable, Sendable {
  package let decision: PolicyDecision
  /// Every statement of the policy, in order.
  package let statements: [Entry]

  package struct Entry: Equatable, Sendable {
    package let statement: StatementReference
    package let effect: PolicyEffect
    /// The elements that kept the statement from applying; empty if it applied.
    package let mismatches: [PolicyMismatch]

    package var applies: Bool { mismatches.isEmpty }
  }
}

/// An element of a statement that does not fit a request.
package enum PolicyMismatch: Equatable, Sendable {
  case principal
  case action
  case resource
  case condition(UnmetCondition)
}

/// A condition that a request does not meet.
package struct UnmetCondition: Equatable, Sendable, CustomStringConvertible {
  /// The operator: "StringEquals".
  package let comparison: String
  /// The condition key, as the policy writes it.
  package let key: String
  /// The values in the policy.
  package let wanted: [String]
  /// The values in the request; empty if it has none.
  package let found: [String]

  /// "StringEquals kms:KeySpec: wanted 'RSA_2048', found 'HMAC_256'".
  package var description: String {
    let list = { (values: [String]) in values.map { "'\($0)'" }.joined(separator: ", ") }
    return "\(comparison) \(key): wanted \(list(wanted)), found "
      + (found.isEmpty ? "nothing" : list(found))
  }
}
