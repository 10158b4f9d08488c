/// A sink that writes a message as armor: a header line, base64 in lines of 64 characters, and a
/// footer line. The specification does not have armor; this package adds it.
///
/// `finish` completes the armor. Readers detect armor themselves.
public final class ArmorSink: ByteSink {
  private let sink: any ByteSink
  /// Bytes that do not fill a line yet.
  private var pending: [UInt8] = []
  private var text = Armor.header + [UInt8(ascii: "\n")]

  /// Writes the text to `sink`.
  public init(_ sink: any ByteSink) { self.sink = sink }

  /// True if the sink of the text discards on failure.
  public var discardsOnFailure: Bool { sink.discardsOnFailure }

  /// Calls `body` with a sink that writes armor to `sink` if `isArmored`, otherwise with `sink`
  /// itself.
  package static func wrapping<Result>(
    _ sink: any ByteSink, if isArmored: Bool, _ body: (any ByteSink) throws -> Result
  ) throws -> Result {
    guard isArmored else { return try body(sink) }
    let armor = ArmorSink(sink)
    let result = try body(armor)
    try armor.finish()
    return result
  }

  /// Writes the whole lines that `bytes` complete. Throws the errors of the sink.
  public func write(_ bytes: RawSpan) throws {
    bytes.withUnsafeBytes { pending.append(contentsOf: $0) }
    let whole = pending.count / Armor.bytesPerLine * Armor.bytesPerLine
    Armor.encode(Array(pending[..<whole]), into: &text)
    pending.removeFirst(whole)
    try flush()
  }

  /// Writes the last line and the footer. Call once, after the message. Throws the errors of the
  /// sink.
  public func finish() throws {
    Armor.encode(pending, into: &text)
    text.append(contentsOf: Armor.footer + [UInt8(ascii: "\n")])
    try flush()
  }

  private func flush() throws {
    let text = text
    self.text.removeAll(keepingCapacity: true)
    try sink.write(text.span.bytes)
  }
}

/// A source that reads the message inside armor.
final class ArmorSource: ByteSource {
  private let source: any ByteSource
  private var decoder = ArmorDecoder()
  private var chunk = [UInt8](repeating: 0, count: 64 << 10)
  /// The beginning of a line, until its end arrives.
  private var line: [UInt8] = []
  private var bytes: [UInt8] = []
  private var offset = 0

  init(_ source: any ByteSource) { self.source = source }

  // A line of 64 characters and a line feed encodes 48 bytes. The last line may be shorter.
  var expectedCount: Int64? { source.expectedCount.map { $0 / 65 * 48 + 48 } }

  func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness {
    offset < bytes.count ? .ready : source.wait(milliseconds: milliseconds, unless: cancellation)
  }

  func read(into buffer: inout MutableRawSpan) throws -> Int {
    while offset == bytes.count {
      guard try decodeMore() else { return 0 }
    }
    let count = min(bytes.count - offset, buffer.byteCount)
    let piece = bytes[offset..<offset + count]
    buffer.withUnsafeMutableBytes { $0.copyBytes(from: piece) }
    offset += count
    return count
  }

  /// Decodes the bytes of one read; false if the armor has ended.
  private func decodeMore() throws -> Bool {
    bytes.removeAll(keepingCapacity: true)
    offset = 0
    let count = try readChunk()
    if count == 0 {
      // The last line may lack its line feed.
      if !line.isEmpty { try decodeLine() }
      guard decoder.isComplete else { throw MessageError.truncated }
      return !bytes.isEmpty
    }
    var start = 0
    while let end = chunk[start..<count].firstIndex(of: UInt8(ascii: "\n")) {
      line.append(contentsOf: chunk[start..<end])
      try decodeLine()
      start = end + 1
    }
    line.append(contentsOf: chunk[start..<count])
    guard line.count <= Armor.lineLimit else {
      throw MessageError.malformedArmor("a line of more than \(Armor.lineLimit) bytes")
    }
    return true
  }

  private func decodeLine() throws(MessageError) {
    try decoder.decode(line[...], into: &bytes)
    line.removeAll(keepingCapacity: true)
  }

  private func readChunk() throws -> Int {
    let source = source
    return try chunk.withUnsafeMutableBytes {
      var span = MutableRawSpan(_unsafeBytes: $0)
      return try source.read(into: &span)
    }
  }
}
