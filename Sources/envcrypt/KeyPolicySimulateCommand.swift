import ArgumentParser
import KMSPolicy
import KMSService

struct KeyPolicySimulateCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Show which statement of a policy decides.",
    discussion: """
      The exit status is 77 if the policy denies one of the actions. Nothing is changed.

      Examples:
        envcrypt key policy simulate alias/backup --principal backup \\
          --action kms:Decrypt
        envcrypt key policy simulate alias/backup --policy new.json --account \\
          --action kms:PutKeyPolicy
        envcrypt key policy simulate alias/backup --action kms:Decrypt \\
          -c purpose=backup
      """)

  @OptionGroup var key: KeyArgument

  @Option(
    help: ArgumentHelp(
      "The user who asks: a name or ARN (default: you).", valueName: "principal"))
  var principal: String?

  @Flag(help: "The principal is the account, which is the keystore's owner.")
  var account = false

  @Option(help: ArgumentHelp("The action: kms:Decrypt, …", valueName: "action"))
  var action: [String]

  @Option(
    help: ArgumentHelp("Test this policy instead of the key's own.", valueName: "file"),
    completion: .file())
  var policy: String?

  @OptionGroup var context: ContextOptions

  @Option(
    name: .customLong("condition"),
    help: ArgumentHelp(
      "Another condition key of the request: kms:SigningAlgorithm=ECDSA_SHA_256, …",
      valueName: "key=value"))
  var conditions: [String] = []

  @Flag(help: "Print JSON, with the names of IAM's SimulatePrincipalPolicy.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    var simulation = PolicySimulation(
      keyID: key.name, document: try policy.map(PolicyFile.read),
      principal: try asking(service), action: "",
      encryptionContext: try context.encryptionContext())
    simulation.conditions = try conditions.map(Self.pair)
    let results = try action.map { action in
      simulation.action = try Self.action(action)
      return PolicyReport(
        action: simulation.action, result: try service.simulate(simulation))
    }
    let console = keystore.console()
    if json {
      try console.json(["EvaluationResults": results])
    } else {
      console.output(results.map(\.text).joined(separator: "\n"))
    }
    guard results.allSatisfy(\.result.isAllowed) else {
      throw ExitCode(ExitStatus.noPermission.rawValue)
    }
  }

  /// Returns the action in the spelling of KMS. Throws `Failure` for an action of KMS that does not
  /// exist: a policy that allows everything would seem to allow it.
  private static func action(_ text: String) throws -> String {
    let action = text.contains(":") ? text : PolicyActions.prefix + text
    if PolicyActions.isOther(action) { return action }
    guard let known = PolicyActions.known(action) else {
      throw Failure(
        .usage,
        "'\(Text.printable(action))' is not an action of KMS"
          + Text.suggestion(PolicyActions.nearest(to: action)),
        hint: "an action is kms: and an operation that 'envcrypt kms help' lists: kms:Decrypt")
    }
    return known
  }

  private func asking(_ service: KeyService) throws -> PolicyPrincipal? {
    guard let principal else {
      return account
        ? PolicyPrincipal(userName: service.caller.userName, isOwner: true) : nil
    }
    if principal.hasPrefix("arn:") {
      return try PolicyPrincipal(arn: principal, isOwner: account)
    }
    return PolicyPrincipal(userName: principal, isOwner: account)
  }

  private static func pair(_ text: String) throws -> (name: String, value: String) {
    guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
      throw Failure(
        .usage, "'\(Text.printable(text))' is not a condition", hint: "--condition key=value")
    }
    return (String(text[..<equals]), String(text[text.index(after: equals)...]))
  }
}

/// The decision of a policy about one action, as text or as JSON.
struct PolicyReport: Encodable {
  let action: String
  let result: PolicySimulationResult
  private var explanation: PolicyExplanation { result.explanation }

  var text: String {
    let statements = explanation.statements.map { entry in
      let reasons = entry.mismatches.map(\.text).joined(separator: ", ")
      return "  \(entry.statement), \(entry.effect.rawValue): "
        + (entry.applies ? "applies" : "does not apply: \(reasons)")
    }
    return ([line] + statements).map { Text.printable($0) }.joined(separator: "\n")
  }

  private var line: String {
    switch explanation.decision {
    case .allowed(let statement): "\(action): allowed by \(statement)"
    case .explicitlyDenied(let statement): "\(action): denied by \(statement)"
    case .implicitlyDenied where result.isAllowed:
      "\(action): allowed by grant \(result.grantIDs[0])"
    case .implicitlyDenied: "\(action): denied: no statement and no grant allows it"
    }
  }

  private enum Name: String, CodingKey {
    case action = "EvalActionName"
    case decision = "EvalDecision"
    case statements = "Statements"
    case statement = "Statement"
    case sid = "Sid"
    case effect = "Effect"
    case applies = "Applies"
    case mismatches = "Mismatches"
    case grantIDs = "GrantIds"
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    try container.encode(action, forKey: .action)
    let decision =
      switch explanation.decision {
      case .allowed: "allowed"
      case .explicitlyDenied: "explicitDeny"
      case .implicitlyDenied: result.isAllowed ? "allowed" : "implicitDeny"
      }
    try container.encode(decision, forKey: .decision)
    try container.encode(result.grantIDs, forKey: .grantIDs)
    var statements = container.nestedUnkeyedContainer(forKey: .statements)
    for entry in explanation.statements {
      var container = statements.nestedContainer(keyedBy: Name.self)
      try container.encode(entry.statement.index, forKey: .statement)
      try container.encodeIfPresent(entry.statement.sid, forKey: .sid)
      try container.encode(entry.effect.rawValue, forKey: .effect)
      try container.encode(entry.applies, forKey: .applies)
      try container.encode(entry.mismatches.map(\.text), forKey: .mismatches)
    }
  }
}

extension PolicyMismatch {
  fileprivate var text: String {
    switch self {
    case .principal: "another principal"
    case .action: "another action"
    case .resource: "another resource"
    case .condition(let condition): "condition \(condition)"
    }
  }
}
