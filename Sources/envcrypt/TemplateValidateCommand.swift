import ArgumentParser
import KMSTemplates

struct TemplateValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Check a template, and show its parameters.",
    discussion: """
      Needs no keystore. If every parameter has a value, the resources are checked with these \
      values.

      Examples:
        envcrypt template validate keys.yaml
        envcrypt template validate keys.yaml --parameter-overrides Window=7
      """)

  @OptionGroup var template: TemplateOptions

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let name = "validation"
    let request = try template.request(stackName: name)
    let plan = try template.placing { try request.check() }
    let console = Console()
    if let plan { console.warn(of: plan) }
    let template = request.template
    if json { return try console.json(TemplateSummary(template)) }
    if let description = template.description { console.output(Text.printable(description)) }
    if !template.parameters.isEmpty {
      console.output(
        Text.table(
          ["PARAMETER", "DEFAULT", "DESCRIPTION"],
          template.parameters.map {
            [$0.name, $0.shownDefault ?? "", $0.description ?? ""]
          }))
    }
    console.output("\(Text.count(template.resourceCount, "resource")): the template is valid")
  }
}

/// The response of ValidateTemplate.
private struct TemplateSummary: Encodable {
  struct Parameter: Encodable {
    let parameterKey: String
    let defaultValue: String?
    let noEcho: Bool
    let description: String?
  }

  let description: String?
  let parameters: [Parameter]

  init(_ template: Template) {
    description = template.description
    parameters = template.parameters.map {
      Parameter(
        parameterKey: $0.name, defaultValue: $0.shownDefault, noEcho: $0.isSecret,
        description: $0.description)
    }
  }
}

extension TemplateParameter {
  /// The default value, masked if the parameter is secret.
  fileprivate var shownDefault: String? {
    isSecret ? defaultValue.map { _ in "****" } : defaultValue
  }
}
