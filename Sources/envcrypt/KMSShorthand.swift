/// A value in the AWS CLI's shorthand syntax: `TagKey=a,TagValue=b`, `Names=[a,b]`, `Inner={k=v}`.
/// It is parsed as in the AWS CLI (awscli/shorthand.py), but a key may occur only once.
indirect enum KMSShorthand: Equatable {
  /// A word. If it is a reference and names a file, the contents of the file replace it. The value
  /// of a scalar option is a reference, and so is the value of `key@=value`.
  case text(String, isReference: Bool)
  case list([KMSShorthand])
  case hash([String: KMSShorthand])

  static func parse(_ text: String) throws(SyntaxError) -> KMSShorthand {
    var parser = Parser(text)
    return .hash(try parser.parameter())
  }

  /// A syntax error, with the position of the unexpected character; positions count characters from
  /// 1.
  struct SyntaxError: Error, Equatable {
    let problem: String

    static func expected(_ wanted: String, found: Unicode.Scalar?, at index: Int) -> Self {
      Self(
        problem: found.map { "expected \(wanted), found '\($0)' at character \(index + 1)" }
          ?? "expected \(wanted), found the end")
    }

    /// Returns the error for a repeated key. The cause is often a comma in the place of a space.
    static func duplicate(_ key: String) -> Self { Self(problem: "'\(key)' is given twice") }
    static let tooDeep = Self(problem: "lists and hashes are nested too deeply")
  }
}

extension KMSShorthand {
  private struct Parser {
    private let input: [Unicode.Scalar]
    private var index = 0
    private var depth = 0
    /// True if `@=` came before the current value.
    private var isReference = false

    private static let depthLimit = 32

    init(_ text: String) { input = Array(text.unicodeScalars) }

    private var current: Unicode.Scalar? { index < input.count ? input[index] : nil }

    /// Parses `parameter = keyval *("," keyval)`.
    mutating func parameter() throws(SyntaxError) -> [String: KMSShorthand] {
      var pairs: [String: KMSShorthand] = [:]
      while true {
        let key = try keyAndEquals()
        guard pairs[key] == nil else { throw .duplicate(key) }
        pairs[key] = try values()
        skipSpace()
        guard current != nil else { return pairs }
        try expect(",")
        skipSpace()
      }
    }

    private mutating func keyAndEquals() throws(SyntaxError) -> String {
      var key = String.UnicodeScalarView()
      while let scalar = current, isKeyScalar(scalar) {
        key.append(scalar)
        index += 1
      }
      skipSpace()
      isReference = current == "@"
      if isReference { index += 1 }
      try expect("=")
      skipSpace()
      return String(key)
    }

    /// Parses `values = csv-list / explicit-list / hash-literal`.
    private mutating func values() throws(SyntaxError) -> KMSShorthand {
      switch current {
      case nil: text("")
      case "[": try list()
      case "{": try hash()
      default: try commaSeparated()
      }
    }

    /// Parses `b` of `a=b,c=d`, and `[b,c]` of `a=b,c,d=e`. Only the character after a word shows
    /// if the word belongs to the list or is the next key.
    private mutating func commaSeparated() throws(SyntaxError) -> KMSShorthand {
      let first = try word(isKnownToBeValue: true)
      var list = [first]
      skipSpace()
      while current == "," {
        try expect(",")
        skipSpace()
        do throws(SyntaxError) {
          let next = try word(isKnownToBeValue: false)
          skipSpace()
          if let current, current != "," {
            throw .expected("','", found: current, at: index)
          }
          list.append(next)
        } catch {
          // At the end of the input, the error cannot mean that the word is the next key.
          guard current != nil else { throw error }
          while input[index] != "," { index -= 1 }
          break
        }
      }
      return list.count == 1 ? first : .list(list)
    }

    private mutating func list() throws(SyntaxError) -> KMSShorthand {
      try descend()
      var values: [KMSShorthand] = []
      while current != "]" {
        values.append(try explicitValue())
        try endItem(before: "]")
      }
      ascend()
      return .list(values)
    }

