/// The functions that are supported, by the names of their long forms.
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

/// A function with its argument, in either form.
struct TemplateCall {
  let function: TemplateFunction
  let argument: TemplateNode
  let mark: TemplateMark

  /// Nil where `node` is a plain value. Throws where it is a function that is not supported, or one
  /// with something beside it. `Condition` is an ordinary key in a key policy, and a function among
  /// conditions.
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
        throw call.invalid("\(call.key) stands alone in its mapping")
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

  /// What is no misspelling: the other functions of CloudFormation.
  private static let unsupported: Set<String> = [
    "Fn::Cidr", "Fn::ForEach", "Fn::GetAZs", "Fn::Length", "Fn::ToJsonString", "Fn::Transform",
  ]

  /// Near are names without what most begin with.
  private static func hint(_ name: String) -> String {
    func short(_ name: String) -> String { String(name.trimmingPrefix("Fn::")) }
    let functions = TemplateFunction.allCases
    guard !unsupported.contains(name),
      let near = NearestName.find(short(name), in: functions.map { short($0.rawValue) }),
      let function = functions.first(where: { short($0.rawValue) == near })
    else { return "" }
    return ", '\(function.rawValue)' is near"
  }

  /// The items of the argument, a list of so many.
  func arguments(_ wanted: String, _ counts: ClosedRange<Int>) throws -> [TemplateNode] {
    guard case .list(let items) = argument.content, counts.contains(items.count) else {
      throw invalid("\(function.rawValue) takes a list of \(wanted)")
    }
    return items
  }

  func invalid(_ message: String) -> TemplateError { TemplateError(.invalid, mark, message) }
}
