/// The message inside armor, by position. Only armor as `ArmorSink` writes it has positions: all
/// lines are full except the last one, and end in a line feed.
///
/// Nothing of the lines that are not read is checked. So confirm what the bytes say by something
/// that depends on the size of the whole.
final class ArmorRegion: PositionalSource {
  private let text: any PositionalSource
  let count: Int64

  private static let start = Int64(Armor.header.count + 1)
  private static let end = Armor.footer + [UInt8(ascii: "\n")]
  private static let lineLength = Int64(Armor.columns + 1)

  /// Nil if `text` is not such armor, as far as its first and its last lines tell.
  init?(_ text: any PositionalSource) throws {
    let count = text.count - Self.start - Int64(Self.end.count)
    let (lines, rest) = count.quotientAndRemainder(dividingBy: Self.lineLength)
    // Of the last line, the line feed does not belong to the base64 text.
    guard count > 0, rest == 0 || rest % 4 == 1 && rest > 1,
      try text.bytes(at: 0, count: Int(Self.start)) == Armor.header + [UInt8(ascii: "\n")],
      try text.bytes(at: text.count - Int64(Self.end.count), count: Self.end.count) == Self.end
    else { return nil }
    let isFull = rest == 0
    let lastStart = Self.start + (isFull ? lines - 1 : lines) * Self.lineLength
    let lastLength = Int(isFull ? Self.lineLength : rest)
    let line = try text.bytes(at: lastStart, count: lastLength)
    guard let last = Self.decode(line) else { return nil }
    self.text = text
    self.count = (isFull ? lines - 1 : lines) * Int64(Armor.bytesPerLine) + Int64(last.count)
  }

  func read(into buffer: inout MutableRawSpan, at position: Int64) throws -> Int {
    let first = position / Int64(Armor.bytesPerLine)
    let lines = Int64((buffer.byteCount - 1) / Armor.bytesPerLine + 2)
    let start = Self.start + first * Self.lineLength
    let end = min(start + lines * Self.lineLength, text.count - Int64(Self.end.count))
    guard buffer.byteCount > 0, position < count, start < end else { return 0 }
    var bytes: [UInt8] = []
    var rest = try text.bytes(at: start, count: Int(end - start))[...]
    while !rest.isEmpty {
      let line = rest.prefix(Int(Self.lineLength))
      guard let decoded = Self.decode(line) else {
        throw MessageError.malformedArmor("a line that is not base64 in \(Armor.columns) columns")
      }
      bytes += decoded
      rest = rest.dropFirst(line.count)
    }
    let part = bytes.dropFirst(Int(position % Int64(Armor.bytesPerLine))).prefix(buffer.byteCount)
    buffer.withUnsafeMutableBytes { $0.copyBytes(from: part) }
    return part.count
  }

  func finish(at position: Int64) {}

  /// The bytes of a line that ends in a line feed; nil if it is not such a line.
  private static func decode(_ line: some BidirectionalCollection<UInt8>) -> [UInt8]? {
    guard line.last == UInt8(ascii: "\n") else { return nil }
    return Base64.decode(line.dropLast())
  }
}
