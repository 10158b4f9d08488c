import ArgumentParser
import KMSAPI
import KMSService

struct KeyPolicyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy",
    abstract: "Show, change and test who may do what with a key.",
    discussion: """
      A key policy is a JSON document, as in AWS KMS. A new key has the default policy: the \
      account, which is the owner of the keystore file, may do everything.

      A policy prevents mistakes, not attacks: whoever can read and unlock the keystore file can \
      use its keys without envcrypt.
      """,
    subcommands: [
      KeyPolicyGetCommand.self, KeyPolicyPutCommand.self, KeyPolicyResetCommand.self,
      KeyPolicySimulateCommand.self,
    ])
}

struct KeyPolicyGetCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Print a key's policy.")

  @OptionGroup var key: KeyArgument

  @Flag(help: "Print the KMS API's response, the policy as a string in it.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    let response = try service.perform(GetKeyPolicyRequest(keyID: key.name))
    let console = keystore.console()
    if json {
      try console.json(response)
    } else {
      let text = response.policy.hasSuffix("\n") ? response.policy.dropLast() : response.policy[...]
      console.output(Text.printableLines(String(text)))
    }
  }
}

struct KeyPolicyPutCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Replace the policy of a key.",
    discussion: """
      A policy that would not let you replace it later is refused. A probable mistake, such as an \
      action that does not exist, causes a warning.

      Example:
        envcrypt key policy put alias/backup policy.json
      """)

  @OptionGroup var key: KeyArgument

  @Argument(
    help: ArgumentHelp("The document; '-' is standard input.", valueName: "file"),
    completion: .file())
  var file: String

  @Flag(help: "Accept a policy that you could not change again.")
  var bypassPolicyLockoutSafetyCheck = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let document = try PolicyFile.read(file)
    let console = keystore.console()
    try keystore.withService {
      let request = PutKeyPolicyRequest(
        keyID: key.name, policy: document.text,
        bypassPolicyLockoutSafetyCheck: bypassPolicyLockoutSafetyCheck)
      try Failure.naming(file) { [service = $0] in try service.perform(request) }
      PolicyFile.warn(of: document, on: console)
    }
  }
}

struct KeyPolicyResetCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "reset",
    abstract: "Restore the default policy of a key.",
    discussion: """
      Only the keystore's owner may do this, whatever the key's policy says. It helps if a policy \
      locks everybody out.
      """)

  @OptionGroup var key: KeyArgument
  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService { try $0.resetKeyPolicy(key.name) }
  }
}
