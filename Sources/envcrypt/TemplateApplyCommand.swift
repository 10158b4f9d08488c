import ArgumentParser
import Envelope
import KMSService
import KMSTemplates

struct TemplateApplyCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "apply",
    abstract: "Create or update a stack from a template.",
    discussion: """
      All changes are made, or none. If the template is applied again, nothing changes. A key that \
      is no longer in the template is deleted after its PendingWindowInDays, unless its \
      DeletionPolicy is Retain. KeySpec, KeyUsage and Origin of a key cannot change. Before keys \
      are deleted, you are asked for confirmation on a terminal.

      The plan that you were shown is the plan that is applied. If the template, its parameters or \
      the keystore have changed since, nothing is done, and the exit status is 69. A script reads \
      the digest that 'template plan' prints, and passes it with --plan, and with the same \
      --stack-name.

      Examples:
        envcrypt template apply keys.yaml
        envcrypt template apply keys.yaml --stack-name prod \\
          --parameter-overrides Window=7
        digest=$(envcrypt template plan keys.yaml --json | jq -r .PlanDigest)
        envcrypt template apply keys.yaml --plan "$digest"
      """)

  @OptionGroup var template: TemplateOptions
  @OptionGroup var stack: StackNameOption

  @Flag(
    inversion: .prefixedNo, help: "Fail if there is nothing to change.")
  var failOnEmptyChangeset = false

  @Flag(name: [.short, .long], help: "Do not ask for confirmation.")
  var yes = false

  @Option(
    help: ArgumentHelp(
      "Apply only the plan with this digest, and do not ask.", valueName: "digest"))
  var plan: PlanDigest?

  @Flag(help: "Print JSON, in the form of CloudFormation's DescribeStacks.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let name = try stack.name(for: template)
    let request = try template.request(stackName: name)
    try keystore.withService { try run(request, $0) }
  }

  private func run(_ request: StackRequest, _ service: KeyService) throws {
    let consent = plan.map(StackConsent.toPlan) ?? .wanted(yes: yes)
    let result = try template.placing { try service.applyStack(request, consent: consent) }
    let console = keystore.console()
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

extension StackConsent {
  /// Returns the consent that a command needs: a script has already decided, and `yes` answers the
  /// question in advance.
  static func wanted(yes: Bool) -> StackConsent {
    yes || !Descriptor.standardInput.isTerminal ? .toAnyPlan : .asking { try $0.requireConsent() }
  }
}

extension PlanDigest: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}

extension StackPlan {
  /// Shows a plan that deletes keys, and asks the user for consent. Throws if the user does not
  /// consent.
  fileprivate func requireConsent() throws {
    let count = changes.count { change in
      if case .delete(.some) = change.action { true } else { false }
    }
    guard count > 0 else { return }
    Console().output(coloured: TemplatePlanReport(plan: self, isColoured: Colour.isWanted).text)
    guard try Terminal.confirms("Delete \(Text.count(count, "key"))? [y/N] ") else {
      throw Failure(.noPermission, "nothing was done: not confirmed")
    }
  }
}
