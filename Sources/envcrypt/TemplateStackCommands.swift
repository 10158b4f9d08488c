import ArgumentParser
import KMSService
import KMSTemplates

struct TemplateDeleteCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Delete a stack: its aliases at once, its keys after their waiting period.",
    discussion: """
      Resources with the DeletionPolicy Retain are kept. Until a key is deleted, 'envcrypt key \
      cancel-deletion' keeps it. On a terminal, you are asked for confirmation.

      Examples:
        envcrypt template delete prod --dry-run
        envcrypt template delete prod
      """)

  @OptionGroup var stack: StackArgument

  @Flag(name: [.customShort("n"), .long], help: "Only print what would be deleted.")
  var dryRun = false

  @Flag(name: [.short, .long], help: "Do not ask for confirmation.")
  var yes = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    let console = keystore.console()
    if dryRun {
      let planned = try service.planStackDeletion(stack.name)
      console.warn(of: planned)
      return console.output(
        coloured: TemplatePlanReport(plan: planned, isColoured: Colour.isWanted).text)
    }
    let plan = try service.deleteStack(stack.name, consent: .wanted(yes: yes))
    console.warn(of: plan)
    if !plan.changes.isEmpty {
      console.output(coloured: TemplatePlanReport(plan: plan, isColoured: Colour.isWanted).done())
    }
  }
}

struct TemplateOutputsCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "outputs",
    abstract: "Show a stack's outputs.",
    discussion: """
      Examples:
        envcrypt template outputs prod
        envcrypt template outputs prod --json \\
          | jq -r '.Stacks[0].Outputs[] | .OutputValue'
      """)

  @OptionGroup var stack: StackArgument

  @Flag(help: "Print JSON, in the form of CloudFormation's DescribeStacks.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    let description = try service.stack(named: stack.name)
    let console = keystore.console()
    if json { return try console.json(StackDescriptions([description])) }
    console.output(
      Text.table(
        ["OUTPUT", "VALUE", "EXPORT", "DESCRIPTION"],
        description.outputs.map {
          [$0.outputKey, $0.outputValue, $0.exportName ?? "", $0.description ?? ""]
        }))
  }
}

struct TemplateListCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the stacks.")

  @Flag(help: "Print JSON, in the form of CloudFormation's ListStacks.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    let stacks = try service.stacks()
    let console = keystore.console()
    if json { return try console.json(StackSummaries(stacks)) }
    console.output(
      Text.table(
        ["STACK", "STATUS", "CREATED", "UPDATED", "DESCRIPTION"],
        stacks.map {
          [
            $0.stackName, $0.stackStatus, Text.day($0.creationTime),
            $0.lastUpdatedTime.map(Text.day) ?? "", $0.description ?? "",
          ]
        }))
  }
}
