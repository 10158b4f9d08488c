@testable import envcrypt

extension FuzzTarget {
  /// The AWS CLI's shorthand. A parsed value can be written in its strictest form and then has the
  /// same meaning.
  static let shorthand = FuzzTarget("shorthand") { bytes in
    guard let text = String(validating: bytes, as: UTF8.self) else { return }
    let parsed: KMSShorthand
    do throws(KMSShorthand.SyntaxError) {
      parsed = try KMSShorthand.parse(text)
    } catch {
      require(!error.problem.isEmpty, "an error that says nothing")
      return
    }
    // A word that ends in a backslash cannot be quoted.
    guard !text.unicodeScalars.contains("\\") else { return }
    let again = written(parsed).dropFirst().dropLast()
    guard let second = try? KMSShorthand.parse(String(again)) else {
      fatalError("'\(again)' cannot be read")
    }
    require(written(second) == written(parsed), "'\(again)' says something else")
  }

  /// Returns the value with every word quoted and keys sorted, without marks for references.
  private static func written(_ shorthand: KMSShorthand) -> String {
    switch shorthand {
    case .text(let word, _):
      let scalars = word.unicodeScalars.flatMap { $0 == "\"" ? ["\\", $0] : [$0] }
      return "\"" + String(String.UnicodeScalarView(scalars)) + "\""
    case .list(let items): return "[" + items.map(written).joined(separator: ",") + "]"
    case .hash(let pairs):
      let sorted = pairs.sorted { $0.key < $1.key }
      return "{" + sorted.map { "\($0.key)=\(written($0.value))" }.joined(separator: ",") + "}"
    }
  }
}
