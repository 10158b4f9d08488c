@testable import envcrypt

extension FuzzTarget {
  /// A configuration file: what is read means the same when it is written again in another form.
  static let toml = FuzzTarget("toml") { bytes in
    let entries: [TOMLEntry]
    do throws(TOMLError) {
      entries = try TOMLReader.read(bytes)
    } catch {
      let lines = 1 + bytes.count { $0 == UInt8(ascii: "\n") }
      require((1...lines).contains(error.line), "an error in a line that is not there")
      return
    }
    let file = entries.map { "\(quoted($0.key)) = \(text($0.value))\n" }.joined()
    let again = try TOMLReader.read(Array(file.utf8))
    require(
      again.map(\.key) == entries.map(\.key) && again.map(\.value) == entries.map(\.value),
      "another value when it is written again")
    _ = try ConfigSettings(bytes, of: "/config.toml", home: "/home")
  }

  private static func text(_ value: TOMLValue) -> String {
    switch value {
    case .string(let text): quoted(text)
    case .integer(let number): String(number)
    case .boolean(let flag): String(flag)
    case .strings(let texts): "[" + texts.map { quoted($0) + "," }.joined() + "]"
    }
  }

  /// The text with every character as an escape.
  private static func quoted(_ text: String) -> String {
    let escapes = text.unicodeScalars.map { scalar in
      let digits = String(scalar.value, radix: 16)
      return "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
    }
    return "\"" + escapes.joined() + "\""
  }
}
