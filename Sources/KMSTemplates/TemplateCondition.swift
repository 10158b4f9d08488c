/// A condition of a template.
struct TemplateCondition: Equatable, Sendable {
  indirect enum Form: Equatable, Sendable {
    case equals(TemplateExpression, TemplateExpression)
    case not(TemplateCondition)
    case and([TemplateCondition])
    case or([TemplateCondition])
    case reference(String)
  }

  let form: Form
  let mark: TemplateMark

  init(_ node: TemplateNode, _ scope: TemplateScope) throws {
    mark = node.mark
    guard let call = try TemplateCall(node, amongConditions: true) else {
      throw node.invalid(
        "a condition must be one of Fn::Equals, Fn::Not, Fn::And, Fn::Or, Condition")
    }
    func conditions(_ wanted: String, _ counts: ClosedRange<Int>) throws -> [TemplateCondition] {
      try call.arguments(wanted, counts).map { try TemplateCondition($0, scope) }
    }
    switch call.function {
    case .equals:
      let values = try call.arguments("two values", 2...2).map { try TemplateExpression($0, scope) }
      form = .equals(values[0], values[1])
    case .not: form = .not(try conditions("one condition", 1...1)[0])
    case .and: form = .and(try conditions("2 to 10 conditions", 2...10))
    case .or: form = .or(try conditions("2 to 10 conditions", 2...10))
    case .condition:
      let name = try call.argument.text("the argument of Condition")
      try scope.requireCondition(name, call.argument.mark)
      form = .reference(name)
    default: throw call.invalid("\(call.function.rawValue) is not a condition")
    }
  }

  func invalid(_ message: String) -> TemplateError { TemplateError(.invalid, mark, message) }

  /// The names of the conditions that this one refers to.
  var references: [String] {
    switch form {
    case .equals: []
    case .not(let condition): condition.references
    case .and(let conditions), .or(let conditions): conditions.flatMap(\.references)
    case .reference(let name): [name]
    }
  }
}
