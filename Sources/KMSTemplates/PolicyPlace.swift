extension TemplateValue {
  /// Returns the place of an error in a key policy, found from the words of the message: "statement
  /// 2 'Sid': Condition: StringEquals: the condition key 'x' is not supported". If the words name
  /// no place, returns the place of the policy.
  func mark(ofPolicyError words: String) -> TemplateMark {
    guard let prefix = words.prefixMatch(of: #/statement ([0-9]+)( '[^']*')?: /#),
      let number = Int(prefix.1), let statements = entries.first(where: { $0.key == "Statement" }),
      let statement = statements.value.item(number)
    else { return mark }
    var (mark, value) = (statement.mark, statement)
    for word in words[prefix.range.upperBound...].split(separator: ": ") {
      let named = value.entries.first { word == $0.key || word.contains("'\($0.key)'") }
      guard let named else { break }
      (mark, value) = (named.mark, named.value)
    }
    return mark
  }

  private var entries: [Entry] { if case .map(let entries) = content { entries } else { [] } }

  /// Returns an item of a list, counted from 1. A value that is not a list counts as a list of one
  /// item.
  private func item(_ number: Int) -> TemplateValue? {
    guard case .list(let items) = content else { return number == 1 ? self : nil }
    return items.indices.contains(number - 1) ? items[number - 1] : nil
  }
}
