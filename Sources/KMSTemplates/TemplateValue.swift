import Envelope

/// The value of an expression.
struct TemplateValue: Equatable, Sendable {
  indirect enum Content: Equatable, Sendable {
    case scalar(TemplateScalar)
    case list([TemplateValue])
    case map([Entry])
  }

  struct Entry: Equatable, Sendable {
    let key: String
    let mark: TemplateMark
    let value: TemplateValue
  }

  let content: Content
  let mark: TemplateMark

  /// The maximum size in bytes of a text that functions make.
  static let textLimit = TemplateReader.sizeLimit

  init(_ content: Content, _ mark: TemplateMark) {
    self.content = content
    self.mark = mark
  }

  init(_ text: String, _ mark: TemplateMark) { self.init(.scalar(TemplateScalar(text)), mark) }

  func scalar(_ what: String) throws -> TemplateScalar {
    guard case .scalar(let scalar) = content else { throw wanted("text", what) }
    return scalar
  }

  func text(_ what: String) throws -> String { try scalar(what).text }

  func list(_ what: String) throws -> [TemplateValue] {
    guard case .list(let items) = content else { throw wanted("a list", what) }
    return items
  }

  func map(_ what: String) throws -> [Entry] {
    guard case .map(let entries) = content else { throw wanted("a mapping", what) }
    return entries
  }

  func invalid(_ message: String) -> TemplateError { TemplateError(.invalid, mark, message) }

  private func wanted(_ wanted: String, _ what: String) -> TemplateError {
    let found =
      switch content {
      case .scalar: "text"
      case .list: "a list"
      case .map: "a mapping"
      }
    return invalid("\(what) must be \(wanted), not \(found)")
  }

  /// Returns the value as JSON (RFC 8259) without spaces, with keys in the order of the template.
  /// Throws if the JSON is longer than `limit` bytes.
  func json(_ what: String, limit: Int) throws -> String {
    var writer = JSONWriter(.compact, escaping: .delete)
    try write(to: &writer) { count in
      if count > limit {
        throw invalid("\(what) must have at most \(limit) bytes as JSON")
      }
    }
    return writer.finish().withBytes { bytes in
      bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
  }

  private func write(to writer: inout JSONWriter, check: (Int) throws -> Void) throws {
    switch content {
    case .scalar(let scalar): scalar.write(to: &writer)
    case .list(let items):
      writer.beginArray()
      for item in items { try item.write(to: &writer, check: check) }
      writer.endArray()
    case .map(let entries):
      writer.beginObject()
      for entry in entries {
        writer.name(entry.key)
        try entry.value.write(to: &writer, check: check)
      }
      writer.endObject()
    }
    try check(writer.count)
  }
}

extension TemplateScalar {
  /// Writes the scalar as JSON. A plain scalar becomes a boolean or a number if it looks like one.
  /// A date becomes a string.
  fileprivate func write(to writer: inout JSONWriter) {
    if isPlain, let bool { return writer.bool(bool) }
    if isPlain, isJSONNumber { return writer.number(text) }
    writer.string(text)
  }

  /// True for a number of RFC 8259. A number with a leading zero is not one, so an account ID stays
  /// a string.
  private var isJSONNumber: Bool {
    text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil
  }
}
