import Glibc

/// The bytes that `[…]` in a filter pattern stands for. A slash is never among them.
struct ByteSet: Equatable, Sendable {
  private var words: SIMD4<UInt64> = .zero

  func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1 }

  private mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

  private mutating func insert(where belongs: (UInt8) -> Bool) {
    for byte in UInt8.min...UInt8.max where belongs(byte) { insert(byte) }
  }

  /// Reads what follows a `[`, with the `]` that ends it. Nil if there is none, or if a class such
  /// as `[:alpha:]` does not exist.
  init?(popping rest: inout ArraySlice<UInt8>) {
    let isNegated = rest.first.map { Array("!^".utf8).contains($0) } ?? false
    if isNegated { rest.removeFirst() }
    // The byte that a range can begin with.
    var previous: UInt8?
    var isFirst = true
    while isFirst || rest.first != UInt8(ascii: "]") {
      isFirst = false
      guard let byte = rest.first else { return nil }
      if byte == UInt8(ascii: "-"), let low = previous, Self.isRange(rest) {
        rest.removeFirst()
        guard let high = Self.popByte(&rest) else { return nil }
        insert(where: { low <= $0 && $0 <= high })
        previous = nil
      } else if byte == UInt8(ascii: "["), rest.dropFirst().first == UInt8(ascii: ":") {
        guard let end = rest.dropFirst(2).firstIndex(of: UInt8(ascii: "]")) else { return nil }
        let name = rest[(rest.startIndex + 2)..<end]
        if name.last == UInt8(ascii: ":") {
          guard let belongs = Self.members(ofClass: name.dropLast()) else { return nil }
          insert(where: belongs)
          previous = nil
          rest = rest[(end + 1)...]
        } else {
          previous = rest.popFirst()
          insert(byte)
        }
      } else {
        guard let own = Self.popByte(&rest) else { return nil }
        insert(own)
        previous = own
      }
    }
    rest.removeFirst()
    if isNegated { words = ~words }
    words[0] &= ~(1 << UInt64(UInt8(ascii: "/")))
  }

  /// True if the `-` in front is not the last byte of the set.
  private static func isRange(_ rest: ArraySlice<UInt8>) -> Bool {
    rest.dropFirst().first.map { $0 != UInt8(ascii: "]") } ?? false
  }

  /// Removes one byte, or a backslash with the byte that follows it.
  private static func popByte(_ rest: inout ArraySlice<UInt8>) -> UInt8? {
    let byte = rest.popFirst()
    return byte == UInt8(ascii: "\\") ? rest.popFirst() : byte
  }

  private static func members(ofClass name: ArraySlice<UInt8>) -> ((UInt8) -> Bool)? {
    switch String(decoding: name, as: UTF8.self) {
    case "alnum": { isalnum(Int32($0)) != 0 }
    case "alpha": { isalpha(Int32($0)) != 0 }
    case "blank": { isblank(Int32($0)) != 0 }
    case "cntrl": { iscntrl(Int32($0)) != 0 }
    case "digit": { isdigit(Int32($0)) != 0 }
    case "graph": { isgraph(Int32($0)) != 0 }
    case "lower": { islower(Int32($0)) != 0 }
    case "print": { isprint(Int32($0)) != 0 }
    case "punct": { ispunct(Int32($0)) != 0 }
    case "space": { isspace(Int32($0)) != 0 }
    case "upper": { isupper(Int32($0)) != 0 }
    case "xdigit": { isxdigit(Int32($0)) != 0 }
    default: nil
    }
  }
}
