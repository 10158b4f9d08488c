/// Anchors under other names.
enum AnchorNames {
  /// The text with every anchor renamed that some alias could mean; nil where there is none. Nothing
  /// else changes: in quoted text and comments it is text all the same.
  static func renamed(in text: String) -> String? {
    let bytes = Array(text.utf8)
    let named = names(after: UInt8(ascii: "*"), in: bytes)
    let wanted = Set(named.map { bytes[$0] })
    let anchors = names(after: UInt8(ascii: "&"), in: bytes).filter { wanted.contains(bytes[$0]) }
    guard !anchors.isEmpty else { return nil }
    // One letter longer than any of them.
    let longest = named.map(\.count).max() ?? 0
    let fresh = [UInt8](repeating: UInt8(ascii: "a"), count: longest + 1)
    var result: [UInt8] = []
    var position = 0
    for anchor in anchors {
      result += bytes[position..<anchor.lowerBound]
      result += fresh
      position = anchor.upperBound
    }
    return String(decoding: result + bytes[position...], as: UTF8.self)
  }

  /// The ranges of the names behind `sign`.
  private static func names(after sign: UInt8, in bytes: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    for index in bytes.indices where bytes[index] == sign {
      let end = bytes[(index + 1)...].firstIndex { !isName($0) } ?? bytes.endIndex
      if end > index + 1 { ranges.append(index + 1..<end) }
    }
    return ranges
  }

  /// As libyaml has it.
  private static func isName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}
