/// Text without structure. Whether it stood plain decides what it is in JSON: `true` is a boolean,
/// `"true"` is text.
struct TemplateScalar: Equatable, Sendable {
  let text: String
  let isPlain: Bool

  init(_ text: String, isPlain: Bool = false) {
    self.text = text
    self.isPlain = isPlain
  }

  /// YAML's nothing: `null`, `~`, or no value at all.
  var isNull: Bool { isPlain && ["", "~", "null", "Null", "NULL"].contains(text) }

  /// As CloudFormation coerces it: `true`, `"true"`, `True`.
  var bool: Bool? {
    switch text.lowercased() {
    case "true": true
    case "false": false
    default: nil
    }
  }

  /// As CloudFormation coerces it: `7`, `"7"`.
  var int: Int? { Int(text) }
}

/// A template as it is written: YAML's tree, the short forms of functions with their long names.
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
    /// `!Sub x`, by the name `Fn::Sub`.
    case tagged(String, TemplateNode)
  }

  let content: Content
  let mark: TemplateMark

  /// What it is, for messages.
  var kind: String {
    switch content {
    case .scalar: "text"
    case .list: "a list"
    case .map: "a mapping"
    case .tagged(let name, _): name
    }
  }

  /// The entries of a mapping.
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

  /// Text where the template allows no function.
  func text(_ what: String) throws -> String { try scalar(what).text }

  /// One text, or a list of them.
  func texts(_ what: String) throws -> [(text: String, mark: TemplateMark)] {
    guard case .list(let items) = content else { return [(try text(what), mark)] }
    return try items.map { (try $0.text(what), $0.mark) }
  }

  func invalid(_ message: String) -> TemplateError { TemplateError(.invalid, mark, message) }

  private func wanted(_ kind: String, _ what: String) -> TemplateError {
    invalid("\(what) is \(kind), not \(self.kind)")
  }
}

extension TemplateNode.Entry {
  func unsupported(_ message: String) -> TemplateError {
    TemplateError(.unsupported, mark, message)
  }

  func invalid(_ message: String) -> TemplateError { TemplateError(.invalid, mark, message) }
}
