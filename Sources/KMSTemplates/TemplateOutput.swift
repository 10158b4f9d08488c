import Envelope

/// The declaration of an output in a template.
struct TemplateOutput: Sendable {
  let name: String
  let mark: TemplateMark
  let value: TemplateExpression
  let exportName: TemplateExpression?
  let condition: String?
  let description: String?

  init(_ entry: TemplateNode.Entry, _ scope: TemplateScope) throws {
    try entry.requireLogicalID("an output")
    let what = "output '\(entry.key)'"
    var value: TemplateExpression?
    var exportName: TemplateExpression?
    var condition: String?
    var description: String?
    for property in try entry.value.map(what) {
      let node = property.value
      let name = "\(property.key) of \(what)"
      switch property.key {
      case "Value": value = try TemplateExpression(node, scope)
      case "Description": description = try node.text(name)
      case "Condition":
        let text = try node.text(name)
        try scope.requireCondition(text, node.mark)
        condition = text
      case "Export":
        let entries = try node.map(name)
        guard entries.count == 1, entries[0].key == "Name" else {
          throw node.invalid("\(name) must be a mapping with Name")
        }
        var inner = scope
        inner.allowsResources = .refused("the name of an export cannot depend on a resource")
        exportName = try TemplateExpression(entries[0].value, inner)
      default:
        throw property.invalid(
          "unknown property '\(property.key)' of \(what)"
            + NearestName.hint(property.key, in: ["Value", "Description", "Condition", "Export"]))
      }
    }
    guard let value else { throw entry.invalid("\(what) has no Value") }
    name = entry.key
    mark = entry.mark
    self.value = value
    self.exportName = exportName
    self.condition = condition
    self.description = description
  }
}
