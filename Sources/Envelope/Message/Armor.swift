/// The text form of a message: its bytes in base64, 64 columns to a line, between two lines that
/// say what it is. It fits into a shell variable, a mail or a YAML file.
enum Armor {
  static let header = Array("-----BEGIN ENVCRYPT MESSAGE-----".utf8)
  static let footer = Array("-----END ENVCRYPT MESSAGE-----".utf8)
  static let columns = 64
  static let bytesPerLine = 48
  /// The reader gives up on a line of more bytes: no line of armor is nearly as long.
  static let lineLimit = 1024
  /// The most empty lines before the header and after the footer. A sender of endless empty lines
  /// gets an answer.
  static let emptyLineLimit = 1024

  /// Appends `bytes` as lines. All but the last call pass whole lines.
  static func encode(_ bytes: [UInt8], into text: inout [UInt8]) {
    let encoded = Base64.encode(bytes)
    var start = 0
    while start < encoded.count {
      let end = min(start + columns, encoded.count)
      text.append(contentsOf: encoded[start..<end])
      text.append(UInt8(ascii: "\n"))
      start = end
    }
  }

  static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || (9...13).contains(byte)
  }
}

/// Reads armor line by line.
struct ArmorDecoder {
  private enum Stage { case beforeHeader, body, lastLine, afterFooter }
  private var stage = Stage.beforeHeader
  private var emptyLineCount = 0

  /// True after the footer.
  var isComplete: Bool { stage == .afterFooter }

  /// Takes one line without its line feed and appends the bytes that it encodes. Accepts white
  /// space at the end of a line, which mail and Windows add, and nothing else.
  mutating func decode(_ line: ArraySlice<UInt8>, into bytes: inout [UInt8]) throws(MessageError) {
    var line = line
    while let last = line.last, Armor.isSpace(last) { line.removeLast() }
    switch stage {
    case .beforeHeader:
      emptyLineCount += 1
      if line.isEmpty, emptyLineCount <= Armor.emptyLineLimit { return }
      guard line.elementsEqual(Armor.header) else { throw .notAMessage(.other) }
      stage = .body
      emptyLineCount = 0
    case .body where line.first != UInt8(ascii: "-"):
      guard line.count <= Armor.columns, let decoded = Base64.decode(line), !decoded.isEmpty else {
        throw .malformedArmor("a line that is not base64 in \(Armor.columns) columns")
      }
      if line.count < Armor.columns || decoded.count < Armor.bytesPerLine { stage = .lastLine }
      bytes.append(contentsOf: decoded)
    case .body, .lastLine:
      guard line.elementsEqual(Armor.footer) else {
        throw .malformedArmor("more text after the last line")
      }
      stage = .afterFooter
    case .afterFooter:
      emptyLineCount += 1
      guard line.isEmpty, emptyLineCount <= Armor.emptyLineLimit else { throw .trailingData }
    }
  }
}
