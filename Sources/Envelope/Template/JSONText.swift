import Foundation

/// What JSON may have and YAML may not.
enum JSONText {
  /// The same JSON as YAML reads it: spaces for tabs, which are white space outside its strings, and
  /// for two escapes of one character beyond U+FFFF the character itself. Other text stays as it is.
  static func asYAML(_ text: String) -> String {
    let hasTabs = text.utf8.contains(UInt8(ascii: "\t"))
    let hasPairs = text.contains("\\uD") || text.contains("\\ud")
    guard hasTabs || hasPairs,
      text.utf8.first(where: { !" \t\r\n".utf8.contains($0) }) == UInt8(ascii: "{"),
      (try? JSONSerialization.jsonObject(with: Data(text.utf8))) != nil
    else { return text }
    let spaced = hasTabs ? text.replacing("\t", with: " ") : text
    return hasPairs ? joined(in: spaced) : spaced
  }

  private static func joined(in text: String) -> String {
    var result = ""
    var rest = text[...]
    while let backslash = rest.firstIndex(of: "\\") {
      result += rest[..<backslash]
      rest = rest[backslash...]
      if let scalar = pair(at: rest) {
        result.unicodeScalars.append(scalar)
        rest = rest.dropFirst(12)
      } else {
        result += rest.prefix(2)
        rest = rest.dropFirst(2)
      }
    }
    return result + rest
  }

  private static func pair(at text: Substring) -> Unicode.Scalar? {
    guard let high = unit(text), let low = unit(text.dropFirst(6)),
      0xD800...0xDBFF ~= high, 0xDC00...0xDFFF ~= low
    else { return nil }
    return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
  }

  private static func unit(_ text: Substring) -> UInt32? {
    text.hasPrefix("\\u") ? UInt32(text.dropFirst(2).prefix(4), radix: 16) : nil
  }
}
