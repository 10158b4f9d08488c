/// A value of a TOML file.
enum TOMLValue: Equatable, Sendable {
  case string(String)
  case integer(Int64)
  case boolean(Bool)
  case strings([String])

  /// The kind of the value in a message.
  var kind: String {
    switch self {
    case .string: "a string"
    case .integer: "an integer"
    case .boolean: "a boolean"
    case .strings: "an array"
    }
  }
}

/// A key of a TOML file with its value.
struct TOMLEntry: Equatable, Sendable {
  let key: String
  let value: TOMLValue
  /// Counted from 1.
  let line: Int
}

/// A fault in a TOML file.
struct TOMLError: Error, Equatable {
  let line: Int
  let reason: String
}

/// A reader of a part of TOML 1.0: keys with strings of one line, integers, booleans and arrays of
/// strings. Tables and the other types are refused. What it reads means the same to every reader of
/// TOML, and what is not TOML it does not read.
struct TOMLReader {
  private let bytes: [UInt8]
  private var index = 0
  private var line = 1

  /// All entries, in order. Throws for a key that is there twice.
  static func read(_ bytes: [UInt8]) throws(TOMLError) -> [TOMLEntry] {
    var reader = try TOMLReader(bytes)
    return try reader.entries()
  }

  private init(_ bytes: [UInt8]) throws(TOMLError) {
    self.bytes = bytes
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw TOMLError(line: Self.firstBadLine(of: bytes), reason: "this is not UTF-8")
    }
    // A byte order mark, which some editors write.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
  }

  private static func firstBadLine(of bytes: [UInt8]) -> Int {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return 1 + (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0)
  }

  private mutating func entries() throws(TOMLError) -> [TOMLEntry] {
    var entries: [TOMLEntry] = []
    var keys: [String: Int] = [:]
    while true {
      try skipEmptyLines()
      guard let byte = current else { return entries }
      if byte == UInt8(ascii: "[") { throw fault("tables are not supported here") }
      let start = line
      let key = try key()
      if let first = keys.updateValue(start, forKey: key) {
        throw fault("'\(key)' is already in line \(first)")
      }
      guard skip("=") else { throw fault("a key without '='") }
      skipSpaces()
      entries.append(TOMLEntry(key: key, value: try value(), line: start))
      try endLine()
    }
  }

  // MARK: Lines

  private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

  private func fault(_ reason: String) -> TOMLError { TOMLError(line: line, reason: reason) }

  /// Skips the byte if it is next.
  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard current == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  /// True if the text is next.
  private func isNext(_ text: StaticString) -> Bool {
    text.withUTF8Buffer { bytes[index...].starts(with: $0) }
  }

  private mutating func skipSpaces() {
    while current == UInt8(ascii: " ") || current == UInt8(ascii: "\t") { index += 1 }
  }

  /// Skips the end of a line, LF or CR LF. Returns false if another byte is next.
  private mutating func skipLineEnd() throws(TOMLError) -> Bool {
    if skip("\r") {
      guard current == UInt8(ascii: "\n") else { throw fault("a carriage return in a line") }
    }
    guard skip("\n") else { return false }
    line += 1
    return true
  }

  /// Skips spaces, comments and ends of lines.
  private mutating func skipEmptyLines() throws(TOMLError) {
    repeat {
      skipSpaces()
      try skipComment()
    } while try skipLineEnd()
  }

  /// Skips a comment up to the end of its line.
  private mutating func skipComment() throws(TOMLError) {
    guard skip("#") else { return }
    while let byte = current, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") {
      guard !Self.isControl(byte) else { throw fault("a control character in a comment") }
      index += 1
    }
  }

  /// Skips what may follow a value: spaces, a comment, and the end of the line.
  private mutating func endLine() throws(TOMLError) {
    skipSpaces()
    try skipComment()
    guard try skipLineEnd() || current == nil else { throw fault("more after the value") }
  }

  /// True for the characters that stand in no string and no comment.
  private static func isControl(_ byte: UInt8) -> Bool {
    byte < 0x20 && byte != UInt8(ascii: "\t") || byte == 0x7F
  }

  // MARK: Keys and values

  private mutating func key() throws(TOMLError) -> String {
    let key: String
    if current == UInt8(ascii: "\"") || current == UInt8(ascii: "'") {
      key = try string()
    } else {
      let start = index
      while let byte = current, Self.isBare(byte) { index += 1 }
      guard index > start else {
        throw fault("a key is expected here, like: key = \"alias/backup\"")
      }
      key = String(decoding: bytes[start..<index], as: UTF8.self)
    }
    skipSpaces()
    if current == UInt8(ascii: ".") {
      throw fault("a key with a dot, as for tables, is not supported here")
    }
    return key
  }

  private static func isBare(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private mutating func value() throws(TOMLError) -> TOMLValue {
    switch current {
    case nil, UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "#"):
      throw fault("a key without a value")
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try string())
    case UInt8(ascii: "["): return .strings(try array())
    case UInt8(ascii: "{"): throw fault("tables are not supported here")
    default: return try word()
    }
  }

  private mutating func array() throws(TOMLError) -> [String] {
    var strings: [String] = []
    let start = line
    guard skip("[") else { return [] }
    while true {
      try skipEmptyLines()
      if skip("]") { return strings }
      switch current {
      case nil: throw TOMLError(line: start, reason: "an array without its end: ']'")
      case UInt8(ascii: "\""), UInt8(ascii: "'"): strings.append(try string())
      default: throw fault("an array of something else than strings is not supported here")
      }
      try skipEmptyLines()
      if skip(",") { continue }
      guard current == nil || current == UInt8(ascii: "]") else {
        throw fault("a comma or ']' is expected after a string of an array")
      }
    }
  }

  /// Reads a value without quotes.
  private mutating func word() throws(TOMLError) -> TOMLValue {
    let start = index
    while let byte = current, byte > 0x20, byte != UInt8(ascii: "#"), byte != UInt8(ascii: ",") {
      index += 1
    }
    let word = String(decoding: bytes[start..<index], as: UTF8.self)
    if word == "true" { return .boolean(true) }
    if word == "false" { return .boolean(false) }
    return .integer(try TOMLInteger.value(of: word, line: line))
  }

  // MARK: Strings

  private mutating func string() throws(TOMLError) -> String {
    if isNext("\"\"\"") || isNext("'''") {
      throw fault("strings of several lines are not supported here")
    }
    return skip("'") ? try literalString() : try basicString()
  }

  private mutating func literalString() throws(TOMLError) -> String {
    let start = index
    while try current(in: "a literal string") != UInt8(ascii: "'") { index += 1 }
    defer { index += 1 }
    return String(decoding: bytes[start..<index], as: UTF8.self)
  }

  private mutating func basicString() throws(TOMLError) -> String {
    index += 1
    var text: [UInt8] = []
    while true {
      let byte = try current(in: "a string")
      index += 1
      if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
      if byte == UInt8(ascii: "\\") {
        text.append(contentsOf: String(try escape()).utf8)
      } else {
        text.append(byte)
      }
    }
  }

  /// Returns the next byte of a string. Throws if the string ends before its quote.
  private func current(in noun: String) throws(TOMLError) -> UInt8 {
    guard let byte = current, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") else {
      throw fault("\(noun) without its end")
    }
    guard !Self.isControl(byte) else { throw fault("a control character in \(noun)") }
    return byte
  }

  /// Reads the rest of an escape after its backslash.
  private mutating func escape() throws(TOMLError) -> Unicode.Scalar {
    let byte = try current(in: "a string")
    index += 1
    switch byte {
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "u"): return try scalar(digits: 4)
    case UInt8(ascii: "U"): return try scalar(digits: 8)
    default: throw fault("an unknown escape; a backslash is written \\\\, or the string in '…'")
    }
  }

  private mutating func scalar(digits count: Int) throws(TOMLError) -> Unicode.Scalar {
    let digits = bytes[index...].prefix(count)
    guard digits.count == count, digits.allSatisfy({ TOMLInteger.digit($0) < 16 }),
      let number = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
      let scalar = Unicode.Scalar(number)
    else { throw fault("an escape that is not a character: \\u needs 4 digits, \\U needs 8") }
    index += count
    return scalar
  }
}

