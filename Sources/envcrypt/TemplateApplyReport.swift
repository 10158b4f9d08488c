import KMSTemplates

/// The report of an applied template as text: a line for each changed resource, then the outputs.
struct TemplateApplyReport {
  let result: StackResult
  /// True if lines have ANSI colours.
  let isColoured: Bool

  /// All lines, without a line feed at the end.
  var text: String {
    let report = TemplatePlanReport(plan: result.plan, isColoured: isColoured)
    let stack = result.stack
    var text = report.done(madeAs: result.physicalIDs)
    if !stack.outputs.isEmpty {
      text +=
        "\n"
        + Text.table(
          ["OUTPUT", "VALUE"], stack.outputs.map { [$0.outputKey, $0.outputValue] })
    }
    return text
  }
}
