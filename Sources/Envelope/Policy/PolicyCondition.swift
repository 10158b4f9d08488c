import Foundation

/// One line of a Condition: an operator, a key, and the values of which one has to be met.
struct PolicyCondition: Equatable, Sendable {
  enum Comparison: String, CaseIterable, Sendable {
    case stringEquals = "StringEquals"
    case stringNotEquals = "StringNotEquals"
    case stringEqualsIgnoreCase = "StringEqualsIgnoreCase"
    case stringNotEqualsIgnoreCase = "StringNotEqualsIgnoreCase"
    case stringLike = "StringLike"
    case stringNotLike = "StringNotLike"
    case arnEquals = "ArnEquals"
    case arnNotEquals = "ArnNotEquals"
    case arnLike = "ArnLike"
    case arnNotLike = "ArnNotLike"
    case bool = "Bool"
    case numericEquals = "NumericEquals"
    case numericNotEquals = "NumericNotEquals"
    case numericLessThan = "NumericLessThan"
    case numericLessThanEquals = "NumericLessThanEquals"
    case numericGreaterThan = "NumericGreaterThan"
    case numericGreaterThanEquals = "NumericGreaterThanEquals"
    case dateEquals = "DateEquals"
    case dateNotEquals = "DateNotEquals"
    case dateLessThan = "DateLessThan"
    case dateLessThanEquals = "DateLessThanEquals"
    case dateGreaterThan = "DateGreaterThan"
    case dateGreaterThanEquals = "DateGreaterThanEquals"
    /// Whether the key is absent.
    case null = "Null"

    /// Whether all values of the policy have to be missed, not one of them met.
    var isNegated: Bool {
      switch self {
      case .stringNotEquals, .stringNotEqualsIgnoreCase, .stringNotLike, .arnNotEquals,
        .arnNotLike, .numericNotEquals, .dateNotEquals:
        true
      default: false
      }
    }
  }

  /// How several values of the request are taken.
  enum Quantifier: String, Sendable {
    case forAnyValue = "ForAnyValue"
    case forAllValues = "ForAllValues"
  }

  let comparison: Comparison
  let quantifier: Quantifier?
  /// Whether a key that the request does not have is no hindrance.
  let ifExists: Bool
  let key: PolicyConditionKey
  let values: [String]

  /// The operator as the document spells it, the key, the values.
  init(_ name: String, key: String, values: [String]) throws(PolicyError) {
    var rest = Substring(name)
    var quantifier: Quantifier?
    if let colon = rest.firstIndex(of: ":") {
      quantifier = Quantifier(rawValue: String(rest[..<colon]))
      guard quantifier != nil else { throw .malformed("condition operator '\(name)' is not known") }
      rest = rest[rest.index(after: colon)...]
    }
    var ifExists = false
    if rest.hasSuffix("IfExists"), rest != "IfExists" {
      ifExists = true
      rest = rest.dropLast("IfExists".count)
    }
    guard let comparison = Comparison(rawValue: String(rest)), !(ifExists && comparison == .null)
    else { throw .malformed("condition operator '\(name)' is not known") }
    self.comparison = comparison
    self.quantifier = quantifier
    self.ifExists = ifExists
    self.key = try PolicyConditionKey(parsing: key)
    guard !values.isEmpty else { throw .malformed("condition '\(key)' has no value") }
    for value in values where value.contains("${") {
      throw .malformed("condition '\(key)': policy variables are not supported: '\(value)'")
    }
    for value in values { try Self.check(value, comparison, key) }
    self.values = values
  }

  /// A value that its comparison cannot compare is a mistake, not a condition that is never met.
  private static func check(
    _ value: String, _ comparison: Comparison, _ key: String
  ) throws(PolicyError) {
    let isFine: Bool
    switch comparison {
    case .bool, .null: isFine = ["true", "false"].contains(value.lowercased())
    case .numericEquals, .numericNotEquals, .numericLessThan, .numericLessThanEquals,
      .numericGreaterThan, .numericGreaterThanEquals:
      isFine = Double(value)?.isFinite ?? false
    case .dateEquals, .dateNotEquals, .dateLessThan, .dateLessThanEquals, .dateGreaterThan,
      .dateGreaterThanEquals:
      isFine = APICoding.date(from: value) != nil
    default: isFine = true
    }
    guard isFine else {
      throw .malformed("condition '\(key)': \(comparison.rawValue) cannot compare with '\(value)'")
    }
  }

  func isMet(by request: PolicyRequest) -> Bool {
    let found = request.values(of: key)
    if comparison == .null {
      return values.contains { ($0.lowercased() == "true") == (found == nil) }
    }
    guard let found else { return ifExists || comparison.isNegated || quantifier == .forAllValues }
    switch quantifier {
    case .forAllValues: return found.allSatisfy(meets)
    case .forAnyValue: return found.contains(where: meets)
    case nil:
      // Without a quantifier a key of several values has to have one that meets; a negation, none
      // that does not.
      return comparison.isNegated ? found.allSatisfy(meets) : found.contains(where: meets)
    }
  }

