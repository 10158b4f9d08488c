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
    // Of the same length while there is one that no alias has, so that columns stay.
    let letters = (UInt8.min...UInt8.max).filter(isName)
    func fresh(_ count: Int) -> [UInt8] {
      let names = letters.lazy.map { [UInt8](repeating: $0, count: count) }
      return names.first { !wanted.contains($0[...]) } ?? fresh(count + 1)
    }
    var result: [UInt8] = []
    var position = 0
    for anchor in anchors {
      result += bytes[position..<anchor.lowerBound]
      result += fresh(anchor.count)
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
