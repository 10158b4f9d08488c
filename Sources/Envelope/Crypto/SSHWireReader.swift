/// A reader of the fields of the SSH protocol (RFC 4251, section 5): each is its length in four
/// bytes, and then its bytes.
struct SSHWireReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  /// True if everything was read.
  var isAtEnd: Bool { rest.isEmpty }

  /// The next field. Nil if the bytes end before it does.
  mutating func field() -> ArraySlice<UInt8>? {
    guard rest.count >= 4 else { return nil }
    let count = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    guard rest.count - 4 >= count else { return nil }
    let field = rest.dropFirst(4).prefix(count)
    rest = rest.dropFirst(4 + count)
    return field
  }

  /// The next field as text, if it is printable ASCII.
  mutating func name() -> String? {
    guard let field = field(), field.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
    return String(decoding: field, as: UTF8.self)
  }

  /// The bytes of the next field, a positive number, without leading zeros.
  mutating func positiveNumber() -> ArraySlice<UInt8>? {
    guard let field = field(), let first = field.first, first < 0x80 else { return nil }
    let digits = field.drop { $0 == 0 }
    return digits.isEmpty ? nil : digits
  }
}
