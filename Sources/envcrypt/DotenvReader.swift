import Envelope

/// A reader of lines `NAME=value`. docs/secrets.md has its rules. What the programs that read such
/// files understand in different ways is refused.
struct DotenvReader {
  private var variables: [SecretVariable] = []
  private var offset = 0
  private var line = 1
  /// The line in which the current variable begins.
  private var firstLine = 1

  /// Throws `VariableError`.
  static func read(_ text: RawSpan) throws -> [SecretVariable] {
    var reader = DotenvReader()
    try reader.readLines(text)
    return reader.variables
  }

  private mutating func readLines(_ text: RawSpan) throws {
    if text.holds(0xEF, at: 0), text.holds(0xBB, at: 1), text.holds(0xBF, at: 2) { offset = 3 }
    while offset < text.byteCount {
      skipBlanks(text)
      if try !isLineEnd(text) {
        if text.holds("#", at: offset) { skipComment(text) } else { try readVariable(text) }
      }
      skipLineEnd(text)
    }
  }

  // MARK: Parts of a line

  private mutating func readVariable(_ text: RawSpan) throws {
    firstLine = line
    var name = readWord(text)
    if name == "export", isBlank(text) {
      skipBlanks(text)
      name = readWord(text)
    }
    guard SecretVariable.isName(name.utf8), text.holds("=", at: offset) else {
      throw failure("expected NAME=value; \(SecretVariables.nameRule)")
    }
    offset += 1
    skipBlanks(text)
    if text.holds("'", at: offset) || text.holds("\"", at: offset) {
      try readQuoted(name, text)
    } else {
      try readPlain(name, text)
    }
  }

  private mutating func readWord(_ text: RawSpan) -> String {
    let start = offset
    while let byte = text.byte(at: offset), SecretVariable.isOfName(byte) { offset += 1 }
    return text.extracting(start..<offset).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  /// Reads a value without quotes: up to the end of the line, without blanks around it.
  private mutating func readPlain(_ name: String, _ text: RawSpan) throws {
    let start = offset
    var end = offset
    while try !isLineEnd(text) {
      guard !text.holds("#", at: offset) || end == offset && offset > start else {
        throw failure(
          "'#' after a blank in \(name), which some programs take for a comment: put the value in "
            + "quotes, or the comment on its own line")
      }
      try check(name, text)
      offset += 1
      if !isBlank(text, at: offset - 1) { end = offset }
    }
    add(name, start..<end, text)
  }

  /// Reads a value in quotes, which may contain line ends, and what follows it.
  private mutating func readQuoted(_ name: String, _ text: RawSpan) throws {
    let quote = text.byte(at: offset)!
    let hasEscapes = quote == UInt8(ascii: "\"")
    offset += 1
    let start = offset
    while text.byte(at: offset) != quote {
      guard offset < text.byteCount else {
        throw VariableError(line: firstLine, reason: "the quote of \(name) has no end")
      }
      try check(name, text)
      if try isLineEnd(text) {
        skipLineEnd(text)
      } else if hasEscapes, text.holds("\\", at: offset) {
        guard text.byte(at: offset + 1).flatMap(Self.escaped) != nil else {
          throw failure(
            "unknown escape sequence in \(name): there are \\n, \\r, \\t, \\\\, \\\", \\$ and \\`; "
              + "single quotes keep every \\")
        }
        offset += 2
      } else {
        offset += 1
      }
    }
    add(name, start..<offset, text, escapes: hasEscapes)
    offset += 1
    let hasBlank = isBlank(text)
    skipBlanks(text)
    if try isLineEnd(text) { return }
    guard hasBlank, text.holds("#", at: offset) else {
      throw failure("text after the closing quote of \(name)")
    }
    skipComment(text)
  }

  private mutating func skipComment(_ text: RawSpan) {
    while let byte = text.byte(at: offset), byte != UInt8(ascii: "\n") { offset += 1 }
  }

  private mutating func skipBlanks(_ text: RawSpan) {
    while isBlank(text) { offset += 1 }
  }

  private mutating func skipLineEnd(_ text: RawSpan) {
    if text.holds("\r", at: offset) { offset += 1 }
    if text.holds("\n", at: offset) {
      offset += 1
      line += 1
    }
  }

  // MARK: Bytes

  private func isBlank(_ text: RawSpan, at offset: Int? = nil) -> Bool {
    let offset = offset ?? self.offset
    return text.holds(" ", at: offset) || text.holds("\t", at: offset)
  }

  /// True at a line feed, at a carriage return and a line feed, and at the end of the text.
  private func isLineEnd(_ text: RawSpan) throws -> Bool {
    guard text.holds("\r", at: offset) else {
      return offset == text.byteCount || text.holds("\n", at: offset)
    }
    guard text.holds("\n", at: offset + 1) else {
      throw failure("a carriage return inside a line: write \\r in double quotes")
    }
    return true
  }

  private func check(_ name: String, _ text: RawSpan) throws {
    if text.holds(0, at: offset) { throw failure("\(name) \(SecretVariables.nulRule)") }
  }

  /// Returns the byte that `\` and `byte` mean in double quotes.
  private static func escaped(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "$"), UInt8(ascii: "`"): byte
    default: nil
    }
  }

  private func failure(_ reason: String) -> VariableError {
    VariableError(line: line, reason: reason)
  }

  private mutating func add(
    _ name: String, _ range: Range<Int>, _ text: RawSpan, escapes: Bool = false
  ) {
    let value = SecretVariable(name, line: firstLine, capacity: range.count) { target in
      var (from, count) = (range.lowerBound, 0)
      while from < range.upperBound {
        var byte = text.byte(at: from)!
        from += 1
        // A line end in quotes is a line feed in the value.
        if byte == UInt8(ascii: "\r") { continue }
        if escapes, byte == UInt8(ascii: "\\") {
          byte = text.byte(at: from).flatMap(Self.escaped)!
          from += 1
        }
        target[count] = byte
        count += 1
      }
      return count
    }
    variables.append(value)
  }
}

extension RawSpan {
  /// The byte at `offset`; nil at the end.
  fileprivate func byte(at offset: Int) -> UInt8? {
    offset < byteCount ? unsafeLoad(fromByteOffset: offset, as: UInt8.self) : nil
  }

  fileprivate func holds(_ byte: UInt8, at offset: Int) -> Bool { self.byte(at: offset) == byte }

  fileprivate func holds(_ character: Unicode.Scalar, at offset: Int) -> Bool {
    byte(at: offset) == UInt8(ascii: character)
  }
}