/// Integers of TOML: decimal, or hexadecimal, octal or binary with a prefix; with underscores
/// between digits.
enum TOMLInteger {
  static func value(of word: String, line: Int) throws(TOMLError) -> Int64 {
    let bytes = Array(word.utf8)
    let radixes: [(prefix: String, radix: UInt8)] = [("0x", 16), ("0o", 8), ("0b", 2)]
    let other = radixes.first { word.hasPrefix($0.prefix) }
    let isSigned = bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+")
    let digits = bytes.dropFirst(other != nil ? 2 : isSigned ? 1 : 0)
    let radix = other?.radix ?? 10
    let parts = digits.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { digit($0) < radix } }),
      other != nil || digits.count == 1 || digits.first != UInt8(ascii: "0")
    else {
      throw TOMLError(
        line: line,
        reason: "a value is a string in quotes, an integer, true, false, or an array of strings")
    }
    let sign = bytes.first == UInt8(ascii: "-") ? "-" : ""
    let text = sign + String(decoding: parts.joined(), as: UTF8.self)
    guard let number = Int64(text, radix: Int(radix)) else {
      throw TOMLError(line: line, reason: "an integer that is too large")
    }
    return number
  }

  /// The value of a digit, of any radix up to 16; 255 for other bytes.
  static func digit(_ byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: 255
    }
  }
}
