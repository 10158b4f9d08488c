import Envelope

/// A part of a policy that is accepted, but is probably a mistake.
package enum PolicyWarning: Equatable, Sendable {
  /// No action has this name; `nearest` is a similar name, if there is one.
  case unknownAction(pattern: String, statement: StatementReference, nearest: String?)
  /// A keystore never meets this principal: a role, a service, another account.
  case matchesNobody(principal: String, statement: StatementReference)
  /// The key can have several values, but the operator does not say which of them must match.
  case needsSetOperator(comparison: String, key: String, statement: StatementReference)
  /// The key has one value at most. With ForAllValues, a request without it matches, too.
  case needlessSetOperator(comparison: String, key: String, statement: StatementReference)
}

extension KeyPolicy {
  /// Returns the probable mistakes, in the order of the document. `actions` are all known actions,
  /// for example "kms:Encrypt".
  package func warnings(actions: [String] = PolicyActions.known) -> [PolicyWarning] {
    statements.flatMap { $0.warnings(actions: actions) }
  }
}

extension PolicyStatement {
  fileprivate func warnings(actions known: [String]) -> [PolicyWarning] {
    var warnings: [PolicyWarning] = []
    for case .nobody(let name) in principals {
      warnings.append(.matchesNobody(principal: name, statement: reference))
    }
    // An action has no variables, so the caller does not matter.
    let anyone = PolicyPrincipal(userName: "", isOwner: false)
    for action in actions where !known.contains(where: { action.matches($0, for: anyone) }) {
      let nearest = NearestName.find(action.written.filter { $0 != "*" && $0 != "?" }, in: known)
      warnings.append(
        .unknownAction(pattern: action.written, statement: reference, nearest: nearest))
    }
    for condition in conditions where condition.comparison.relation != .null {
      let (comparison, key) = (condition.comparison.name, condition.writtenKey)
      switch (condition.name.key.isMultivalued, condition.comparison.quantifier) {
      case (true, nil):
        warnings.append(
          .needsSetOperator(comparison: comparison, key: key, statement: reference))
      case (false, .some):
        warnings.append(
          .needlessSetOperator(comparison: comparison, key: key, statement: reference))
      case (true, .some), (false, nil): break
      }
    }
    return warnings
  }
}
