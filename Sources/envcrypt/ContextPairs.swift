import Envelope
import KMSAPI

/// The pairs in one value of `--context`: one pair, several as the AWS CLI writes them, or JSON.
enum ContextPairs {
  /// Returns the pairs. A comma begins another pair if a key and '=' follow it, so that `a=1,2` is
  /// one pair. `\,` is a comma in a value. Throws `KMSArgumentError` for wrong JSON.
  static func split(_ text: String) throws -> [String] {
    if text.hasPrefix("{"), text.hasSuffix("}"), text.contains("\"") {
      let context = try KMSValueReader().value(EncryptionContext.self, [text], option: "context")
      return context.pairs.map { "\($0.key)=\($0.value)" }
    }
    var pairs: [String] = []
    for part in parts(of: text) {
      if let last = pairs.last, !last.contains("=") || !beginsWithKey(part) {
        pairs[pairs.count - 1] = "\(last),\(part)"
      } else {
        pairs.append(part)
      }
    }
    return pairs
  }

  private static func beginsWithKey(_ part: String) -> Bool {
    part.contains("=") && !part.hasPrefix("=")
  }

  /// Splits the text at each comma that has no backslash before it.
  private static func parts(of text: String) -> [String] {
    var parts = [String.UnicodeScalarView()]
    var isEscaped = false
    for scalar in text.unicodeScalars {
      if scalar == ",", !isEscaped {
        parts.append(String.UnicodeScalarView())
      } else {
        if scalar == "," { parts[parts.count - 1].removeLast() }
        parts[parts.count - 1].append(scalar)
      }
      isEscaped = scalar == "\\"
    }
    return parts.map { String($0) }
  }
}
