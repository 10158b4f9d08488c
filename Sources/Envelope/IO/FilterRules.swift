/// Rules that say which entries of a tree are left out, with the meaning of rsync's filter rules: the
/// first rule whose pattern matches decides, and an entry without such a rule is taken.
package struct FilterRules: Sendable {
  private var rules: [(pattern: FilterPattern, isExcluding: Bool)] = []

  /// A rule without a pattern.
  package struct EmptyRule: Error {}

  /// A pattern that matches nothing, because a `[` has no `]`, a class has no such name, or a
  /// backslash is at its end.
  package struct MalformedPattern: Sendable {
    package let pattern: [UInt8]
    /// The line in its file, from 1 on; nil if it is not from a file.
    package let line: Int?
  }

  /// In the order in which they were added.
  package private(set) var malformed: [MalformedPattern] = []

  package init() {}

  package var isEmpty: Bool { rules.isEmpty }

  /// Adds a rule. `+ ` and `- ` in front of the pattern say whether it takes or leaves out; without
  /// them `isExcluding` does. The rule `!` removes all rules before it.
  package mutating func add(_ rule: some Collection<UInt8>, isExcluding: Bool) throws(EmptyRule) {
    try add(rule, isExcluding: isExcluding, line: nil)
  }

  private mutating func add(
    _ rule: some Collection<UInt8>, isExcluding: Bool, line: Int?
  ) throws(EmptyRule) {
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
    let pattern = FilterPattern(text)
    if pattern.isHopeless { malformed.append(MalformedPattern(pattern: text, line: line)) }
    rules.append((pattern, isExcluding))
  }

  /// Adds the rules of a file, one in each line. Skips empty lines, and lines that begin with `#` or
  /// `;`.
  package mutating func add(file: [UInt8], isExcluding: Bool) throws(EmptyRule) {
    let lines = file.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      for rule in line.split(separator: UInt8(ascii: "\r"))
      where !"#;".utf8.contains(rule[rule.startIndex]) {
        try add(rule, isExcluding: isExcluding, line: index + 1)
      }
    }
  }

  package func excludes(_ path: FilterPath) -> Bool {
    rules.first { $0.pattern.matches(path) }?.isExcluding ?? false
  }
}
