import Envelope

/// A value in a template, which may contain functions.
struct TemplateExpression: Equatable, Sendable {
  struct Entry: Equatable, Sendable {
    let key: String
    let mark: TemplateMark
    let value: TemplateExpression
  }

  /// A piece of `Fn::Sub`.
  enum Piece: Equatable, Sendable {
    case text(String)
    case value(TemplateExpression)
    /// One of the variables that the function itself defines.
    case variable(String)
  }

  indirect enum Form: Equatable, Sendable {
    case scalar(TemplateScalar)
    case list([TemplateExpression])
    case map([Entry])
    case ref(String)
    case getAtt(String, attribute: String)
    case sub([Piece], variables: [String: TemplateExpression])
    case join(separator: TemplateExpression, TemplateExpression)
    case select(index: TemplateExpression, TemplateExpression)
    case split(separator: TemplateExpression, TemplateExpression)
    case `if`(String, TemplateExpression, else: TemplateExpression)
    case importValue(TemplateExpression)
    case findInMap(TemplateExpression, TemplateExpression, TemplateExpression)
    case base64(TemplateExpression)
  }

  let form: Form
  let mark: TemplateMark

  func invalid(_ message: String) -> TemplateError { TemplateError(.invalid, mark, message) }
}

/// The names that a template declares, and the names that are allowed in the current place.
struct TemplateScope {
  /// Resources are refused in conditions and in names of imports, which are evaluated before any
  /// resource.
  enum Resources {
    case allowed
    case refused(String)
  }

  var parameters: Set<String> = []
  var mappings: Set<String> = []
  var conditions: Set<String> = []
  /// The resources of supported types, by logical ID.
  var resources: [String: TemplateResourceType] = [:]
  /// The types of the resources that are passed over, by logical ID.
  var passedOver: [String: String] = [:]
  var allowsResources = Resources.allowed
  /// True in Conditions, which allow neither Fn::If nor Fn::ImportValue.
  var isCondition = false
}

extension TemplateExpression {
  /// Throws `TemplateError` for unsupported functions, wrong arguments, and names that are not
  /// declared.
  init(_ node: TemplateNode, _ scope: TemplateScope) throws {
    mark = node.mark
    form = try Self.form(node, scope)
  }

  private static func form(_ node: TemplateNode, _ scope: TemplateScope) throws -> Form {
    if let call = try TemplateCall(node) { return try form(call, scope) }
    switch node.content {
    case .scalar(let scalar): return .scalar(scalar)
    case .list(let items): return .list(try items.map { try TemplateExpression($0, scope) })
    case .map(let entries):
      return .map(
        try entries.map {
          Entry(key: $0.key, mark: $0.mark, value: try TemplateExpression($0.value, scope))
        })
    case .tagged(let name, _): preconditionFailure("\(name) is a call")
    }
  }

  private static func form(_ call: TemplateCall, _ scope: TemplateScope) throws -> Form {
    func argument() throws -> TemplateExpression { try TemplateExpression(call.argument, scope) }
    func arguments(_ wanted: String, count: Int) throws -> [TemplateExpression] {
      try call.arguments(wanted, count...count).map { try TemplateExpression($0, scope) }
    }
    if scope.isCondition, [.if, .importValue].contains(call.function) {
      throw call.invalid("\(call.function.rawValue) cannot be used in Conditions")
    }
    switch call.function {
    case .ref:
      let name = try call.argument.text("the argument of Ref")
      try scope.require(name, call.mark)
      return .ref(name)
    case .getAtt: return try getAtt(call, scope)
    case .sub: return try TemplateSubstitution.form(call, scope)
    case .join:
      let parts = try arguments("a separator and a list", count: 2)
      return .join(separator: parts[0], parts[1])
    case .select:
      let parts = try arguments("an index and a list", count: 2)
      return .select(index: parts[0], parts[1])
    case .split:
      let parts = try arguments("a separator and a text", count: 2)
      return .split(separator: parts[0], parts[1])
    case .if:
      let parts = try call.arguments("a condition's name and two values", 3...3)
      let name = try parts[0].text("the first argument of Fn::If")
      try scope.requireCondition(name, parts[0].mark)
      return .if(
        name, try TemplateExpression(parts[1], scope), else: try TemplateExpression(parts[2], scope)
      )
    case .importValue:
      var inner = scope
      inner.allowsResources = .refused("the name of an import cannot depend on a resource")
      return .importValue(try TemplateExpression(call.argument, inner))
    case .findInMap:
      let parts = try arguments("a mapping's name and two keys", count: 3)
      if case .scalar(let name) = parts[0].form, !scope.mappings.contains(name.text) {
        throw parts[0].invalid("there is no mapping '\(name.text)'")
      }
      return .findInMap(parts[0], parts[1], parts[2])
    case .base64: return .base64(try argument())
    case .equals, .not, .and, .or, .condition:
      throw call.invalid(
        "\(call.function.rawValue) is a condition, and can be used only in Conditions")
    }
  }

  private static func getAtt(_ call: TemplateCall, _ scope: TemplateScope) throws -> Form {
    let wanted = "Fn::GetAtt takes LOGICAL-ID.ATTRIBUTE, or a list of both"
    let parts: [String]
    switch call.argument.content {
    case .scalar(let scalar):
      parts = scalar.text.split(separator: ".", maxSplits: 1).map(String.init)
    case .list(let items): parts = try items.map { try $0.text("an argument of Fn::GetAtt") }
    default: throw call.invalid(wanted)
    }
    guard parts.count == 2 else { throw call.invalid(wanted) }
    try scope.require(parts[0], attribute: parts[1], call.mark)
    return .getAtt(parts[0], attribute: parts[1])
  }
}

extension TemplateScope {
  /// Throws unless `Ref` of the name has a value in this place.
  func require(_ name: String, _ mark: TemplateMark) throws {
    if parameters.contains(name) || PseudoParameter(rawValue: name) != nil { return }
    guard !name.hasPrefix("AWS::") else {
      throw TemplateError(.unsupported, mark, "there is no pseudo parameter \(name)")
    }
    let names = Array(parameters) + resources.keys
    try requireResource(
      name, mark, "there is no parameter or resource '\(name)'\(NearestName.hint(name, in: names))")
  }

  func require(_ name: String, attribute: String, _ mark: TemplateMark) throws {
    try requireResource(
      name, mark,
      "there is no resource '\(name)'\(NearestName.hint(name, in: Array(resources.keys)))")
    guard let type = resources[name], !type.attributes.contains(attribute) else { return }
    let known = type.attributes.joined(separator: ", ")
    throw TemplateError(
      .invalid, mark,
      "\(type.rawValue) has no attribute '\(attribute)'" + (known.isEmpty ? "" : ", only \(known)"))
  }

  func requireCondition(_ name: String, _ mark: TemplateMark) throws {
    guard conditions.contains(name) else {
      throw TemplateError(
        .invalid, mark,
        "there is no condition '\(name)'\(NearestName.hint(name, in: Array(conditions)))")
    }
  }

  func requireResource(_ name: String, _ mark: TemplateMark, _ otherwise: String) throws {
    if let type = passedOver[name] {
      throw TemplateError(
        .unsupported, mark, "'\(name)' is of the type \(type), which is skipped")
    }
    guard resources[name] != nil else { throw TemplateError(.invalid, mark, otherwise) }
    if case .refused(let reason) = allowsResources { throw TemplateError(.invalid, mark, reason) }
  }
}
