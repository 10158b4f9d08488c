/// A pattern of policies: `*` stands for any text, `?` for any one character.
struct PolicyPattern: Equatable, Sendable {
  let text: String
  private let units: [Unicode.Scalar]

  init(_ text: String) {
    self.text = text
    units = Array(text.unicodeScalars)
  }

  /// Whether all of `candidate` is as the pattern says. Never takes more than the product of both
  /// lengths: only the last star is gone back to.
  func matches(_ candidate: String, ignoringCase: Bool = false) -> Bool {
    let candidate = Array(
      (ignoringCase ? candidate.lowercased() : candidate).unicodeScalars)
    let units =
      ignoringCase
      ? Array(String(String.UnicodeScalarView(units)).lowercased().unicodeScalars) : units
    var (at, pattern) = (0, 0)
    var star: (pattern: Int, at: Int)?
    while at < candidate.count {
      if pattern < units.count, units[pattern] == "*" {
        star = (pattern, at)
        pattern += 1
      } else if pattern < units.count,
        units[pattern] == "?" || units[pattern] == candidate[at]
      {
        pattern += 1
        at += 1
      } else if let last = star {
        pattern = last.pattern + 1
        at = last.at + 1
        star = (last.pattern, at)
      } else {
        return false
      }
    }
    return units[pattern...].allSatisfy { $0 == "*" }
  }
}
