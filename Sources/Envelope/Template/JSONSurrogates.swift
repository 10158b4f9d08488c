import Foundation

/// JSON writes a character beyond U+FFFF as two escapes, which YAML does not know.
enum JSONSurrogates {
  /// The text with such a pair as the character itself, where the text is JSON.
  static func joined(in text: String) -> String {
    guard text.utf8.first(where: { !" \t\r\n".utf8.contains($0) }) == UInt8(ascii: "{"),
      text.contains("\\uD") || text.contains("\\ud"),
      (try? JSONSerialization.jsonObject(with: Data(text.utf8))) != nil
    else { return text }
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
