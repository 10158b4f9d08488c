import ArgumentParser
import KMSAPI
import KMSService
import SystemPackage

struct KeyPolicyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy",
    abstract: "Who may do what with a key.",
    discussion: """
      A key policy is a document as KMS has them. Until it is given another, a key has the default \
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

  @Flag(help: "Print the KMS API's response, the policy as a string in it.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    let response = try service.perform(GetKeyPolicyRequest(keyID: key.name))
    let console = Console()
    if json {
      try console.json(response)
    } else {
      let text = response.policy.hasSuffix("\n") ? response.policy.dropLast() : response.policy[...]
      console.output(Text.printableLines(String(text)))
    }
  }
}

struct KeyPolicyPutCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Give a key another policy.",
    discussion: """
      A policy that would keep you from putting another one in its place is refused. What is \
      probably not meant, such as an action that there is not, is warned of.

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
    try keystore.withService {
      try $0.perform(
        PutKeyPolicyRequest(
          keyID: key.name, policy: document.text,
          bypassPolicyLockoutSafetyCheck: bypassPolicyLockoutSafetyCheck))
      PolicyFile.warn(of: document, on: console)
    }
  }
}

struct KeyPolicyResetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reset",
    abstract: "Give a key the default policy again.",
    discussion: """
      Only the keystore's owner may, whatever the key's policy says: for a policy that locks everybody \
      out.
      """)

  @OptionGroup var key: KeyArgument
  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService { try $0.resetKeyPolicy(key.name) }
  }
}
