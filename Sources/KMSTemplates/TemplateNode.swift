/// A scalar of a template. `isPlain` determines its type in JSON: plain `true` is a boolean, quoted
/// `"true"` is a string.
struct TemplateScalar: Equatable, Sendable {
  let text: String
  let isPlain: Bool

  init(_ text: String, isPlain: Bool = false) {
    self.text = text
    self.isPlain = isPlain
  }

  /// True for YAML's null: `null`, `~`, or no value at all.
  var isNull: Bool { isPlain && ["", "~", "null", "Null", "NULL"].contains(text) }

  /// The Boolean value, converted as CloudFormation does: `true`, `"true"`, `True`.
  var bool: Bool? {
    switch text.lowercased() {
    case "true": true
    case "false": false
    default: nil
    }
  }

  /// The integer value, converted as CloudFormation does: `7`, `"7"`.
  var int: Int? { Int(text) }
}

/// A template as it is written: the YAML tree. Short forms of functions have their long names.
struct TemplateNode: Equatable, Sendable {
  struct Entry: Equatable, Sendable {
    let key: String
    let mark: TemplateMark
    let value: TemplateNode
  }

  indirect enum Content: Equatable, Sendable {
    case scalar(TemplateScalar)
    case list([TemplateNode])
    case map([Entry])
    /// A short form such as `!Sub x`, with the long name `Fn::Sub`.
    case tagged(String, TemplateNode)
  }

  let content: Content
  let mark: TemplateMark

  /// The kind of the node, for messages.
  var kind: String {
    switch content {
    case .scalar: "text"
    case .list: "a list"
    case .map: "a mapping"
    case .tagged(let name, _): name
    }
  }

  /// Returns the entries of a mapping.
  func map(_ what: String) throws -> [Entry] {
    guard case .map(let entries) = content else { throw wanted("a mapping", what) }
    return entries
  }

  func list(_ what: String) throws -> [TemplateNode] {
    guard case .list(let items) = content else { throw wanted("a list", what) }
    return items
  }

  func scalar(_ what: String) throws -> TemplateScalar {
    guard case .scalar(let scalar) = content else { throw wanted("text", what) }
    return scalar
  }

  /// Returns text in a place where the template allows no function.
  func text(_ what: String) throws -> String { try scalar(what).text }

  /// Returns a single text or the texts of a list.
  func texts(_ what: String) throws -> [(text: String, mark: TemplateMark)] {
    guard case .list(let items) = content else { return [(try text(what), mark)] }
    return try items.map { (try $0.text(what), $0.mark) }
  }

  func invalid(_ message: String) -> TemplateError { TemplateError(.invalid, mark, message) }

  private func wanted(_ kind: String, _ what: String) -> TemplateError {
    invalid("\(what) must be \(kind), not \(self.kind)")
  }
}

extension TemplateNode.Entry {
  func unsupported(_ message: String) -> TemplateError {
    TemplateError(.unsupported, mark, message)
  }

  func invalid(_ message: String) -> TemplateError { TemplateError(.invalid, mark, message) }
}
