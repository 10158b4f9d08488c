/// Functions that look at the first bytes of an input: is it a binary message, an armored one, or
/// something else?
enum MessageSource {
  /// Returns a source of the binary message in `source`, and true if it was armored.
  static func detect(_ source: any ByteSource) throws -> (source: any ByteSource, isArmored: Bool) {
    let peeked = try PeekedSource(source)
    guard let first = peeked.first, first == UInt8(ascii: "-") || Armor.isSpace(first) else {
      return (peeked, false)
    }
    return (ArmorSource(peeked), true)
  }

  /// Returns the error for bytes that do not begin with a known version of the format.
  static func explain(version: UInt8, prefix: RawSpan) -> MessageError {
    // Version numbers begin at 1. So a small number is a later version of the format, and a large
    // number is the first byte of another format.
    if (3...15).contains(version) { return .unsupportedVersion(version) }
    let bytes = prefix.withUnsafeBytes { Array($0) }
    let text = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    // The base64 text of a message begins with "AYA" or "AYB" (version 1), or with "Ag" (version
    // 2).
    let starts = [Array("AYA".utf8), Array("AYB".utf8), Array("Ag".utf8)]
    let whole = Array(text.prefix(text.count / 4 * 4))
    let isBase64 = starts.contains { text.starts(with: $0) } && Base64.decode(whole) != nil
    return .notAMessage(isBase64 ? .base64 : .other)
  }
}

/// A source whose first bytes were read in advance.
private final class PeekedSource: ByteSource {
  private let source: any ByteSource
  private var head: ArraySlice<UInt8>

  init(_ source: any ByteSource) throws {
    self.source = source
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = try Self.read(source, into: &bytes)
    head = bytes[..<count]
  }

  var first: UInt8? { head.first }

  var expectedCount: Int64? { source.expectedCount }

  var positional: (any PositionalSource)? { source.positional }

  func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness {
    head.isEmpty ? source.wait(milliseconds: milliseconds, unless: cancellation) : .ready
  }

  func read(into buffer: inout MutableRawSpan) throws -> Int {
    if head.isEmpty { return try source.read(into: &buffer) }
    let count = min(head.count, buffer.byteCount)
    let head = head
    buffer.withUnsafeMutableBytes { $0.copyBytes(from: head.prefix(count)) }
    self.head = head.dropFirst(count)
    return count
  }

  private static func read(_ source: any ByteSource, into bytes: inout [UInt8]) throws -> Int {
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    return try source.read(into: &raw)
  }
}
