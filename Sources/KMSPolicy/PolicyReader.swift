import Envelope

/// A reader of policy documents. Its errors name the place of the problem.
struct PolicyReader {
  private(set) var id: String?
  private(set) var statements: [PolicyStatement] = []
  /// True if the document's version of the policy language has variables.
  private var hasVariables = false

  init(_ text: String) throws(PolicyError) {
    // These are the characters that the KMS API's pattern for policies allows.
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x09, 0x0A, 0x0D, 0x20...0xFF: break
      default:
        let code = String(scalar.value, radix: 16, uppercase: true)
        throw .malformed(
          "the document has the character U+\(String(repeating: "0", count: max(0, 4 - code.count)))"
            + "\(code); a policy has only characters up to U+00FF, and no control characters")
      }
    }
    guard let document = try Self.parse(text).object else {
      throw .malformed("the document is not a JSON object")
    }
    try Self.check(document, knows: ["Version", "Id", "Statement"], in: "the document")
    hasVariables = try version(of: document) == "2012-10-17"
    id = try document["Id"].map { value throws(PolicyError) in
      try Self.string(value, "the document: Id")
    }
    try readStatements(document)
  }

  private static func parse(_ text: String) throws(PolicyError) -> JSONValue {
    do throws(JSONError) {
      // A valid policy has no more than six levels.
      return try JSONDocument(text, limits: JSONLimits(depth: 16, values: KeyPolicy.maximumLength))
        .root
    } catch {
      if case .tooDeep = error.problem {
        let position = error.position
        throw .malformed(
          "line \(position.line), column \(position.column): nested too deeply for a policy")
      }
      throw .malformed((error.isMalformed ? "the document is not JSON: " : "") + "\(error)")
    }
  }

  /// Returns the version of the policy language. Without one, it is the earlier version (IAM user
  /// guide, "Version").
  private func version(of document: JSONObject) throws(PolicyError) -> String {
    guard let value = document["Version"] else { return "2008-10-17" }
    let version = try Self.string(value, "the document: Version")
    guard version == "2012-10-17" || version == "2008-10-17" else {
      throw .malformed("the document: Version '\(version)' is not 2012-10-17 or 2008-10-17")
    }
    return version
  }

  private mutating func readStatements(_ document: JSONObject) throws(PolicyError) {
    guard let value = document["Statement"] else {
      throw .malformed("the document has no Statement")
    }
    let list: [JSONValue]
    switch value.content {
    case .array(let elements): list = elements
    case .object: list = [value]
    default: throw .malformed("the document: Statement is \(value.kind)")
    }
    guard !list.isEmpty else { throw .malformed("the document: Statement is empty") }
    var sids: [String: Int] = [:]
    for (index, element) in list.enumerated() {
      let statement = try statement(element, index: index + 1)
      if let sid = statement.reference.sid {
        if let first = sids[sid] {
          throw .malformed("\(statement.reference): statement \(first) has the same Sid")
        }
        sids[sid] = index + 1
      }
      statements.append(statement)
    }
  }

  private func statement(_ value: JSONValue, index: Int) throws(PolicyError) -> PolicyStatement {
    guard let statement = value.object else {
      throw .malformed("statement \(index) is \(value.kind), not an object")
    }
    let sid = try statement["Sid"].map { value throws(PolicyError) in
      try Self.string(value, "statement \(index): Sid")
    }
    let reference = StatementReference(index: index, sid: sid == "" ? nil : sid)
    let place = reference.description
    for name in ["NotPrincipal", "NotResource"] where statement[name] != nil {
      throw .unsupported("\(place): \(name) is not supported")
    }
    try Self.check(
      statement,
      knows: [
        "Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "Condition",
      ], in: place)
    guard statement["Action"] == nil || statement["NotAction"] == nil else {
      throw .malformed("\(place) has both Action and NotAction")
    }
    let actions = statement["Action"] ?? statement["NotAction"]
    return PolicyStatement(
      reference: reference,
      effect: try Self.effect(try Self.required(statement["Effect"], "Effect", place), place),
      principals: try Self.principals(
        try Self.required(statement["Principal"], "Principal", place), "\(place): Principal"),
      actions: try Self.each(
        try Self.required(actions, "Action", place),
        "\(place): \(statement["Action"] == nil ? "NotAction" : "Action")"
      ) { text throws(PolicyError) in try StatementAction(text) },
      exceptsActions: statement["Action"] == nil,
      resources: try Self.each(
        try Self.required(statement["Resource"], "Resource", place), "\(place): Resource"
      ) { text throws(PolicyError) in try StatementResource(text, hasVariables: hasVariables) },
      conditions: try statement["Condition"].map { value throws(PolicyError) in
        try conditions(value, "\(place): Condition")
      } ?? [])
  }

  private static func effect(_ value: JSONValue, _ place: String) throws(PolicyError)
    -> PolicyEffect
  {
    let text = try string(value, "\(place): Effect")
    guard let effect = PolicyEffect(rawValue: text) else {
      throw .malformed("\(place): Effect '\(text)' is not Allow or Deny")
    }
    return effect
  }

  private static func principals(
    _ value: JSONValue, _ place: String
  ) throws(PolicyError) -> [StatementPrincipal] {
    if case .string(let text) = value.content {
      guard text == "*" else {
        throw .malformed("\(place) '\(text)' is not \"*\" or an object such as {\"AWS\": …}")
      }
      return [.everyone]
    }
    guard let map = value.object else { throw .malformed("\(place) is \(value.kind)") }
    try check(map, knows: ["AWS", "Service", "Federated"], in: place)
    guard !map.isEmpty else { throw .malformed("\(place) is empty") }
    var principals: [StatementPrincipal] = []
    for member in map.sortedMembers {
      let kind = member.name
      principals += try each(member.value, "\(place): \(kind)") { text throws(PolicyError) in
        if kind == "AWS" { return try StatementPrincipal(aws: text) }
        guard !text.isEmpty, !text.contains("*"), !text.contains("?") else {
          throw .malformed("'\(text)' is not the name of a principal")
        }
        return .nobody(text)
      }
    }
    return principals
  }

  // MARK: Conditions

  private func conditions(
    _ value: JSONValue, _ place: String
  ) throws(PolicyError) -> [PolicyCondition] {
    guard let operators = value.object else { throw .malformed("\(place) is \(value.kind)") }
    var conditions: [PolicyCondition] = []
    for member in operators.sortedMembers {
      let (name, value) = (member.name, member.value)
      let comparison = try Self.at(place) { () throws(PolicyError) in
        try PolicyOperator(parsing: name)
      }
      let place = "\(place): \(name)"
      guard let keys = value.object else { throw .malformed("\(place) is \(value.kind)") }
      guard !keys.isEmpty else { throw .malformed("\(place) is empty") }
      for key in keys.sortedMembers {
        conditions.append(try condition(comparison, key.name, key.value, place))
      }
    }
    return conditions
  }

  private func condition(
    _ comparison: PolicyOperator, _ key: String, _ value: JSONValue, _ place: String
  ) throws(PolicyError) -> PolicyCondition {
    let name = try Self.at(place) { () throws(PolicyError) in try PolicyConditionName(parsing: key)
    }
    guard comparison.fits(name.key.valueType) else {
      throw .malformed("\(place): '\(key)' has no values that \(comparison.name) can compare")
    }
    let place = "\(place): \(key)"
    let written = try Self.scalars(value, place)
    let values = try written.map { text throws(PolicyError) in
      try Self.at(place) { () throws(PolicyError) in try self.value(text, for: comparison) }
    }
    return PolicyCondition(
      comparison: comparison, name: name, values: values, writtenKey: key, writtenValues: written)
  }

  private func value(
    _ text: String, for comparison: PolicyOperator
  ) throws(PolicyError) -> PolicyCondition.Value {
    switch comparison.relation {
    case .string(let ignoringCase, let wildcards):
      return .pattern(
        try PolicyPattern(
          text,
          as: .init(
            hasWildcards: wildcards, hasVariables: hasVariables, ignoresCase: ignoringCase)))
    case .arn:
      let pattern = try PolicyPattern(
        text, as: .init(hasWildcards: true, hasVariables: hasVariables))
      guard pattern.hasVariables || pattern.arnFields.count == 6 else {
        throw .malformed("'\(text)' is not an ARN")
      }
      return .pattern(pattern)
    case .number:
      guard let number = PolicyCondition.number(text) else {
        throw .malformed("'\(text)' is not a number")
      }
      return .number(number)
    case .date:
      guard let date = APIDate.date(text) else {
        throw .malformed("'\(text)' is not a date: \(APIDate.wanted)")
      }
      return .date(date)
    case .bool, .null:
      switch text.lowercased() {
      case "true": return .bool(true)
      case "false": return .bool(false)
      default: throw .malformed("'\(text)' is not true or false")
      }
    }
  }

  // MARK: Helpers

  private static func check(
    _ object: JSONObject, knows names: [String], in place: String
  ) throws(PolicyError) {
    if let unknown = object.sortedMembers.first(where: { !names.contains($0.name) }) {
      throw .malformed("\(place): '\(unknown.name)' is not known")
    }
  }

  private static func required(
    _ value: JSONValue?, _ name: String, _ place: String
  ) throws(PolicyError) -> JSONValue {
    guard let value else { throw .malformed("\(place) has no \(name)") }
    return value
  }

  private static func string(_ value: JSONValue, _ place: String) throws(PolicyError) -> String {
    guard case .string(let text) = value.content else {
      throw .malformed("\(place) is \(value.kind), not a string")
    }
    return text
  }

  /// Returns the results of `body` for a single string, or for each string of an array. The array
  /// must not be empty.
  private static func each<Value>(
    _ value: JSONValue, _ place: String, _ body: (String) throws(PolicyError) -> Value
  ) throws(PolicyError) -> [Value] {
    var elements = [value]
    if case .array(let list) = value.content { elements = list }
    guard !elements.isEmpty else { throw .malformed("\(place) is empty") }
    var values: [Value] = []
    for element in elements {
      let text = try string(element, place)
      values.append(try at(place) { () throws(PolicyError) in try body(text) })
    }
    return values
  }

  /// Returns the values of a condition as text. They can be strings, numbers and Booleans.
  private static func scalars(_ value: JSONValue, _ place: String) throws(PolicyError) -> [String] {
    var elements = [value]
    if case .array(let list) = value.content { elements = list }
    guard !elements.isEmpty else { throw .malformed("\(place) is empty") }
    var texts: [String] = []
    for element in elements {
      switch element.content {
      case .string(let text): texts.append(text)
      case .bool(let bool): texts.append(String(bool))
      case .number(let number):
        guard let text = text(of: number) else {
          throw .malformed("\(place): \(number.text.shortened) is out of range")
        }
        texts.append(text)
      case .object, .array, .null: throw .malformed("\(place) is \(element.kind), not a value")
      }
    }
    return texts
  }

  /// Returns the text of a number: a whole number without a fraction or an exponent. Nil if the
  /// number is out of range.
  private static func text(of number: JSONNumber) -> String? {
    if let integer = number.integer(as: Int64.self) { return "\(integer)" }
    return number.double.map { Int64(exactly: $0).map(String.init) ?? "\($0)" }
  }

  /// Runs `body`, and puts the place before the text of its errors.
  private static func at<Value>(
    _ place: String, _ body: () throws(PolicyError) -> Value
  ) throws(PolicyError) -> Value {
    do throws(PolicyError) {
      return try body()
    } catch .malformed(let text) {
      throw .malformed("\(place): \(text)")
    } catch .unsupported(let text) {
      throw .unsupported("\(place): \(text)")
    }
  }
}

extension JSONObject {
  /// The members in the order of the bytes of their names, so that their order in the document does
  /// not matter.
  fileprivate var sortedMembers: [Member] {
    members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }
}
