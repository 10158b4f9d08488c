import Envelope

/// Reads a template in JSON. A template that begins with `{` must be valid JSON, although YAML
/// would accept more.
enum TemplateJSON {
  static func isJSON(_ text: String) -> Bool {
    text.utf8.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "{")
  }

  /// Throws `TemplateError`.
  static func read(_ text: String) throws -> TemplateNode {
    let limits = JSONLimits(depth: TemplateReader.depthLimit, values: TemplateReader.valueLimit)
    let document: JSONDocument
    do throws(JSONError) {
      document = try JSONDocument(text, limits: limits)
    } catch {
      throw TemplateError(error)
    }
    return try node(document.root)
  }

  private static func node(_ value: JSONValue) throws -> TemplateNode {
    let mark = TemplateMark(value.position)
    let content: TemplateNode.Content
    switch value.content {
    case .object(let object): content = .map(try entries(object))
    case .array(let elements): content = .list(try elements.map(node))
    case .string(let text): content = .scalar(TemplateScalar(text))
    case .number(let number): content = .scalar(TemplateScalar(number.text, isPlain: true))
    case .bool(let bool): content = .scalar(TemplateScalar("\(bool)", isPlain: true))
    case .null: throw TemplateError.null(mark)
    }
    return TemplateNode(content: content, mark: mark)
  }

  private static func entries(_ object: JSONObject) throws -> [TemplateNode.Entry] {
    // JSON compares names byte by byte. A template treats names as equal if they are canonically
    // equivalent in Unicode.
    var names: Set<String> = []
    return try object.members.map { member in
      let mark = TemplateMark(member.position)
      guard names.insert(member.name).inserted else {
        throw TemplateError(.malformed, mark, "'\(member.name)' occurs twice")
      }
      return TemplateNode.Entry(key: member.name, mark: mark, value: try node(member.value))
    }
  }
}

extension TemplateMark {
  fileprivate init(_ position: JSONPosition) {
    self.init(line: position.line, column: position.column)
  }
}

extension TemplateError {
  fileprivate init(_ error: JSONError) {
    let mark = TemplateMark(error.position)
    switch error.problem {
    case .malformed(let reason): self.init(.malformed, mark, "not JSON: \(reason)")
    case .duplicateName(let name): self.init(.malformed, mark, "'\(name)' occurs twice")
    case .tooDeep: self = .tooDeep(mark)
    case .tooManyValues: self = .tooMany(mark)
    }
  }
}
