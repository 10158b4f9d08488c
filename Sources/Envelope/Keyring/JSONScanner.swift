/// Reads JSON (RFC 8259) where it lies. A decoder that makes strings of everything would leave
/// copies of the keys in it.
struct JSONScanner: ~Copyable {
  /// Arrays and objects in one another, at most.
  private static let depthLimit = 32

  private let text: SecretBytes
  private var position = 0
  private var depth = 0

  init(_ text: consuming SecretBytes) { self.text = text }

  /// What is wrong with the text itself, or with a value's type.
  enum Failure: Error { case notJSON, wrongType, wrongValue }

  // MARK: Structure

  /// Hands each member's name to `body`, which reads the value.
  mutating func object(
    _ body: (inout JSONScanner, String) throws -> Void
  ) throws {
    try enter(UInt8(ascii: "{"))
    var isFirst = true
    while try next(closing: UInt8(ascii: "}"), isFirst: &isFirst) {
      guard peek() == UInt8(ascii: "\"") else { throw Failure.notJSON }
      let name = try string()
      try take(UInt8(ascii: ":"))
      try body(&self, name)
    }
  }

  /// Has `body` read each element.
  mutating func array(_ body: (inout JSONScanner, Int) throws -> Void) throws {
    try enter(UInt8(ascii: "["))
    var isFirst = true
    var index = 0
    while try next(closing: UInt8(ascii: "]"), isFirst: &isFirst) {
      try body(&self, index)
      index += 1
    }
  }

  /// Nothing but white space is left.
  mutating func end() throws { guard peek() == nil else { throw Failure.notJSON } }

  private mutating func enter(_ bracket: UInt8) throws {
    try expect(bracket)
    depth += 1
    guard depth <= Self.depthLimit else { throw Failure.notJSON }
    position += 1
  }

  private mutating func next(closing: UInt8, isFirst: inout Bool) throws -> Bool {
    if peek() == closing {
      position += 1
      depth -= 1
      return false
    }
    if !isFirst { try take(UInt8(ascii: ",")) }
    isFirst = false
    return true
  }

  // MARK: Values

  mutating func string() throws -> String {
    let bytes = try secret()
    let text = bytes.withBytes { span in
      span.withUnsafeBytes { String(validating: $0, as: UTF8.self) }
    }
    guard let text else { throw Failure.notJSON }
    return text
  }

  /// A string's UTF-8, of which no copy stays behind.
  mutating func secret() throws -> SecretBytes {
    try expect(UInt8(ascii: "\""))
    position += 1
    // What escapes stand for is never longer than they are.
    var end = position
    while let byte = byte(at: end), byte != UInt8(ascii: "\"") {
      end += byte == UInt8(ascii: "\\") ? 2 : 1
    }
    guard byte(at: end) != nil else { throw Failure.notJSON }
    var bytes = SecretBytes(count: end - position) { _ in }
    var count = 0
    while position < end {
      let byte = byte(at: position)!
      guard byte >= 0x20 else { throw Failure.notJSON }
      position += 1
      if byte != UInt8(ascii: "\\") {
        Self.put(byte, in: &bytes, at: &count)
      } else {
        let scalar = try escape()
        for byte in UTF8.encode(scalar)! { Self.put(byte, in: &bytes, at: &count) }
      }
    }
    position = end + 1
    return bytes.prefix(count)
  }

  mutating func integer() throws -> Int {
    guard let first = peek() else { throw Failure.notJSON }
    guard first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else {
      throw Failure.wrongType
    }
    guard let number = Int(word()) else { throw Failure.wrongValue }
    return number
  }

  /// Whether `null` was next, which is passed over.
  mutating func skipNull() throws -> Bool {
    guard peek() == UInt8(ascii: "n") else { return false }
    guard word() == "null" else { throw Failure.notJSON }
    return true
  }

  /// Passes over a value.
  mutating func skip() throws {
    switch peek() {
    case UInt8(ascii: "{"): try object { scanner, _ in try scanner.skip() }
    case UInt8(ascii: "["): try array { scanner, _ in try scanner.skip() }
    case UInt8(ascii: "\""): _ = try secret()
    default:
      let word = word()
      let isKnown = ["null", "true", "false"].contains(word)
      guard isKnown || Double(word) != nil else { throw Failure.notJSON }
    }
  }

  /// The next byte that is no white space.
  mutating func peek() -> UInt8? {
    while let byte = byte(at: position) {
      guard byte == 0x20 || (0x09...0x0A).contains(byte) || byte == 0x0D else { return byte }
      position += 1
    }
    return nil
  }

  /// Throws unless a value comes next that begins so.
  private mutating func expect(_ first: UInt8) throws {
    guard let found = peek(), "{[\"-0123456789tfn".utf8.contains(found) else {
      throw Failure.notJSON
    }
    guard found == first else { throw Failure.wrongType }
  }

  // MARK: Bytes

  private borrowing func byte(at position: Int) -> UInt8? {
    guard position < text.count else { return nil }
    return text.withBytes { $0.unsafeLoad(fromByteOffset: position, as: UInt8.self) }
  }

  private mutating func take(_ wanted: UInt8) throws {
    guard peek() == wanted else { throw Failure.notJSON }
    position += 1
  }

  /// Letters, digits and signs from here on.
  private mutating func word() -> String {
    var word: [UInt8] = []
    while let byte = byte(at: position), byte > 0x20, word.count < 32,
      ![UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}")].contains(byte)
    {
      word.append(byte)
      position += 1
    }
    return String(decoding: word, as: UTF8.self)
  }

  private static func put(_ byte: UInt8, in bytes: inout SecretBytes, at count: inout Int) {
    let offset = count
    bytes.withMutableBytes { $0.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self) }
    count += 1
  }

  /// What stands behind a backslash.
  private mutating func escape() throws -> Unicode.Scalar {
    let byte = byte(at: position)
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte!)
    case UInt8(ascii: "b"): return "\u{08}"
    case UInt8(ascii: "f"): return "\u{0C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let high = try hexadecimal()
      if let scalar = Unicode.Scalar(high) { return scalar }
      guard high < 0xDC00, self.byte(at: position) == UInt8(ascii: "\\"),
        self.byte(at: position + 1) == UInt8(ascii: "u")
      else { throw Failure.notJSON }
      position += 2
      let low = try hexadecimal()
      guard (0xDC00...0xDFFF).contains(low),
        let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
      else { throw Failure.notJSON }
      return scalar
    default: throw Failure.notJSON
    }
  }

  private mutating func hexadecimal() throws -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let digit = byte(at: position).flatMap { Character(Unicode.Scalar($0)).hexDigitValue }
      guard let digit else { throw Failure.notJSON }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
