/// The layout of JSON as the AWS CLI prints it: four spaces a level, a colon that follows its name,
/// and empty lists and objects closed where they open. Scripts look for `"KeyId": "` in lines.
enum JSONLayout {
  /// `compact`, valid JSON without white space between its tokens, laid out.
  static func text(of compact: some Sequence<UInt8>) -> String {
    var output: [UInt8] = []
    var depth = 0
    var isInString = false
    var isEscaped = false
    var hasJustOpened = false
    func startLine() {
      output.append(UInt8(ascii: "\n"))
      output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 4 * depth))
    }
    for byte in compact {
      if isInString {
        output.append(byte)
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInString = false
        }
        continue
      }
      let closes = byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
      if closes { depth -= 1 }
      if hasJustOpened != closes { startLine() }
      hasJustOpened = false
      output.append(byte)
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        hasJustOpened = true
      case UInt8(ascii: ","): startLine()
      case UInt8(ascii: ":"): output.append(UInt8(ascii: " "))
      case UInt8(ascii: "\""): isInString = true
      default: break
      }
    }
    return String(decoding: output, as: UTF8.self)
  }
}
