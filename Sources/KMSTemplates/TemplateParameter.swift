import Envelope

/// The declaration of a parameter in a template.
package struct TemplateParameter: Sendable {
  enum Kind: String, CaseIterable, Sendable {
    case string = "String"
    case number = "Number"
    case commaDelimitedList = "CommaDelimitedList"
    case numberList = "List<Number>"

    var isList: Bool { self == .commaDelimitedList || self == .numberList }
  }

  /// The value of a parameter.
  enum Value: Equatable, Sendable {
    case text(String)
    case list([String])
  }

  package let name: String
  package let description: String?
  /// The text of the default value.
  package let defaultValue: String?
  /// True if the value must not be shown.
  package let isSecret: Bool
  package let mark: TemplateMark
  let kind: Kind
  private let rules: Rules

  private struct Rules: Sendable {
    var allowedValues: [String]?
    var allowedPattern: String?
    var minLength: Int?
    var maxLength: Int?
    var minValue: Double?
    var maxValue: Double?
    var description: String?
  }

  /// The maximum size of a value in bytes.
  private static let valueLimit = 4096

  init(_ entry: TemplateNode.Entry) throws {
    let what = "parameter '\(entry.key)'"
    var rules = Rules()
    var kind: Kind?
    var defaultNode: TemplateNode?
    var description: String?
    var isSecret = false
    for property in try entry.value.map(what) {
      let value = property.value
      let name = "\(property.key) of \(what)"
      switch property.key {
      case "Type": kind = try Self.kind(value, what)
      case "Default": defaultNode = value
      case "Description": description = try value.text(name)
      case "NoEcho":
        guard let bool = try value.scalar(name).bool else {
          throw value.invalid("\(name) must be true or false")
        }
        isSecret = bool
      case "ConstraintDescription": rules.description = try value.text(name)
      case "AllowedValues": rules.allowedValues = try value.list(name).map { try $0.text(name) }
      case "AllowedPattern":
        let pattern = try value.text(name)
        guard (try? Regex(pattern)) != nil else {
          throw value.invalid("\(name) is not a regular expression")
        }
        rules.allowedPattern = pattern
      case "MinLength": rules.minLength = try Self.int(value, name)
      case "MaxLength": rules.maxLength = try Self.int(value, name)
      case "MinValue": rules.minValue = try Self.number(value, name)
      case "MaxValue": rules.maxValue = try Self.number(value, name)
      default:
        throw property.invalid(
          "unknown property '\(property.key)' of \(what)"
            + NearestName.hint(property.key, in: Self.properties))
      }
    }
    guard let kind else { throw entry.invalid("\(what) has no Type") }
    self.kind = kind
    self.name = entry.key
    self.description = description
    self.isSecret = isSecret
    self.rules = rules
    mark = entry.mark
    defaultValue = try defaultNode?.text("Default of \(what)")
    if let defaultNode, let defaultValue, let problem = problem(with: defaultValue) {
      throw defaultNode.invalid("the default of \(what) \(problem)")
    }
  }

  private static let properties = [
    "Type", "Default", "Description", "NoEcho", "ConstraintDescription", "AllowedValues",
    "AllowedPattern", "MinLength", "MaxLength", "MinValue", "MaxValue",
  ]

  private static func kind(_ node: TemplateNode, _ what: String) throws -> Kind {
    let text = try node.text("Type of \(what)")
    guard let kind = Kind(rawValue: text) else {
      throw TemplateError(
        .unsupported, node.mark,
        "the type \(text) of \(what) is not supported, "
          + "\(Kind.allCases.map(\.rawValue).joined(separator: ", ")) are")
    }
    return kind
  }

  private static func int(_ node: TemplateNode, _ what: String) throws -> Int {
    guard let int = try node.scalar(what).int, int >= 0 else {
      throw node.invalid("\(what) must be a number of characters")
    }
    return int
  }

  private static func number(_ node: TemplateNode, _ what: String) throws -> Double {
    guard let number = Self.number(try node.text(what)) else {
      throw node.invalid("\(what) must be a number")
    }
    return number
  }

  /// Returns a decimal number; nil for hexadecimal numbers, infinity and NaN.
  private static func number(_ text: String) -> Double? {
    guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }) else { return nil }
    return Double(text).flatMap { $0.isFinite ? $0 : nil }
  }

  /// Returns the value of `text`. Throws `TemplateError` if the declaration does not allow it.
  func value(of text: String) throws -> Value {
    if let problem = problem(with: text) {
      throw TemplateError(.parameter, nil, "parameter '\(name)' \(problem)")
    }
    return kind.isList ? .list(Self.items(text)) : .text(text)
  }

  private static func items(_ text: String) -> [String] {
    text.split(separator: ",", omittingEmptySubsequences: false).map {
      String(
        $0.trimmingPrefix(while: \.isWhitespace).reversed().trimmingPrefix(while: \.isWhitespace)
          .reversed())
    }
  }

  /// Returns the predicate of an error message about a value that is not allowed, without the
  /// subject, which is the parameter; nil if the value is allowed.
  private func problem(with text: String) -> String? {
    guard text.utf8.count <= Self.valueLimit else {
      return "must have at most \(Self.valueLimit) bytes, not \(text.utf8.count)"
    }
    let items = kind.isList ? Self.items(text) : [text]
    for item in items {
      if let problem = problem(withItem: item) { return problem }
    }
    return nil
  }

  private func problem(withItem item: String) -> String? {
    let shown = isSecret ? "the value given" : "'\(item)'"
    let number = Self.number(item)
    let isNumber = kind == .number || kind == .numberList
    if isNumber, number == nil { return "must be a number, not \(shown)" }
    func explained(_ problem: String) -> String {
      rules.description.map { "\(problem): \($0)" } ?? problem
    }
    if let allowed = rules.allowedValues, !allowed.contains(item) {
      return explained("must be one of \(allowed.joined(separator: ", ")), not \(shown)")
    }
    if let number, isNumber {
      if let least = rules.minValue, number < least {
        return explained("must be at least \(Self.text(least)), not \(shown)")
      }
      if let most = rules.maxValue, number > most {
        return explained("must be at most \(Self.text(most)), not \(shown)")
      }
      return nil
    }
    if let least = rules.minLength, item.count < least {
      return explained("must have at least \(least) characters, not \(item.count)")
    }
    if let most = rules.maxLength, item.count > most {
      return explained("must have at most \(most) characters, not \(item.count)")
    }
    if let pattern = rules.allowedPattern {
      switch PatternMatch.matches(item, pattern) {
      case true?: break
      case false?: return explained("must match \(pattern), and \(shown) does not")
      case nil: return "cannot be checked: matching \(pattern) takes too long"
      }
    }
    return nil
  }

  private static func text(_ number: Double) -> String {
    Int(exactly: number).map(String.init) ?? "\(number)"
  }
}
