import KMSAPI

/// A text of a policy that other texts are compared with. It can have the wildcards `*` (any
/// characters, or none) and `?` (any one character), and policy variables.
///
/// Characters are Unicode scalars: texts that only look alike are different.
struct PolicyPattern: Equatable, Sendable {
  enum Part: Equatable, Sendable {
    case scalar(Unicode.Scalar)
    case anyScalar
    case anyRun
    case variable(PolicyVariable)
  }

  /// The rules for parsing a text as a pattern.
  struct Form: Sendable {
    /// True if `*` and `?` are wildcards.
    var hasWildcards = false
    /// True if `${…}` is a variable, as in policies of Version 2012-10-17.
    var hasVariables = false
    var ignoresCase = false
  }

  let parts: [Part]
  let ignoresCase: Bool
  let hasVariables: Bool

  /// Parses a text. Throws `malformed` or `unsupported` for a wrong variable; the error names it.
  init(_ text: String, as form: Form) throws(PolicyError) {
    var parts: [Part] = []
    var rest = Array((form.ignoresCase ? text.lowercased() : text).unicodeScalars)[...]
    while let scalar = rest.popFirst() {
      switch scalar {
      case "*" where form.hasWildcards: parts.append(.anyRun)
      case "?" where form.hasWildcards: parts.append(.anyScalar)
      case "$" where form.hasVariables && rest.first == "{":
        guard let end = rest.firstIndex(of: "}") else {
          throw .malformed("'\(text)' has a '${' without '}'")
        }
        var name = String.UnicodeScalarView()
        name.append(contentsOf: rest[..<end].dropFirst())
        parts.append(try PolicyVariable.part(String(name)))
        rest = rest[(end + 1)...]
      default: parts.append(.scalar(scalar))
      }
    }
    self.parts = Self.normalized(parts)
    ignoresCase = form.ignoresCase
    hasVariables = parts.contains { if case .variable = $0 { true } else { false } }
  }

  private init(parts: [Part]) {
    self.parts = parts
    ignoresCase = false
    hasVariables = false
  }

  /// Reduces a sequence of wildcards to its `?`, followed by at most one `*`. Matching then tries
  /// nothing twice because of them.
  private static func normalized(_ parts: [Part]) -> [Part] {
    var result: [Part] = []
    var hasRun = false
    for part in parts {
      if part == .anyRun {
        hasRun = true
        continue
      }
      if hasRun, part != .anyScalar {
        result.append(.anyRun)
        hasRun = false
      }
      result.append(part)
    }
    return hasRun ? result + [.anyRun] : result
  }

  func matches(_ text: String, for principal: PolicyPrincipal) -> Bool {
    var steps = 0
    return Self.match(
      resolved(for: principal), Array((ignoresCase ? text.lowercased() : text).unicodeScalars)[...],
      steps: &steps)
  }

  /// Compares as ARNs are compared: each of the six components separately. A wildcard therefore
  /// does not match across a colon, except in the last component.
  func matchesARN(_ text: String, for principal: PolicyPrincipal) -> Bool {
    let fields = Self.fields(resolved(for: principal)) { $0 == .scalar(":") }
    let found = Self.fields(Array(text.unicodeScalars)) { $0 == ":" }
    guard fields.count == 6, found.count == 6 else { return false }
    var steps = 0
    return zip(fields, found).allSatisfy { Self.match(Array($0), $1, steps: &steps) }
  }

  /// The six components of an ARN; fewer if the text is not an ARN.
  var arnFields: [PolicyPattern] {
    Self.fields(parts) { $0 == .scalar(":") }.map { PolicyPattern(parts: Array($0)) }
  }

  /// The text; nil if the pattern has wildcards or variables.
  var plainText: String? {
    var text = String.UnicodeScalarView()
    for part in parts {
      guard case .scalar(let scalar) = part else { return nil }
      text.append(scalar)
    }
    return String(text)
  }

  private static func fields<Element>(
    _ elements: [Element], isColon: (Element) -> Bool
  ) -> [ArraySlice<Element>] {
    elements.split(maxSplits: 5, omittingEmptySubsequences: false, whereSeparator: isColon)
  }

  /// Returns the parts with variables replaced. The values are plain text, even if they contain
  /// wildcards.
  private func resolved(for principal: PolicyPrincipal) -> [Part] {
    guard hasVariables else { return parts }
    return parts.flatMap { part -> [Part] in
      guard case .variable(let variable) = part else { return [part] }
      let value = variable.value(for: principal)
      return (ignoresCase ? value.lowercased() : value).unicodeScalars.map { .scalar($0) }
    }
  }

  /// True if all of `text` fits `parts`. The segments before the first `*` and after the last one
  /// have fixed places. Each segment between is matched at its first occurrence, which leaves the
  /// most text to the following ones.
  static func match(
    _ parts: [Part], _ text: ArraySlice<Unicode.Scalar>, steps: inout Int
  ) -> Bool {
    let segments = parts.split(separator: .anyRun, omittingEmptySubsequences: false)
    guard segments.count > 1 else { return fit(parts[...], text, steps: &steps) }
    let (first, last) = (segments[0], segments[segments.count - 1])
    guard text.count >= first.count + last.count,
      fit(first, text.prefix(first.count), steps: &steps),
      fit(last, text.suffix(last.count), steps: &steps)
    else { return false }
    var rest = text.dropFirst(first.count).dropLast(last.count)
    for segment in segments.dropFirst().dropLast() where !segment.isEmpty {
      guard let end = PolicySegmentSearch(segment).end(in: rest, steps: &steps) else {
        return false
      }
      rest = rest[end...]
    }
    return true
  }

  /// True if each scalar fits its part.
  private static func fit(
    _ parts: ArraySlice<Part>, _ text: ArraySlice<Unicode.Scalar>, steps: inout Int
  ) -> Bool {
    guard parts.count == text.count else { return false }
    steps += text.count
    return zip(parts, text).allSatisfy(accepts)
  }

  private static func accepts(_ part: Part, _ scalar: Unicode.Scalar) -> Bool {
    switch part {
    case .scalar(let wanted): wanted == scalar
    case .anyScalar: true
    case .anyRun, .variable: false
    }
  }
}

/// A policy variable `${…}`: an attribute of the caller that every request has (IAM user guide,
/// "Variables and tags").
enum PolicyVariable: String, CaseIterable, Sendable {
  case userName = "aws:username"
  case principalARN = "aws:PrincipalArn"
  case principalAccount = "aws:PrincipalAccount"
  case principalType = "aws:PrincipalType"

  func value(for principal: PolicyPrincipal) -> String {
    switch self {
    case .userName: principal.userName
    case .principalARN: principal.arn
    case .principalAccount: Account.id
    case .principalType: PolicyPrincipal.type
    }
  }

  /// Returns the part for `${name}`: a variable, or one of the characters that can only be written
  /// this way.
  static func part(_ name: String) throws(PolicyError) -> PolicyPattern.Part {
    switch name {
    case "*", "?", "$": return .scalar(name.unicodeScalars.first!)
    default:
      guard let variable = allCases.first(where: { $0.rawValue.lowercased() == name.lowercased() })
      else { throw .unsupported("the policy variable '${\(name)}' is not supported") }
      return .variable(variable)
    }
  }
}
