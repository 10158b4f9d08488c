import Envelope
import Foundation

/// One condition of a statement: an operator, a condition key, and the values to compare with.
struct PolicyCondition: Equatable, Sendable {
  let comparison: PolicyOperator
  let name: PolicyConditionName
  let values: [Value]
  /// The key and the values, as the document writes them.
  let writtenKey: String
  let writtenValues: [String]

  enum Value: Equatable, Sendable {
    case pattern(PolicyPattern)
    case number(Double)
    case date(Date)
    case bool(Bool)
  }

  /// True if the condition is met (IAM user guide, "Condition operators" and "Set operators for
  /// multivalued context keys").
  ///
  /// A single-valued key has several values if keys of an encryption context or of tags differ only
  /// by case. AWS does not say what happens then. Here each value is compared separately: in a
  /// statement that allows, all values must match; in one that denies, one is enough.
  func holds(for request: PolicyRequest, effect: PolicyEffect) -> Bool {
    let found = request.values(of: name)
    if comparison.relation == .null { return values.contains(.bool(found.isEmpty)) }
    let outcomes = found.map { value in
      values.contains { meets($0, value, request) } != comparison.isNegated
    }
    switch comparison.quantifier {
    case .forAllValues: return outcomes.allSatisfy { $0 }
    case .forAnyValue: return found.isEmpty ? comparison.ifExists : outcomes.contains(true)
    case nil where found.isEmpty: return comparison.ifExists || comparison.isNegated
    case nil:
      let needsAll = name.key.isMultivalued ? comparison.isNegated : effect == .allow
      return needsAll ? outcomes.allSatisfy { $0 } : outcomes.contains(true)
    }
  }

  private func meets(
    _ wanted: Value, _ found: PolicyRequest.Value, _ request: PolicyRequest
  ) -> Bool {
    switch wanted {
    case .pattern(let pattern) where comparison.relation == .arn:
      return pattern.matchesARN(found.text, for: request.principal)
    case .pattern(let pattern): return pattern.matches(found.text, for: request.principal)
    case .bool(let wanted): return found.text.lowercased() == String(wanted)
    case .number(let wanted):
      let number = found.date?.timeIntervalSince1970 ?? Self.number(found.text)
      return number.map { comparison.order($0, wanted) } ?? false
    case .date(let wanted):
      return (found.date ?? APIDate.date(found.text)).map { comparison.order($0, wanted) } ?? false
    }
  }

  /// Returns the value of a finite decimal number; nil for any other text.
  static func number(_ text: String) -> Double? {
    guard text.utf8.allSatisfy("0123456789+-.eE".utf8.contains) else { return nil }
    return Double(text).flatMap { $0.isFinite ? $0 : nil }
  }
}

/// A condition operator, for example "ForAnyValue:StringLikeIfExists".
struct PolicyOperator: Equatable, Sendable {
  enum Quantifier: String, CaseIterable, Sendable {
    case forAllValues = "ForAllValues:"
    case forAnyValue = "ForAnyValue:"
  }

  enum Relation: Equatable, Sendable {
    case string(ignoringCase: Bool, wildcards: Bool)
    case arn
    case number(Order)
    case date(Order)
    case bool
    case null
  }

  enum Order: Sendable { case equal, less, lessOrEqual, greater, greaterOrEqual }

  /// The name, as the document writes it.
  let name: String
  let quantifier: Quantifier?
  let relation: Relation
  /// True if the operator is the negation of its relation.
  let isNegated: Bool
  let ifExists: Bool

  /// Parses an operator. Throws `unsupported` if there is no such operator, and `malformed` if Null
  /// has a prefix or a suffix.
  init(parsing text: String) throws(PolicyError) {
    name = text
    var rest = text[...]
    let quantifier = Quantifier.allCases.first { rest.hasPrefix($0.rawValue) }
    if let quantifier { rest = rest.dropFirst(quantifier.rawValue.count) }
    ifExists = rest.hasSuffix("IfExists")
    if ifExists { rest = rest.dropLast("IfExists".count) }
    guard let (relation, isNegated) = Self.relation(String(rest)) else {
      throw .unsupported("the condition operator '\(text)' is not supported")
    }
    if relation == .null, ifExists || quantifier != nil {
      throw .malformed("the condition operator '\(text)' is invalid: Null has no prefix or suffix")
    }
    self.quantifier = quantifier
    self.relation = relation
    self.isNegated = isNegated
  }

  private static func relation(_ name: String) -> (Relation, isNegated: Bool)? {
    switch name {
    case "StringEquals": (.string(ignoringCase: false, wildcards: false), false)
    case "StringNotEquals": (.string(ignoringCase: false, wildcards: false), true)
    case "StringEqualsIgnoreCase": (.string(ignoringCase: true, wildcards: false), false)
    case "StringNotEqualsIgnoreCase": (.string(ignoringCase: true, wildcards: false), true)
    case "StringLike": (.string(ignoringCase: false, wildcards: true), false)
    case "StringNotLike": (.string(ignoringCase: false, wildcards: true), true)
    case "ArnEquals", "ArnLike": (.arn, false)
    case "ArnNotEquals", "ArnNotLike": (.arn, true)
    case "Bool": (.bool, false)
    case "Null": (.null, false)
    case "NumericEquals": (.number(.equal), false)
    case "NumericNotEquals": (.number(.equal), true)
    case "NumericLessThan": (.number(.less), false)
    case "NumericLessThanEquals": (.number(.lessOrEqual), false)
    case "NumericGreaterThan": (.number(.greater), false)
    case "NumericGreaterThanEquals": (.number(.greaterOrEqual), false)
    case "DateEquals": (.date(.equal), false)
    case "DateNotEquals": (.date(.equal), true)
    case "DateLessThan": (.date(.less), false)
    case "DateLessThanEquals": (.date(.lessOrEqual), false)
    case "DateGreaterThan": (.date(.greater), false)
    case "DateGreaterThanEquals": (.date(.greaterOrEqual), false)
    default: nil
    }
  }

  /// True if the operator can compare values of that type. Every value is also a string.
  func fits(_ type: PolicyConditionKey.ValueType) -> Bool {
    switch relation {
    case .string, .null: true
    case .arn: type == .arn
    case .bool: type == .bool
    case .number: type == .number || type == .epoch
    case .date: type == .date || type == .epoch
    }
  }

  func order<Value: Comparable>(_ found: Value, _ wanted: Value) -> Bool {
    switch relation {
    case .number(let order), .date(let order):
      switch order {
      case .equal: found == wanted
      case .less: found < wanted
      case .lessOrEqual: found <= wanted
      case .greater: found > wanted
      case .greaterOrEqual: found >= wanted
      }
    case .string, .arn, .bool, .null: false
    }
  }
}
