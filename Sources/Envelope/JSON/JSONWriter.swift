/// The layout of a JSON text: its white space.
package struct JSONLayout: Sendable {
  /// The number of spaces per level; nil for a text without line breaks.
  let indent: Int?
  /// The text between a name and its value.
  let colon: StaticString

  package static let compact = JSONLayout(indent: nil, colon: ":")
  /// The layout of the AWS CLI. Scripts search its lines for `"KeyId": "`.
  package static let awsCLI = JSONLayout(indent: 4, colon: ": ")
  package static let plan = JSONLayout(indent: 2, colon: ": ")
  /// The layout of keyring files.
  package static let keyringFile = JSONLayout(indent: 2, colon: " : ")
}

/// Characters that are escaped although JSON does not require it. Characters that JSON requires to
/// be escaped get the short form if there is one, otherwise the form `\u001f`.
package struct JSONEscapes: OptionSet, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let slash = JSONEscapes(rawValue: 1)
  package static let delete = JSONEscapes(rawValue: 2)
  /// All characters that are not printable (`isUnprintable`), for example those that move the
  /// cursor of a terminal or reverse its line.
  package static let unprintable = JSONEscapes(rawValue: 4)
}

/// A writer of a JSON text, value by value, in memory that is wiped. Brackets of an empty array or
/// object stay on one line.
package struct JSONWriter: ~Copyable {
  private let layout: JSONLayout
  private let escapes: JSONEscapes
  private var writer = SecretWriter()
  private var depth = 0
  /// The kind of token that was written last.
  private var follows: Follows = .opening

  private enum Follows { case opening, name, value }

  package init(_ layout: JSONLayout = .compact, escaping escapes: JSONEscapes = []) {
    self.layout = layout
    self.escapes = escapes
  }

  /// The number of bytes written so far.
  package var count: Int { writer.count }

  /// Returns the text, with a line feed at the end if `lineFeed`.
  package consuming func finish(lineFeed: Bool = false) -> SecretBytes {
    if lineFeed { writer.append("\n") }
    return writer.finish()
  }

  // MARK: Arrays and objects

  package mutating func beginObject() { open("{") }
  package mutating func endObject() { close("}") }
  package mutating func beginArray() { open("[") }
  package mutating func endArray() { close("]") }

  private mutating func open(_ bracket: StaticString) {
    separate()
    writer.append(bracket)
    depth += 1
    follows = .opening
  }

  private mutating func close(_ bracket: StaticString) {
    depth -= 1
    if follows == .value { startLine() }
    writer.append(bracket)
    follows = .value
  }

  /// Writes the comma and the line break before a value or a name.
  private mutating func separate() {
    switch follows {
    case .name: return
    case .value:
      writer.append(",")
      startLine()
    case .opening: if depth > 0 { startLine() }
    }
  }

  private mutating func startLine() {
    guard let indent = layout.indent else { return }
    writer.append("\n")
    for _ in 0..<depth * indent { writer.append(" ") }
  }

  // MARK: Names and values

  package mutating func name(_ name: String) {
    separate()
    quote(name)
    writer.append(layout.colon)
    follows = .name
  }

  package mutating func string(_ text: String) {
    separate()
    quote(text)
    follows = .value
  }

  package mutating func secret(_ text: borrowing SecretBytes) {
    separate()
    text.withBytes { quote($0) }
    follows = .value
  }

  /// Writes `text`, which must be a JSON number.
  package mutating func number(_ text: String) {
    separate()
    writer.append(text)
    follows = .value
  }

  package mutating func bool(_ bool: Bool) {
    separate()
    writer.append(bool ? "true" : "false")
    follows = .value
  }

  package mutating func null() {
    separate()
    writer.append("null")
    follows = .value
  }

  /// Writes a value from another JSON text in this layout. Copies names, strings and numbers byte
  /// by byte.
  package mutating func copy(_ value: JSONValue) {
    value.document.withBytes { text in copy(value.index, value.document.nodes, text) }
  }

  private mutating func copy(_ index: Int, _ nodes: [JSONNode], _ text: RawSpan) {
    let node = nodes[index]
    var content = index + 1
    switch node.kind {
    case .object:
      open("{")
      while content < node.next {
        separate()
        copyToken(nodes[content], text)
        writer.append(layout.colon)
        follows = .name
        copy(content + 1, nodes, text)
        content = Int(nodes[content + 1].next)
      }
      close("}")
    case .array:
      open("[")
      while content < node.next {
        copy(content, nodes, text)
        content = Int(nodes[content].next)
      }
      close("]")
    default:
      separate()
      copyToken(node, text)
      follows = .value
    }
  }

  private mutating func copyToken(_ node: JSONNode, _ text: RawSpan) {
    let quote = node.kind == .string ? 1 : 0
    writer.append(text.extracting(node.range.lowerBound - quote..<node.range.upperBound + quote))
  }

  // MARK: Strings

  private mutating func quote(_ text: String) {
    var text = text
    text.withUTF8 { quote(RawSpan(_unsafeElements: $0)) }
  }

  private mutating func quote(_ text: RawSpan) {
    writer.append("\"")
    var start = 0
    var index = 0
    while let byte = text.byte(at: index) {
      if (0x20..<0x7F).contains(byte), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"),
        byte != UInt8(ascii: "/") || !escapes.contains(.slash)
      {
        index += 1
        continue
      }
      let length = byte < 0x80 ? 1 : JSONString.characterLength(at: index, text) ?? 1
      if let escape = escape(at: index, length, text) {
        writer.append(text.extracting(start..<index))
        writer.append(escape)
        start = index + length
      }
      index += length
    }
    writer.append(text.extracting(start..<text.byteCount))
    writer.append("\"")
  }

  /// The escape sequence for a character; nil if the character is not escaped.
  private func escape(at index: Int, _ length: Int, _ text: RawSpan) -> String? {
    switch text.byte(at: index)! {
    case UInt8(ascii: "\""): return "\\\""
    case UInt8(ascii: "\\"): return "\\\\"
    case UInt8(ascii: "/"): return "\\/"
    case 0x08: return "\\b"
    case 0x0C: return "\\f"
    case UInt8(ascii: "\n"): return "\\n"
    case UInt8(ascii: "\r"): return "\\r"
    case UInt8(ascii: "\t"): return "\\t"
    case let byte where byte < 0x20: return Self.escape(UInt16(byte))
    case 0x7F: return escapes.isDisjoint(with: [.delete, .unprintable]) ? nil : "\\u007f"
    default:
      guard escapes.contains(.unprintable) else { return nil }
      let character = text.extracting(index..<index + length).withUnsafeBytes {
        String(decoding: $0, as: UTF8.self)
      }
      guard let scalar = character.unicodeScalars.first, scalar.isUnprintable else { return nil }
      return UTF16.encode(scalar)!.map(Self.escape).joined()
    }
  }

  private static func escape(_ unit: UInt16) -> String {
    let digits = String(unit, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }
}
