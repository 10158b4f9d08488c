/// A table of fixed values: top-level key, second-level key, value.
struct TemplateMapping: Sendable {
  let rows: [String: [String: TemplateValue]]

  init(_ entry: TemplateNode.Entry) throws {
    try entry.requireLogicalID("a mapping")
    let what = "mapping '\(entry.key)'"
    var rows: [String: [String: TemplateValue]] = [:]
    for row in try entry.value.map(what) {
      for column in try row.value.map("'\(row.key)' of \(what)") {
        rows[row.key, default: [:]][column.key] = try Self.fixed(
          column.value, "'\(row.key)', '\(column.key)' of \(what)")
      }
    }
    self.rows = rows
  }

  /// Returns a text or a list of texts.
  private static func fixed(_ node: TemplateNode, _ what: String) throws -> TemplateValue {
    guard case .list(let items) = node.content else {
      return TemplateValue(.scalar(try node.scalar(what)), node.mark)
    }
    let values = try items.map {
      TemplateValue(.scalar(try $0.scalar("an item of \(what)")), $0.mark)
    }
    return TemplateValue(.list(values), node.mark)
  }
}
