/// How much of a JSON text is read. The caller bounds its size.
package struct JSONLimits: Sendable {
  /// How deep objects and arrays may be nested.
  package var depth = 64
  /// The largest number of values and names of members. Each takes 24 bytes of memory.
  package var values = 1 << 19
  /// True if a byte order mark before the text is skipped. RFC 8259 leaves this to the reader.
  package var allowsByteOrderMark = false

  package init() {}

  package init(depth: Int, values: Int) {
    self.depth = depth
    self.values = values
  }
}

/// A JSON text that was checked from end to end, and an index of its values. Nothing is copied out of the
/// text until a value is asked for.
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

  /// Lends the text for the length of `body`.
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

/// The place of a value, or of the name of a member, in a text. The node of a name is followed by the node
/// of its value, and the node of an object or array by the nodes of its content.
struct JSONNode: Sendable {
  enum Kind: UInt8, Sendable { case object, array, string, number, `true`, `false`, null }

  let kind: Kind
  /// True if the string has escape sequences in it.
  var hasEscapes = false
  /// The offset of the first byte; of a string, after the quote.
  let start: UInt32
  /// The offset after the last byte; of a string, of the closing quote.
  var end: UInt32
  /// The number of the first node that is not part of the value.
  var next: UInt32
  let line: UInt32
  let column: UInt32

  var range: Range<Int> { Int(start)..<Int(end) }
  var position: JSONPosition { JSONPosition(line: Int(line), column: Int(column)) }
}
