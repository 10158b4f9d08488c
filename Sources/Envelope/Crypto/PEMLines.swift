/// A reader of the lines of PEM text, in order.
struct PEMLines {
  private var start = 0
  /// The number of the last line that was read, counted from 1.
  private(set) var number = 0

  /// A line: its range in the text, without surrounding white space.
  struct Line {
    let range: Range<Int>
  }

  /// The next line; nil after the last one.
  mutating func next(of text: borrowing SecretBytes) -> Line? {
    guard start < text.count else { return nil }
    let from = start
    let isFirst = number == 0
    var (line, next) = (0..<0, 0)
    text.withBytes { bytes in
      func byte(_ index: Int) -> UInt8 { bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self) }
      func isSpace(_ index: Int) -> Bool { [9, 11, 12, 13, 32].contains(byte(index)) }
      var end = from
      while end < bytes.byteCount, byte(end) != UInt8(ascii: "\n") { end += 1 }
      next = end + 1
      var begin = from
      // A byte order mark, which some editors write at the start of a UTF-8 file.
      if isFirst, end >= 3, (byte(0), byte(1), byte(2)) == (0xEF, 0xBB, 0xBF) { begin = 3 }
      while begin < end, isSpace(begin) { begin += 1 }
      while end > begin, isSpace(end - 1) { end -= 1 }
      line = begin..<end
    }
    start = next
    number += 1
    return Line(range: line)
  }
}

extension PEMLines.Line {
  enum Kind: Equatable {
    case blank
    case begin(String)
    case end(String)
    /// A line that begins with '#'.
    case comment
    /// Explanatory text.
    case text
    /// A line that looks like a damaged BEGIN or END line, or like base64 outside a block.
    case damaged
    /// A line with control characters.
    case binary
  }

  func kind(in text: borrowing SecretBytes) -> Kind {
    if range.isEmpty { return .blank }
    if let label = label(after: "-----BEGIN ", in: text) { return .begin(label) }
    if let label = label(after: "-----END ", in: text) { return .end(label) }
    let isText = allBytes(in: text) { $0 >= 0x20 && $0 != 0x7F || $0 == 9 }
    if !isText { return .binary }
    if begins(with: "#", in: text) { return .comment }
    let isBody = range.count >= 40 && allBytes(in: text, satisfy: Self.isBase64)
    return isBody || contains("BEGIN ", in: text) || contains("END ", in: text) ? .damaged : .text
  }

  /// The line, as an ordinary array: for text that is not secret.
  func bytes(in text: borrowing SecretBytes) -> [UInt8] { withBytes(in: text) { Array($0) } }

  func contains(_ wanted: String, in text: borrowing SecretBytes) -> Bool {
    let wanted = Array(wanted.utf8)
    return withBytes(in: text) { line in
      line.indices.contains { line[$0...].starts(with: wanted) }
    }
  }

  private func begins(with wanted: String, in text: borrowing SecretBytes) -> Bool {
    withBytes(in: text) { $0.starts(with: wanted.utf8) }
  }

  /// The label of a BEGIN or END line.
  private func label(after beginning: String, in text: borrowing SecretBytes) -> String? {
    withBytes(in: text) { line in
      guard line.starts(with: beginning.utf8), line.reversed().starts(with: "-----".utf8) else {
        return nil
      }
      let label = line.dropFirst(beginning.utf8.count).dropLast(5)
      let isLabel = !label.isEmpty && label.allSatisfy { (0x20..<0x7F).contains($0) }
      return isLabel ? String(decoding: label, as: UTF8.self) : nil
    }
  }

  private func allBytes(
    in text: borrowing SecretBytes, satisfy condition: (UInt8) -> Bool
  ) -> Bool {
    withBytes(in: text) { $0.allSatisfy(condition) }
  }

  private func withBytes<Result>(
    in text: borrowing SecretBytes, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    text.withBytes { bytes in bytes.extracting(range).withUnsafeBytes { body($0) } }
  }

  private static func isBase64(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"),
      UInt8(ascii: "="):
      true
    default: false
    }
  }
}
