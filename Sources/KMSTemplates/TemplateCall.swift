import Envelope

/// The supported functions, with the names of their long forms.
enum TemplateFunction: String, CaseIterable, Sendable {
  case ref = "Ref"
  case condition = "Condition"
  case getAtt = "Fn::GetAtt"
  case sub = "Fn::Sub"
  case join = "Fn::Join"
  case select = "Fn::Select"
  case split = "Fn::Split"
  case `if` = "Fn::If"
  case equals = "Fn::Equals"
  case not = "Fn::Not"
  case and = "Fn::And"
  case or = "Fn::Or"
  case importValue = "Fn::ImportValue"
  case findInMap = "Fn::FindInMap"
  case base64 = "Fn::Base64"
}

/// A call of a function with its argument, from the long or the short form.
struct TemplateCall {
  let function: TemplateFunction
  let argument: TemplateNode
  let mark: TemplateMark

  /// Nil if `node` is a plain value. Throws if it is an unsupported function, or a function with
  /// other keys beside it. `Condition` is an ordinary key in a key policy, but a function in
  /// Conditions.
  init?(_ node: TemplateNode, amongConditions: Bool = false) throws {
    let name: String
    switch node.content {
    case .tagged(let tagged, let inner):
      name = tagged
      argument = inner
    case .map(let entries):
      let call = entries.first {
        $0.key.hasPrefix("Fn::") || $0.key == "Ref" || amongConditions && $0.key == "Condition"
      }
      guard let call else { return nil }
      guard entries.count == 1 else {
        throw call.invalid("\(call.key) must be the only key of its mapping")
      }
      name = call.key
      argument = call.value
    default: return nil
    }
    mark = node.mark
    guard let function = TemplateFunction(rawValue: name) else {
      throw TemplateError(.unsupported, mark, "\(name) is not supported\(Self.hint(name))")
    }
    self.function = function
  }

  /// CloudFormation's other functions: their names are not misspelled.
  private static let unsupported: Set<String> = [
    "Fn::Cidr", "Fn::ForEach", "Fn::GetAZs", "Fn::Length", "Fn::ToJsonString", "Fn::Transform",
  ]

  /// Compares names without the prefix "Fn::", which most names have.
  private static func hint(_ name: String) -> String {
    func short(_ name: String) -> String { String(name.trimmingPrefix("Fn::")) }
    let functions = TemplateFunction.allCases
    guard !unsupported.contains(name),
      let near = NearestName.find(short(name), in: functions.map { short($0.rawValue) }),
      let function = functions.first(where: { short($0.rawValue) == near })
    else { return "" }
    return "; did you mean '\(function.rawValue)'?"
  }

  /// Returns the items of the argument, which must be a list with a number of items in `counts`.
  func arguments(_ wanted: String, _ counts: ClosedRange<Int>) throws -> [TemplateNode] {
    guard case .list(let items) = argument.content, counts.contains(items.count) else {
      throw invalid("\(function.rawValue) takes a list of \(wanted)")
    }
    return items
  }

  func invalid(_ message: String) -> TemplateError { TemplateError(.invalid, mark, message) }
}