    private mutating func hash() throws(SyntaxError) -> KMSShorthand {
      try descend()
      var pairs: [String: KMSShorthand] = [:]
      while current != "}" {
        let key = try keyAndEquals()
        guard pairs[key] == nil else { throw .duplicate(key) }
        pairs[key] = try explicitValue()
        try endItem(before: "}")
      }
      ascend()
      return .hash(pairs)
    }

    private mutating func descend() throws(SyntaxError) {
      depth += 1
      guard depth <= Self.depthLimit else { throw .tooDeep }
      index += 1
      skipSpace()
    }

    private mutating func ascend() {
      depth -= 1
      index += 1
    }

    private mutating func endItem(before end: Unicode.Scalar) throws(SyntaxError) {
      skipSpace()
      if current == end { return }
      try expect(",")
      skipSpace()
    }

    private mutating func explicitValue() throws(SyntaxError) -> KMSShorthand {
      switch current {
      case "[": try list()
      case "{": try hash()
      default: try word(isKnownToBeValue: true)
      }
    }

    /// Parses a quoted or a bare word. After a comma, the word may also be the next key: it ends at
    /// "=" and is not empty. A word that is known to be a value may be empty and may contain "=".
    private mutating func word(isKnownToBeValue: Bool) throws(SyntaxError) -> KMSShorthand {
      if let quote = current, quote == "'" || quote == "\"" { return text(try quoted(quote)) }
      let start = index
      var word = String.UnicodeScalarView()
      while let scalar = current {
        if scalar == "\\", index + 1 < input.count, input[index + 1] == "," {
          word.append(",")
          index += 2
          continue
        }
        let isWanted =
          index == start
          ? !"\"',=[{".unicodeScalars.contains(scalar) && scalar.value > 0x20
          : isKnownToBeValue
            ? !"\"',]}".unicodeScalars.contains(scalar)
            : !"\"',=".unicodeScalars.contains(scalar)
        guard isWanted else { break }
        word.append(scalar)
        index += 1
      }
      guard isKnownToBeValue || index > start else {
        throw .expected("a value", found: current, at: index)
      }
      while let last = word.last, last.properties.isWhitespace { word.removeLast() }
      return text(String(word))
    }

    private mutating func quoted(_ quote: Unicode.Scalar) throws(SyntaxError) -> String {
      var end = index + 1
      var escaped: Int?
      while end < input.count, input[end] != quote {
        if input[end] == "\\", end + 1 < input.count, input[end + 1] == quote {
          end += 1
          escaped = end
        }
        end += 1
      }
      // Without a closing quote, the last escaped quote closes the word, as in 'a\'.
      guard let close = end < input.count ? end : escaped else {
        throw .expected("a closing \(quote)", found: nil, at: end)
      }
      var word = String.UnicodeScalarView()
      var position = index + 1
      while position < close {
        let next = position + 1 < close ? input[position + 1] : nil
        if input[position] == "\\", next == quote || next == "\\" { position += 1 }
        word.append(input[position])
        position += 1
      }
      index = close + 1
      return String(word)
    }

    private func text(_ word: String) -> KMSShorthand { .text(word, isReference: isReference) }

    private mutating func expect(_ scalar: Unicode.Scalar) throws(SyntaxError) {
      skipSpace()
      guard current == scalar else {
        throw .expected("'\(scalar)'", found: current, at: index)
      }
      index += 1
    }

    private mutating func skipSpace() {
      while let scalar = current, scalar == " " || (0x09...0x0D).contains(scalar.value) {
        index += 1
      }
    }

    private func isKeyScalar(_ scalar: Unicode.Scalar) -> Bool {
      scalar.isASCII
        && (scalar.properties.isAlphabetic || "0123456789-_.#/:".unicodeScalars.contains(scalar))
    }
  }
}
