/// The limits for reading a JSON text. The caller limits the size of the text.
package struct JSONLimits: Sendable {
  /// The greatest nesting depth of objects and arrays.
  package var depth = 64
  /// The greatest number of values and member names. Each takes 24 bytes of memory.
  package var values = 1 << 19
  /// True if a byte order mark before the text is skipped. RFC 8259 leaves this to the reader.
  package var allowsByteOrderMark = false

  package init() {}

  package init(depth: Int, values: Int) {
    self.depth = depth
    self.values = values
  }
}

/// A JSON text that was checked completely, and an index of its values. A value is copied out of
/// the text only when it is read.
package final class JSONDocument: Sendable {
  enum Source: Sendable {
    case plain([UInt8])
    case secret(SecretText)
  }

  private let source: Source
  let nodes: [JSONNode]

  /// Throws `JSONError`.
  init(_ source: Source, limits: JSONLimits = JSONLimits()) throws(JSONError) {
    self.source = source
    var reader = JSONReader(limits)
    try Self.withBytes(of: source) { (text) throws(JSONError) in try reader.read(text) }
    nodes = reader.nodes
  }

  /// Throws `JSONError`.
  package convenience init(
    _ text: String, limits: JSONLimits = JSONLimits()
  ) throws(JSONError) {
    try self.init(.plain(Array(text.utf8)), limits: limits)
  }

  /// Throws `JSONError`.
  package convenience init(
    secret text: consuming SecretBytes, limits: JSONLimits = JSONLimits()
  ) throws(JSONError) {
    try self.init(.secret(SecretText(text)), limits: limits)
  }

  /// The outermost value.
  package var root: JSONValue { JSONValue(document: self, index: 0) }

  /// Lends the text to `body`.
  func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try Self.withBytes(of: source, body)
  }

  private static func withBytes<Result: ~Copyable, Failure: Error>(
    of source: Source, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch source {
    case .plain(let bytes): try body(bytes.span.bytes)
    case .secret(let text): try text.bytes.withBytes(body)
    }
  }
}

/// The place of a value, or of the name of a member, in a text. The node of its value follows the
/// node of a name. The nodes of its content follow the node of an object or array.
struct JSONNode: Sendable {
  enum Kind: UInt8, Sendable { case object, array, string, number, `true`, `false`, null }

  let kind: Kind
  /// True if the string contains escape sequences.
  var hasEscapes = false
  /// The offset of the first byte; for a string, the first byte after the opening quote.
  let start: UInt32
  /// The offset after the last byte; for a string, the offset of the closing quote.
  var end: UInt32
  /// The index of the first node after the nodes of this value.
  var next: UInt32
  let line: UInt32
  let column: UInt32

  var range: Range<Int> { Int(start)..<Int(end) }
  var position: JSONPosition { JSONPosition(line: Int(line), column: Int(column)) }
}
