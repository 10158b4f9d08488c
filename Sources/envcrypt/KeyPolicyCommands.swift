import ArgumentParser
import Envelope
import SystemPackage

struct KeyPolicyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy",
    abstract: "Who may do what with a key.",
    discussion: """
      A key policy is a document as KMS has them. Without one of its own a key has the standard \
      policy: the account, that is the owner of the keystore file, may do everything.

      A policy holds back mistakes, not adversaries: who can read the keystore file and unlock it does \
      not have to ask envcrypt.
      """,
    subcommands: [
      KeyPolicyGetCommand.self, KeyPolicyPutCommand.self, KeyPolicyResetCommand.self,
      KeyPolicySimulateCommand.self,
    ])
}

struct KeyPolicyGetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Print a key's policy.")

  @OptionGroup var key: KeyArgument
  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let response = try keystore.service().perform(GetKeyPolicyRequest(keyID: key.name))
    Console().output(Text.printableLines(response.policy))
  }
}

struct KeyPolicyPutCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Give a key another policy.",
    discussion: """
      A policy that would keep you from putting another one in its place is refused.

      Example:
        envcrypt key policy put alias/backup policy.json
      """)

  @OptionGroup var key: KeyArgument

  @Argument(
    help: ArgumentHelp("The document; '-' is standard input.", valueName: "file"),
    completion: .file())
  var file: String

  @Flag(help: "Also where you could not change the policy any more.")
  var bypassPolicyLockoutSafetyCheck = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let document = try PolicyFile.read(file)
    let console = Console()
    try keystore.service().perform(
      PutKeyPolicyRequest(
        keyID: key.name, policy: document.text,
        bypassPolicyLockoutSafetyCheck: bypassPolicyLockoutSafetyCheck))
    for warning in document.warnings { console.warning(warning.text) }
  }
}

struct KeyPolicyResetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reset",
    abstract: "Give a key the standard policy again.",
    discussion: """
      Only the keystore's owner may, whatever the key's policy says: for a policy that locks everybody \
      out.
      """)

  @OptionGroup var key: KeyArgument
  @OptionGroup var keystore: KeystoreOptions

  func run() throws { try keystore.service().resetKeyPolicy(key.name) }
}

struct KeyPolicySimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Show which statement of a policy decides.",
    discussion: """
      Ends with status 77 where the policy denies.

      Examples:
        envcrypt key policy simulate alias/backup --principal backup --action kms:Decrypt
        envcrypt key policy simulate alias/backup --policy new.json --account --action kms:PutKeyPolicy
      """)

  @OptionGroup var key: KeyArgument

  @Option(
    help: ArgumentHelp(
      "Who asks: a user's name or ARN; without it, you.", valueName: "principal"))
  var principal: String?

  @Flag(help: "The principal is the account, that is the keystore's owner.")
  var account = false

  @Option(help: ArgumentHelp("What is asked for: kms:Decrypt, …", valueName: "action"))
  var action: String

  @Option(
    help: ArgumentHelp("Ask this document, not the key's own.", valueName: "file"),
    completion: .file())
  var policy: String?

  @OptionGroup var context: ContextOptions
  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let service = try keystore.service()
    let action = action.contains(":") ? action : "kms:\(action)"
    let userName = principal.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
    let simulation = try service.simulatePolicy(
      ofKey: key.name, document: try policy.map(PolicyFile.read),
      userName: userName ?? (account ? service.caller.userName : nil), asAccount: account,
      action: action, encryptionContext: try context.encryptionContext())
    let console = Console()
    for statement in simulation.statements {
      let applies = statement.obstacle.map { "does not apply: \($0)" } ?? "applies"
      console.output(
        Text.printable("\(statement.reference.description), \(statement.effect): \(applies)"))
    }
    switch simulation.decision {
    case .allowed(let statement):
      console.output(Text.printable("allowed by \(statement.description)"))
    case .explicitlyDenied(let statement):
      console.output(Text.printable("denied by \(statement.description)"))
      throw ExitCode(ExitStatus.noPermission.rawValue)
    case .implicitlyDenied:
      console.output("denied: no statement allows it")
      throw ExitCode(ExitStatus.noPermission.rawValue)
    }
  }
}

/// A policy document in a file.
enum PolicyFile {
  static func read(_ name: String) throws -> KeyPolicy {
    let path = FilePath(argument: name)
    let bytes = try SmallFile.read(path, limit: 1 << 20, as: "key policy")
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "\(Text.printable(path)) is not UTF-8")
    }
    do throws(PolicyError) {
      return try KeyPolicy(parsing: text)
    } catch {
      throw Failure(error).about(Text.printable(path))
    }
  }
}

extension PolicyWarning {
  var text: String {
    Text.printable(
      "\(statement.description): '\(action)' matches no action; is \(nearest) meant?")
  }
}
