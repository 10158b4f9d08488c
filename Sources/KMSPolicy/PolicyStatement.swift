/// The effect of a statement that applies.
package enum PolicyEffect: String, Sendable {
  case allow = "Allow"
  case deny = "Deny"
}

/// A reference to a statement of a policy.
package struct StatementReference: Hashable, Sendable, CustomStringConvertible {
  /// The position of the statement, beginning at 1.
  package let index: Int
  /// The statement's Sid, if it has one.
  package let sid: String?

  package init(index: Int, sid: String?) {
    self.index = index
    self.sid = sid
  }

  /// "statement 2 'Allow use of the key'".
  package var description: String { "statement \(index)" + (sid.map { " '\($0)'" } ?? "") }
}

/// One statement of a policy. It applies if all its elements fit a request.
struct PolicyStatement: Equatable, Sendable {
  let reference: StatementReference
  let effect: PolicyEffect
  let principals: [StatementPrincipal]
  let actions: [StatementAction]
  /// True for NotAction: the statement is about all actions except these.
  let exceptsActions: Bool
  let resources: [StatementResource]
  let conditions: [PolicyCondition]

  func applies(to request: PolicyRequest) -> Bool {
    coversPrincipal(of: request) && coversAction(of: request) && coversResource(of: request)
      && conditions.allSatisfy { $0.holds(for: request, effect: effect) }
  }

  /// Returns all elements that keep the statement from applying.
  func mismatches(with request: PolicyRequest) -> [PolicyMismatch] {
    var mismatches: [PolicyMismatch] = []
    if !coversPrincipal(of: request) { mismatches.append(.principal) }
    if !coversAction(of: request) { mismatches.append(.action) }
    if !coversResource(of: request) { mismatches.append(.resource) }
    for condition in conditions where !condition.holds(for: request, effect: effect) {
      mismatches.append(
        .condition(
          UnmetCondition(
            comparison: condition.comparison.name, key: condition.writtenKey,
            wanted: condition.writtenValues,
            found: request.values(of: condition.name).map(\.text))))
    }
    return mismatches
  }

  private func coversPrincipal(of request: PolicyRequest) -> Bool {
    principals.contains { $0.matches(request.principal) }
  }

  private func coversAction(of request: PolicyRequest) -> Bool {
    request.actions.contains { name in
      actions.contains { $0.matches(name, for: request.principal) } != exceptsActions
    }
  }

  private func coversResource(of request: PolicyRequest) -> Bool {
    resources.contains { $0.matches(request.resource, for: request.principal) }
  }
}

/// One action, or several with wildcards.
struct StatementAction: Equatable, Sendable {
  let written: String
  private let pattern: PolicyPattern

  /// Parses an action. Throws `malformed`; the text says what is wrong.
  init(_ text: String) throws(PolicyError) {
    let name = text.dropFirst(PolicyActions.prefix.count)
    let isName = name.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "*"), UInt8(ascii: "?"):
        true
      default: false
      }
    }
    guard
      text == "*"
        || text.lowercased().hasPrefix(PolicyActions.prefix) && !name.isEmpty && isName
    else { throw .malformed("'\(text)' is not an action of kms, such as kms:Encrypt") }
    written = text
    pattern = try PolicyPattern(text, as: .init(hasWildcards: true, ignoresCase: true))
  }

  func matches(_ action: String, for principal: PolicyPrincipal) -> Bool {
    pattern.matches(action, for: principal)
  }
}

/// A resource of a statement: `*`, which means the key that has the policy, or keys by ARN.
enum StatementResource: Equatable, Sendable {
  case all
  case arn(PolicyPattern)

  /// Parses a resource. Throws `malformed` or `unsupported`; the text says what is wrong.
  init(_ text: String, hasVariables: Bool) throws(PolicyError) {
    if text == "*" {
      self = .all
      return
    }
    let pattern = try PolicyPattern(
      text, as: .init(hasWildcards: true, hasVariables: hasVariables))
    let fields = pattern.arnFields
    guard fields.count == 6, fields[0].plainText == "arn", fields[2].plainText == "kms" else {
      throw .malformed("'\(text)' is not \"*\" or the ARN of a key")
    }
    guard !fields.dropLast().contains(where: \.containsVariable) else {
      throw .malformed("'\(text)' has a policy variable before the fifth colon")
    }
    if fields[5].beginsWith("alias/") {
      throw .malformed("'\(text)' names an alias, and a key policy is for keys")
    }
    self = .arn(pattern)
  }

  func matches(_ arn: String, for principal: PolicyPrincipal) -> Bool {
    switch self {
    case .all: true
    case .arn(let pattern): pattern.matchesARN(arn, for: principal)
    }
  }
}

extension PolicyPattern {
  fileprivate var containsVariable: Bool {
    parts.contains { if case .variable = $0 { true } else { false } }
  }

  fileprivate func beginsWith(_ text: String) -> Bool {
    parts.starts(with: text.unicodeScalars.map { .scalar($0) })
  }
}
