import Envelope
import KMSAPI

/// Evaluates expressions with the values that are known.
struct Evaluation: Sendable {
  let template: Template
  let values: [String: TemplateParameter.Value]
  let stackName: String
  let stackID: String
  var conditions: [String: Bool]
  let imports: @Sendable (String) -> String?
  var active: [String: TemplateResource] = [:]
  var inactive: [String: TemplateResource] = [:]
  var physicalIDs: [String: String] = [:]
  var namesPending = false

  func holds(_ condition: TemplateCondition) throws -> Bool {
    switch condition.form {
    case .equals(let left, let right):
      try text(left, "an argument of Fn::Equals").utf8
        .elementsEqual(text(right, "an argument of Fn::Equals").utf8)
    case .not(let other): try !holds(other)
    case .and(let others): try others.allSatisfy(holds)
    case .or(let others): try others.contains(where: holds)
    case .reference(let name): conditions[name]!
    }
  }

  /// Returns the value of an expression; nil for `AWS::NoValue`.
  func value(_ expression: TemplateExpression) throws -> TemplateValue? {
    let mark = expression.mark
    switch expression.form {
    case .scalar(let scalar): return TemplateValue(.scalar(scalar), mark)
    case .list(let items): return TemplateValue(.list(try items.compactMap(value)), mark)
    case .map(let entries):
      return TemplateValue(
        .map(
          try entries.compactMap { entry in
            try value(entry.value).map {
              TemplateValue.Entry(key: entry.key, mark: entry.mark, value: $0)
            }
          }), mark)
    case .ref(let name): return try reference(name, mark)
    case .getAtt(let name, let attribute):
      let id = try physicalID(name, pending: "\(name).\(attribute)", mark)
      // The ARN of a pending resource is not known either.
      let isKnown = physicalIDs[name] != nil
      return TemplateValue(attribute == "Arn" && isKnown ? KeyName.arn(ofKey: id) : id, mark)
    case .sub(let pieces, let variables):
      return TemplateValue(try substitute(pieces, variables, mark), mark)
    case .join(let separator, let list):
      let separator = try text(separator, "the separator of Fn::Join")
      var text = ""
      for (index, item) in try items(list, "the second argument of Fn::Join").enumerated() {
        if index > 0 { text += separator }
        text += try item.text("an item of Fn::Join")
        try checkLength(text, mark)
      }
      return TemplateValue(text, mark)
    case .select(let index, let list):
      let position = try text(index, "the index of Fn::Select")
      let items = try items(list, "the second argument of Fn::Select")
      guard !items.isEmpty else { throw list.invalid("the second argument of Fn::Select is empty") }
      // If an unknown value cannot be split yet, each of its parts is unknown.
      if items.count == 1, Int(position).map({ $0 >= 0 }) ?? false, try isUnknown(items[0]) {
        return items[0]
      }
      guard let number = Int(position), items.indices.contains(number) else {
        throw index.invalid(
          "the index of Fn::Select must be 0 to \(items.count - 1), not '\(position)'")
      }
      return items[number]
    case .split(let separator, let source):
      let by = try text(separator, "the separator of Fn::Split")
      guard !by.isEmpty else { throw separator.invalid("the separator of Fn::Split is empty") }
      let text = try text(source, "the second argument of Fn::Split")
      if isUnknown(text) { return TemplateValue(.list([TemplateValue(text, mark)]), mark) }
      return TemplateValue(.list(text.split(by).map { TemplateValue($0, mark) }), mark)
    case .if(let condition, let value, let other):
      return try self.value(conditions[condition]! ? value : other)
    case .importValue(let name):
      let name = try text(name, "the name of an import")
      guard let value = imports(name) else {
        throw expression.invalid("no stack exports '\(name)'")
      }
      return TemplateValue(value, mark)
    case .findInMap(let name, let row, let column):
      return try find(name, row, column, mark)
    case .base64(let inner):
      let bytes = Base64.encode(Array(try text(inner, "the argument of Fn::Base64").utf8))
      let encoded = String(decoding: bytes, as: UTF8.self)
      try checkLength(encoded, mark)
      return TemplateValue(encoded, mark)
    }
  }

  /// Returns the value, which must be text.
  func text(_ expression: TemplateExpression, _ what: String) throws -> String {
    guard let value = try value(expression) else {
      throw expression.invalid("\(what) has no value")
    }
    return try value.text(what)
  }

  private func items(_ expression: TemplateExpression, _ what: String) throws -> [TemplateValue] {
    guard let value = try value(expression) else {
      throw expression.invalid("\(what) has no value")
    }
    return try value.list(what)
  }

