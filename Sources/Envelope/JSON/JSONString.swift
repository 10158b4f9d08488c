/// Functions that decode the strings of a JSON text and their escape sequences.
enum JSONString {
  /// Decodes the escape sequence at `offset`: its character and its length in bytes; nil if it is
  /// malformed. An escaped surrogate pair counts as one sequence.
  static func escape(at offset: Int, _ text: RawSpan) -> (scalar: Unicode.Scalar, length: Int)? {
    switch text.byte(at: offset + 1) {
    case UInt8(ascii: "\""): return ("\"", 2)
    case UInt8(ascii: "\\"): return ("\\", 2)
    case UInt8(ascii: "/"): return ("/", 2)
    case UInt8(ascii: "b"): return ("\u{08}", 2)
    case UInt8(ascii: "f"): return ("\u{0C}", 2)
    case UInt8(ascii: "n"): return ("\n", 2)
    case UInt8(ascii: "r"): return ("\r", 2)
    case UInt8(ascii: "t"): return ("\t", 2)
    default:
      guard let high = unit(at: offset, text) else { return nil }
      if let scalar = Unicode.Scalar(high) { return (scalar, 6) }
      guard high < 0xDC00, let low = unit(at: offset + 6, text), (0xDC00...0xDFFF).contains(low),
        let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
      else { return nil }
      return (scalar, 12)
    }
  }

  /// The number in a sequence like `\u0041`; nil if there is no such sequence at `offset`.
  static func unit(at offset: Int, _ text: RawSpan) -> UInt32? {
    guard text.byte(at: offset) == UInt8(ascii: "\\"),
      text.byte(at: offset + 1) == UInt8(ascii: "u")
    else { return nil }
    var value: UInt32 = 0
    for index in offset + 2..<offset + 6 {
      guard let byte = text.byte(at: index) else { return nil }
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte & 0x0F)
      case UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "a")...UInt8(ascii: "f"):
        value = value << 4 | UInt32(byte & 0x0F + 9)
      default: return nil
      }
    }
    return value
  }

  /// The number of bytes of the character at `offset`, which must not be ASCII; nil if the bytes
  /// are not valid UTF-8 (RFC 3629, section 4).
  static func characterLength(at offset: Int, _ text: RawSpan) -> Int? {
    func follows(_ distance: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
      text.byte(at: offset + distance).map { range.contains($0) } ?? false
    }
    switch text.byte(at: offset) {
    case (0xC2...0xDF)?: return follows(1) ? 2 : nil
    case 0xE0: return follows(1, 0xA0...0xBF) && follows(2) ? 3 : nil
    case 0xED: return follows(1, 0x80...0x9F) && follows(2) ? 3 : nil
    case (0xE1...0xEF)?: return follows(1) && follows(2) ? 3 : nil
    case 0xF0: return follows(1, 0x90...0xBF) && follows(2) && follows(3) ? 4 : nil
    case (0xF1...0xF3)?: return follows(1) && follows(2) && follows(3) ? 4 : nil
    case 0xF4: return follows(1, 0x80...0x8F) && follows(2) && follows(3) ? 4 : nil
    default: return nil
    }
  }

  /// The decoded text of a string in a checked document.
  static func text(_ node: JSONNode, _ text: RawSpan) -> String {
    String(unsafeUninitializedCapacity: node.range.count) { target in
      write(node, text, to: UnsafeMutableRawBufferPointer(target))
    }
  }

  /// The decoded text of a string in UTF-8. Makes no other copy.
  static func secret(_ node: JSONNode, _ text: RawSpan) -> SecretBytes {
    var count = 0
    let bytes = SecretBytes(count: node.range.count) { span in
      span.withUnsafeMutableBytes { count = write(node, text, to: $0) }
    }
    return count == bytes.count ? bytes : bytes.prefix(count)
  }

  /// Writes the decoded text. Returns the number of bytes, which is at most the length of the
  /// string in the JSON text.
  private static func write(
    _ node: JSONNode, _ text: RawSpan, to target: UnsafeMutableRawBufferPointer
  ) -> Int {
    guard node.hasEscapes else {
      text.extracting(node.range).withUnsafeBytes { target.copyMemory(from: $0) }
      return node.range.count
    }
    var bytes = JSONStringBytes(node)
    var count = 0
    while let byte = bytes.next(text) {
      target[count] = byte
      count += 1
    }
    return count
  }

  /// True if the decoded string has the same bytes as `name`.
  static func isEqual(_ node: JSONNode, _ name: String, _ text: RawSpan) -> Bool {
    var name = name
    return name.withUTF8 { name in
      guard node.hasEscapes else {
        return node.range.count == name.count
          && text.extracting(node.range).withUnsafeBytes { $0.elementsEqual(name) }
      }
      var bytes = JSONStringBytes(node)
      for wanted in name where bytes.next(text) != wanted { return false }
      return bytes.next(text) == nil
    }
  }
}

