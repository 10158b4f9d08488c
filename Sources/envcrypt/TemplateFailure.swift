import KMSTemplates

/// The text of errors in a template.
extension Failure {
  init(_ error: TemplateError) { self.init(error, inTemplate: nil) }

  /// `template.yaml:12:7: …`: the format of compiler messages, which editors can jump to.
  init(_ error: TemplateError, inTemplate file: String?) {
    var place = file.map(Text.printable) ?? ""
    if let mark = error.mark {
      place += "\(place.isEmpty ? "" : ":")\(mark.line):\(mark.column)"
    }
    let message = Text.printable(error.message)
    self.init(
      Self.status(error.kind), place.isEmpty ? message : "\(place): \(message)",
      hint: Self.hint(error.kind))
  }

  private static func status(_ kind: TemplateError.Kind) -> ExitStatus {
    switch kind {
    case .malformed, .invalid, .unsupported: .configuration
    case .parameter: .usage
    case .replacement, .exportInUse, .noStack, .otherPlan: .unavailable
    }
  }

  private static func hint(_ kind: TemplateError.Kind) -> String? {
    switch kind {
    case .malformed, .invalid, .unsupported, .replacement: nil
    case .parameter: "envcrypt template validate FILE shows the template's parameters"
    case .exportInUse, .noStack: "envcrypt template list shows the stacks"
    case .otherPlan:
      "look at the plan again, with the same --stack-name: envcrypt template plan, or envcrypt "
        + "template delete --dry-run"
    }
  }
}