  private func reference(_ name: String, _ mark: TemplateMark) throws -> TemplateValue? {
    switch values[name] {
    case .text(let text): return TemplateValue(text, mark)
    case .list(let items):
      return TemplateValue(.list(items.map { TemplateValue($0, mark) }), mark)
    case nil: break
    }
    switch PseudoParameter(rawValue: name) {
    case .accountID: return TemplateValue(Account.id, mark)
    case .notificationARNs: return TemplateValue(.list([]), mark)
    case .noValue: return nil
    case .partition: return TemplateValue("aws", mark)
    case .region: return TemplateValue("local", mark)
    case .stackID: return TemplateValue(stackID, mark)
    case .stackName: return TemplateValue(stackName, mark)
    case .urlSuffix: return TemplateValue("amazonaws.com", mark)
    case nil: return TemplateValue(try physicalID(name, pending: name, mark), mark)
    }
  }

  private func physicalID(
    _ name: String, pending: String, _ mark: TemplateMark
  ) throws -> String {
    if let resource = inactive[name] {
      throw TemplateError(
        .invalid, mark,
        "resource '\(name)' is not created: its condition '\(resource.condition ?? "")' is false")
    }
    if let id = physicalIDs[name] { return id }
    guard namesPending else {
      throw TemplateError(.invalid, mark, "resource '\(name)' is not created yet")
    }
    return UnknownValue.text(of: pending)
  }

  /// True if the text has a part that is only known after the stack is created.
  private func isUnknown(_ text: String) -> Bool {
    namesPending && text.contains(UnknownValue.prefix)
  }

  private func isUnknown(_ value: TemplateValue) throws -> Bool {
    guard case .scalar = value.content else { return false }
    return isUnknown(try value.text("a part"))
  }

  private func substitute(
    _ pieces: [TemplateExpression.Piece], _ variables: [String: TemplateExpression],
    _ mark: TemplateMark
  ) throws -> String {
    // Evaluate each variable once, even if it occurs several times.
    let variables = try variables.mapValues { try text($0, "a variable of Fn::Sub") }
    var result = ""
    for piece in pieces {
      switch piece {
      case .text(let text): result += text
      case .variable(let name): result += variables[name]!
      case .value(let expression): result += try text(expression, "a variable of Fn::Sub")
      }
      try checkLength(result, mark)
    }
    return result
  }

  private func find(
    _ name: TemplateExpression, _ row: TemplateExpression, _ column: TemplateExpression,
    _ mark: TemplateMark
  ) throws -> TemplateValue {
    let mapping = try text(name, "a mapping's name")
    let key = try text(row, "a mapping's key")
    let second = try text(column, "a mapping's key")
    guard let rows = template.mappings[mapping]?.rows else {
      throw name.invalid("there is no mapping '\(mapping)'")
    }
    guard let columns = rows[key] else {
      throw row.invalid("mapping '\(mapping)' has no key '\(key)'")
    }
    guard let value = columns[second] else {
      throw column.invalid("'\(key)' of mapping '\(mapping)' has no key '\(second)'")
    }
    return TemplateValue(value.content, mark)
  }

  private func checkLength(_ text: String, _ mark: TemplateMark) throws {
    guard text.utf8.count <= TemplateValue.textLimit else {
      throw TemplateError(
        .invalid, mark, "a value grows to more than \(TemplateValue.textLimit) bytes")
    }
  }
}

extension Evaluation {
  /// Returns the resources that the value needs, following only the branches of Fn::If that are
  /// taken.
  func references(in expression: TemplateExpression) -> [String] {
    var names: [String] = []
    visit(expression) {
      switch $0.form {
      case .ref(let name) where values[name] == nil && PseudoParameter(rawValue: name) == nil:
        names.append(name)
      case .getAtt(let name, _): names.append(name)
      default: break
      }
    }
    return names
  }

  /// Returns the names of the exports that the value needs, following only the branches of Fn::If
  /// that are taken.
  func imports(in expression: TemplateExpression) throws -> [String] {
    var names: [TemplateExpression] = []
    visit(expression) { if case .importValue(let name) = $0.form { names.append(name) } }
    return try names.map { try text($0, "the name of an import") }
  }

  private func visit(_ expression: TemplateExpression, _ body: (TemplateExpression) -> Void) {
    body(expression)
    switch expression.form {
    case .scalar, .ref, .getAtt: break
    case .list(let items): for item in items { visit(item, body) }
    case .map(let entries): for entry in entries { visit(entry.value, body) }
    case .sub(let pieces, let variables):
      for piece in pieces { if case .value(let value) = piece { visit(value, body) } }
      for value in variables.values { visit(value, body) }
    case .join(let first, let second), .select(let first, let second),
      .split(let first, let second):
      visit(first, body)
      visit(second, body)
    case .if(let condition, let value, let other):
      visit(conditions[condition]! ? value : other, body)
    case .importValue(let inner), .base64(let inner): visit(inner, body)
    case .findInMap(let name, let row, let column):
      visit(name, body)
      visit(row, body)
      visit(column, body)
    }
  }
}

extension String {
  /// Returns the parts between the separators, including empty ones.
  fileprivate func split(_ separator: String) -> [String] {
    var parts: [String] = []
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return parts + [String(rest)]
  }
}