  /// Whether one value of the request is as one of the policy says, or, negated, as none.
  private func meets(_ found: String) -> Bool {
    comparison.isNegated
      ? values.allSatisfy { compare(found, $0) } : values.contains { compare(found, $0) }
  }

  private func compare(_ found: String, _ wanted: String) -> Bool {
    switch comparison {
    case .stringEquals: return found.utf8.elementsEqual(wanted.utf8)
    case .stringNotEquals: return !found.utf8.elementsEqual(wanted.utf8)
    case .stringEqualsIgnoreCase: return found.lowercased() == wanted.lowercased()
    case .stringNotEqualsIgnoreCase: return found.lowercased() != wanted.lowercased()
    case .stringLike, .arnLike, .arnEquals: return PolicyPattern(wanted).matches(found)
    case .stringNotLike, .arnNotLike, .arnNotEquals: return !PolicyPattern(wanted).matches(found)
    case .bool: return found.lowercased() == wanted.lowercased()
    case .numericEquals: return numbers(found, wanted, ==)
    case .numericNotEquals: return numbers(found, wanted, !=)
    case .numericLessThan: return numbers(found, wanted, <)
    case .numericLessThanEquals: return numbers(found, wanted, <=)
    case .numericGreaterThan: return numbers(found, wanted, >)
    case .numericGreaterThanEquals: return numbers(found, wanted, >=)
    case .dateEquals: return dates(found, wanted, ==)
    case .dateNotEquals: return dates(found, wanted, !=)
    case .dateLessThan: return dates(found, wanted, <)
    case .dateLessThanEquals: return dates(found, wanted, <=)
    case .dateGreaterThan: return dates(found, wanted, >)
    case .dateGreaterThanEquals: return dates(found, wanted, >=)
    case .null: preconditionFailure("it compares nothing")
    }
  }

  private func numbers(
    _ found: String, _ wanted: String, _ compare: (Double, Double) -> Bool
  ) -> Bool {
    guard let found = Double(found), let wanted = Double(wanted) else { return false }
    return compare(found, wanted)
  }

  private func dates(_ found: String, _ wanted: String, _ compare: (Date, Date) -> Bool) -> Bool {
    guard let found = APICoding.date(from: found), let wanted = APICoding.date(from: wanted) else {
      return false
    }
    return compare(found, wanted)
  }
}

/// What a condition asks about a request. Names are compared without case, but the encryption
/// context's own keys and tags' are not.
enum PolicyConditionKey: Hashable, Sendable {
  case named(String)
  case encryptionContext(String)
  case resourceTag(String)
  case requestTag(String)

  /// The keys that a keystore can answer, in lower case.
  static let known: Set<String> = [
    "kms:encryptioncontextkeys", "kms:keyspec", "kms:keyusage", "kms:keyorigin",
    "kms:encryptionalgorithm", "kms:signingalgorithm", "kms:macalgorithm",
    "kms:keyagreementalgorithm", "kms:messagetype", "kms:datakeypairspec", "kms:requestalias",
    "kms:resourcealiases", "kms:schedulekeydeletionpendingwindowindays",
    "kms:rotationperiodindays", "kms:bypasspolicylockoutsafetycheck", "kms:multiregion",
    "kms:validto", "kms:expirationmodel", "kms:wrappingalgorithm", "kms:wrappingkeyspec",
    "kms:calleraccount", "kms:reencryptonsamekey", "aws:currenttime", "aws:epochtime",
    "aws:principalarn", "aws:principalaccount", "aws:username", "aws:tagkeys",
  ]

  /// As messages have it.
  var text: String {
    switch self {
    case .named(let name): name
    case .encryptionContext(let key): "kms:EncryptionContext:\(key)"
    case .resourceTag(let key): "aws:ResourceTag/\(key)"
    case .requestTag(let key): "aws:RequestTag/\(key)"
    }
  }

  init(parsing text: String) throws(PolicyError) {
    func rest(after prefix: String) -> String? {
      guard text.lowercased().hasPrefix(prefix.lowercased()), text.count > prefix.count else {
        return nil
      }
      return String(text.dropFirst(prefix.count))
    }
    if let key = rest(after: "kms:EncryptionContext:") {
      self = .encryptionContext(key)
    } else if let key = rest(after: "aws:ResourceTag/") {
      self = .resourceTag(key)
    } else if let key = rest(after: "aws:RequestTag/") {
      self = .requestTag(key)
    } else if Self.known.contains(text.lowercased()) {
      self = .named(text.lowercased())
    } else {
      throw .malformed("condition key '\(text)' is not supported")
    }
  }
}
