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
      let names = TemplateFunction.allCases.map(\.rawValue)
      throw TemplateError(
        .unsupported, mark, "\(name) is not supported\(NearestName.hint(name, in: names))")
    }
    self.function = function
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
