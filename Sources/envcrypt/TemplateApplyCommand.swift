import ArgumentParser
import Envelope
import KMSService
import KMSTemplates

struct TemplateApplyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply",
    abstract: "Create or update a stack from a template.",
    discussion: """
      All changes are made, or none. If the template is applied again, nothing changes. A key that \
      is no longer in the template is deleted after its PendingWindowInDays, unless its \
      DeletionPolicy is Retain. KeySpec, KeyUsage and Origin of a key cannot change. Before keys \
      are deleted, you are asked for confirmation on a terminal.

      Examples:
        envcrypt template apply keys.yaml
        envcrypt template apply keys.yaml --stack-name prod --parameter-overrides Window=7
      """)

  @OptionGroup var template: TemplateOptions
  @OptionGroup var stack: StackNameOption

  @Flag(
    inversion: .prefixedNo, help: "Fail if there is nothing to change.")
  var failOnEmptyChangeset = false

  @Flag(name: [.short, .long], help: "Do not ask for confirmation.")
  var yes = false

  @Flag(help: "Print JSON, in the form of CloudFormation's DescribeStacks.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let name = try stack.name(for: template)
    let request = try template.request(stackName: name)
    try keystore.withService { try run(request, $0) }
  }

  private func run(_ request: StackRequest, _ service: KeyService) throws {
    let result = try template.placing {
      if !yes { try service.planStack(request).requireConsent() }
      return try service.applyStack(request)
    }
    let console = Console()
    console.warn(of: result.plan)
    if json {
      try console.json(StackDescriptions([result.stack]))
    } else {
      console.output(
        coloured: TemplateApplyReport(result: result, isColoured: Colour.isWanted).text)
    }
    if failOnEmptyChangeset, result.plan.isEmpty {
      throw Failure(
        .unavailable, "there was nothing to change",
        hint: "--no-fail-on-empty-changeset makes this a success")
    }
  }
}

extension StackPlan {
  /// If the plan deletes keys and standard input is a terminal, asks the user for consent. Throws
  /// if the user does not consent.
  func requireConsent() throws {
    let count = changes.count { change in
      if case .delete(.some) = change.action { true } else { false }
    }
    guard count > 0, Descriptor.standardInput.isTerminal else { return }
    Console().output(coloured: TemplatePlanReport(plan: self, isColoured: Colour.isWanted).text)
    guard try Terminal.confirms("Delete \(Text.count(count, "key"))? [y/N] ") else {
      throw Failure(.noPermission, "nothing was done: not confirmed")
    }
  }
}
