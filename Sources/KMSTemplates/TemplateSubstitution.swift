/// Parses the argument of `Fn::Sub`: text with `${Name}`, `${LogicalID.Attribute}` and
/// `${!Literal}`.
enum TemplateSubstitution {
  static func form(
    _ call: TemplateCall, _ scope: TemplateScope
  ) throws -> TemplateExpression.Form {
    var variables: [String: TemplateExpression] = [:]
    let text: String
    if case .scalar(let scalar) = call.argument.content {
      text = scalar.text
    } else {
      let parts = try call.arguments("a text and a mapping of its variables", 2...2)
      text = try parts[0].text("the first argument of Fn::Sub")
      for entry in try parts[1].map("the second argument of Fn::Sub") {
        variables[entry.key] = try TemplateExpression(entry.value, scope)
      }
    }
    var pieces: [TemplateExpression.Piece] = []
    var rest = text[...]
    // A `${` without a closing brace is text, as in CloudFormation.
    while let start = rest.firstRange(of: "${"),
      let end = rest[start.upperBound...].firstIndex(of: "}")
    {
      pieces.append(.text(String(rest[..<start.lowerBound])))
      let name = rest[start.upperBound..<end]
      rest = rest[rest.index(after: end)...]
      if name.hasPrefix("!") {
        pieces.append(.text("${\(name.dropFirst())}"))
      } else if variables[String(name)] != nil {
        pieces.append(.variable(String(name)))
      } else {
        pieces.append(.value(try variable(name, call, scope)))
      }
    }
    pieces.append(.text(String(rest)))
    return .sub(pieces.filter { $0 != .text("") }, variables: variables)
  }

  private static func variable(
    _ name: Substring, _ call: TemplateCall, _ scope: TemplateScope
  ) throws -> TemplateExpression {
    guard !name.isEmpty, name.utf8.allSatisfy({ isName($0) }) else {
      throw call.invalid("'${\(name)}' in Fn::Sub is not a name: letters, digits, '.', ':' and '_'")
    }
    let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
    if parts.count == 2 {
      try scope.require(parts[0], attribute: parts[1], call.mark)
      return TemplateExpression(form: .getAtt(parts[0], attribute: parts[1]), mark: call.mark)
    }
    try scope.require(String(name), call.mark)
    return TemplateExpression(form: .ref(String(name)), mark: call.mark)
  }

  private static func isName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "."),
      UInt8(ascii: ":"):
      true
    default: false
    }
  }
}
