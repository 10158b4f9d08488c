/// Writes a message as armor.
public final class ArmorSink: ByteSink {
  private let sink: any ByteSink
  /// Bytes that do not fill a line yet.
  private var pending: [UInt8] = []
  private var text = Armor.header + [UInt8(ascii: "\n")]

  public init(_ sink: any ByteSink) { self.sink = sink }

  public var discardsOnFailure: Bool { sink.discardsOnFailure }

  public func write(_ bytes: RawSpan) throws {
    bytes.withUnsafeBytes { pending.append(contentsOf: $0) }
    let whole = pending.count / Armor.bytesPerLine * Armor.bytesPerLine
    Armor.encode(Array(pending[..<whole]), into: &text)
    pending.removeFirst(whole)
    try flush()
  }

  /// Writes the last line and the footer.
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

/// Reads the message inside armor.
final class ArmorSource: ByteSource {
  private let source: any ByteSource
  private var decoder = ArmorDecoder()
  private var text: [UInt8] = []
  private var bytes: [UInt8] = []
  private var offset = 0

  init(_ source: any ByteSource) { self.source = source }

  var expectedCount: Int64? { source.expectedCount.map { $0 / 65 * 48 + 48 } }

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

  /// Decodes what one read brings; false where the armor has ended.
  private func decodeMore() throws -> Bool {
    bytes.removeAll(keepingCapacity: true)
    offset = 0
    let start = text.count
    text.append(contentsOf: repeatElement(0, count: 64 << 10))
    let count = try readText(from: start)
    text.removeLast(text.count - start - count)
    var line = 0
    var index = start
    while index < text.count {
      if text[index] == UInt8(ascii: "\n") {
        try decoder.decode(text[line..<index], into: &bytes)
        line = index + 1
      }
      index += 1
    }
    if count == 0 {
      if line < text.count { try decoder.decode(text[line...], into: &bytes) }
      text.removeAll()
      if bytes.isEmpty {
        guard decoder.isComplete else { throw MessageError.truncated }
        return false
      }
      return true
    }
    text.removeFirst(line)
    guard text.count <= Armor.lineLimit else {
      throw MessageError.malformedArmor("a line of more than \(Armor.lineLimit) bytes")
    }
    return true
  }

  private func readText(from start: Int) throws -> Int {
    var text = text
    self.text = []
    defer { self.text = text }
    return try text.withUnsafeMutableBytes {
      var span = MutableRawSpan(_unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: $0[start...]))
      return try source.read(into: &span)
    }
  }
}
