/// Rules that say which entries of a tree are left out, with the meaning of rsync's filter rules: the
/// first rule whose pattern matches decides, and an entry without such a rule is taken.
package struct FilterRules: Sendable {
  private var rules: [(pattern: FilterPattern, isExcluding: Bool)] = []

  /// A rule without a pattern.
  package struct EmptyRule: Error {}

  package init() {}

  package var isEmpty: Bool { rules.isEmpty }

  /// Adds a rule. `+ ` and `- ` in front of the pattern say whether it takes or leaves out; without
  /// them `isExcluding` does. The rule `!` removes all rules before it.
  package mutating func add(_ rule: some Collection<UInt8>, isExcluding: Bool) throws(EmptyRule) {
    var text = Array(rule)
    if text == Array("!".utf8) {
      rules = []
      return
    }
    var isExcluding = isExcluding
    if text.starts(with: "- ".utf8) || text.starts(with: "+ ".utf8) {
      isExcluding = text[0] == UInt8(ascii: "-")
      text.removeFirst(2)
    }
    if text.isEmpty { throw EmptyRule() }
    rules.append((FilterPattern(text), isExcluding))
  }

  /// Adds the rules of a file, one in each line. Skips empty lines, and lines that begin with `#` or
  /// `;`.
  package mutating func add(file: [UInt8], isExcluding: Bool) throws(EmptyRule) {
    let lines = file.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
    for line in lines where !"#;".utf8.contains(line[line.startIndex]) {
      try add(line, isExcluding: isExcluding)
    }
  }

  package func excludes(_ path: FilterPath) -> Bool {
    rules.first { $0.pattern.matches(path) }?.isExcluding ?? false
  }
}
