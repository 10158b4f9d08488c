import ArgumentParser
import KMSAPI
import KMSService

struct AliasCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "alias",
    abstract: "Create, update, delete and list aliases: names for keys.",
    subcommands: [
      AliasCreateCommand.self, AliasUpdateCommand.self, AliasDeleteCommand.self,
      AliasListCommand.self,
    ])
}

struct AliasCreateCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Create an alias for a key.",
    discussion: """
      Example:
        envcrypt alias create alias/backup 1f0c2d9e-…
      """)

  @Argument(help: ArgumentHelp("alias/ and 1 to 250 letters, digits, '/', '_', '-'."))
  var alias: String

  @Argument(help: "Key ID, alias/… or ARN.")
  var key: String

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService {
      try $0.perform(CreateAliasRequest(aliasName: alias, targetKeyID: key))
    }
  }
}

struct AliasUpdateCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "update",
    abstract: "Point an alias at another key.",
    discussion: """
      Messages name keys, not aliases: existing messages still decrypt as before.

      Example:
        envcrypt alias update alias/backup alias/backup-2027
      """)

  @Argument(help: "The alias.")
  var alias: String

  @Argument(help: "Key ID, alias/… or ARN.")
  var key: String

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService {
      try $0.perform(UpdateAliasRequest(aliasName: alias, targetKeyID: key))
    }
  }
}

struct AliasDeleteCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Delete an alias. The key stays.")

  @Argument(help: "The alias.")
  var alias: String

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService { try $0.perform(DeleteAliasRequest(aliasName: alias)) }
  }
}

struct AliasListCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List all aliases, or those of one key.")

  @Argument(help: "Key ID, alias/… or ARN.")
  var key: String?

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    var response = try service.performAll(ListAliasesRequest(keyID: key))
    let console = keystore.console()
    if json {
      response.truncated = false
      try console.json(response)
    } else {
      console.output(
        Text.table(
          ["ALIAS", "KEY ID"], response.aliases.map { [$0.aliasName, $0.targetKeyID] }))
    }
  }
}
