import ArgumentParser

struct TemplatePlanCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Show what 'apply' would change; nothing is done.",
    discussion: """
      Compares the template with the keys and aliases as they are now. Lines are coloured on a terminal, \
      unless NO_COLOR is set. The last line is the plan's digest: 'apply --plan DIGEST' applies this \
      plan and no other.

      Examples:
        envcrypt template plan keys.yaml --stack-name prod
        envcrypt template plan - --stack-name prod < keys.yaml
      """)

  @OptionGroup var template: TemplateOptions
  @OptionGroup var stack: StackNameOption

  @Flag(help: "Print JSON, in the form of CloudFormation's change sets.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let name = try stack.name(for: template)
    let request = try template.request(stackName: name)
    let plan = try keystore.withService { service in
      try template.placing { try service.planStack(request) }
    }
    let console = keystore.console()
    console.warn(of: plan)
    if json {
      try console.json(try StackPlanDescription(plan, stackName: name))
    } else {
      let digest = try plan.digest()
      let report = TemplatePlanReport(plan: plan, isColoured: Colour.isWanted)
      console.output(coloured: "\(report.text)\nplan: \(digest.text)")
    }
  }
}