/// An iterator over the UTF-8 bytes of a decoded string in a checked document.
struct JSONStringBytes {
  private var offset: Int
  private let end: Int
  /// The remaining bytes of the last escaped character. The lowest byte is the next one.
  private var rest: UInt32 = 0
  private var restCount = 0

  init(_ node: JSONNode) {
    offset = Int(node.start)
    end = Int(node.end)
  }

  /// The next byte; nil at the end.
  mutating func next(_ text: RawSpan) -> UInt8? {
    if restCount > 0 {
      let byte = UInt8(truncatingIfNeeded: rest)
      rest >>= 8
      restCount -= 1
      return byte
    }
    guard offset < end, let byte = text.byte(at: offset) else { return nil }
    guard byte == UInt8(ascii: "\\"), let (scalar, length) = JSONString.escape(at: offset, text)
    else {
      offset += 1
      return byte
    }
    offset += length
    let character = UTF8.encode(scalar)!
    for byte in character.dropFirst() {
      rest |= UInt32(byte) << (8 * restCount)
      restCount += 1
    }
    return character.first
  }
}

/// A check for duplicate names of members. Names are compared byte by byte, so names that are equal
/// in Unicode can differ.
enum JSONNames {
  /// The index of the first name that is equal to an earlier name; nil if there is none. `content`
  /// contains the nodes of the members.
  static func firstDuplicate(in content: ArraySlice<JSONNode>, _ text: RawSpan) -> Int? {
    var names: [Int] = []
    var index = content.startIndex
    while index < content.endIndex {
      names.append(index)
      index = Int(content[index + 1].next)
    }
    if names.count <= 8 {
      return names.indices.first { position in
        names[..<position].contains { compare(content[$0], content[names[position]], text) == 0 }
      }.map { names[$0] }
    }
    names.sort {
      let order = compare(content[$0], content[$1], text)
      return order == 0 ? $0 < $1 : order < 0
    }
    return zip(names, names.dropFirst()).filter {
      compare(content[$0.0], content[$0.1], text) == 0
    }.map(\.1).min()
  }

  /// Negative if `left` comes first, zero if both have the same bytes, otherwise positive.
  private static func compare(_ left: JSONNode, _ right: JSONNode, _ text: RawSpan) -> Int {
    if !left.hasEscapes, !right.hasEscapes {
      return text.extracting(left.range).withUnsafeBytes { left in
        text.extracting(right.range).withUnsafeBytes { right in
          let count = min(left.count, right.count)
          for index in 0..<count where left[index] != right[index] {
            return Int(left[index]) - Int(right[index])
          }
          return left.count - right.count
        }
      }
    }
    var (left, right) = (JSONStringBytes(left), JSONStringBytes(right))
    while true {
      switch (left.next(text), right.next(text)) {
      case (nil, nil): return 0
      case (nil, _): return -1
      case (_, nil): return 1
      case (let one?, let other?): if one != other { return Int(one) - Int(other) }
      }
    }
  }
}
