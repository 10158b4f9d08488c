import ArgumentParser
import Envelope
import KMSAPI
import KMSPolicy
import KMSService

struct KeyGrantCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grant",
    abstract: "Let a user use a key, without changing its policy.",
    discussion: """
      A grant allows one user some operations with one key, until it is retired or revoked. It \
      adds to the key's policy, but it cannot allow what the policy explicitly denies.
      """,
    subcommands: [
      KeyGrantCreateCommand.self, KeyGrantListCommand.self, KeyGrantRetireCommand.self,
      KeyGrantRevokeCommand.self,
    ])
}

struct KeyGrantCreateCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Make a grant. Prints its ID.",
    discussion: """
      With -c, the grant is only for encryption contexts that have these pairs; with --exact, only \
      for contexts that have these pairs and no others.

      Examples:
        envcrypt key grant create alias/backup --grantee restore --operation Decrypt
        envcrypt key grant create alias/backup --grantee ci \\
          --operations Encrypt GenerateDataKey -c purpose=ci --retiring ci
      """)

  @OptionGroup var key: KeyArgument

  @Option(
    name: .customLong("grantee"),
    help: ArgumentHelp("Who gets the grant: a user's name or ARN.", valueName: "principal"))
  var grantee: String

  @Option(
    name: [.customLong("operation"), .customLong("operations")], parsing: .upToNextOption,
    help: ArgumentHelp(
      "An operation to allow, or several.",
      valueName: "operation"))
  var operations: [GrantOperation]

  @Option(
    name: .customLong("retiring"),
    help: ArgumentHelp(
      "Who may retire the grant, besides the account: a user's name or ARN.",
      valueName: "principal"))
  var retiring: String?

  @Option(help: "A name. If the request is repeated with the same name, no second grant is made.")
  var name: String?

  @OptionGroup var context: ContextOptions

  @Flag(help: "The context must have the pairs of -c and no others.")
  var exact = false

  @Flag(help: "Print the KMS API's response.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func validate() throws {
    if exact, context.pairs.isEmpty { throw ValidationError("--exact needs pairs: -c key=value") }
  }

  func run() throws {
    var constraints: GrantConstraints?
    if let pairs = try context.requestContext() {
      constraints =
        exact
        ? GrantConstraints(encryptionContextEquals: pairs)
        : GrantConstraints(encryptionContextSubset: pairs)
    }
    var request = CreateGrantRequest(
      keyID: key.name, granteePrincipal: Principal.arn(grantee), operations: operations,
      constraints: constraints)
    request.retiringPrincipal = retiring.map(Principal.arn)
    request.name = name
    try keystore.withService { service in
      let response = try service.perform(request)
      let console = keystore.console()
      if json {
        try console.json(response)
      } else {
        console.output(response.grantID)
      }
    }
  }
}

struct KeyGrantListCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the grants of a key, or those that a user may retire.",
    discussion: """
      Examples:
        envcrypt key grant list alias/backup
        envcrypt key grant list --retirable-by ci
      """)

  @Argument(help: ArgumentHelp("Key ID, alias/… or ARN.", valueName: "key"))
  var key: String?

  @Option(
    name: .customLong("grantee"),
    help: ArgumentHelp("Only grants to this user.", valueName: "principal"))
  var grantee: String?

  @Option(
    help: ArgumentHelp(
      "List the grants of all keys that this user may retire.", valueName: "principal"))
  var retirableBy: String?

  @Flag(help: "Print the KMS API's response.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func validate() throws {
    if (key == nil) == (retirableBy == nil) {
      throw ValidationError("name a key, or use --retirable-by")
    }
  }

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    let response =
      if let key {
        try service.performAll(
          ListGrantsRequest(keyID: key, granteePrincipal: grantee.map(Principal.arn)))
      } else {
        try service.performAll(
          ListRetirableGrantsRequest(retiringPrincipal: Principal.arn(retirableBy ?? "")))
      }
    let console = keystore.console()
    if json { return try console.json(response) }
    for grant in response.grants { console.output(Text.printable(grant.line)) }
  }
}

struct KeyGrantRetireCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "retire",
    abstract: "Retire a grant, as a user who may retire it.",
    discussion: "The account, the retiring principal, and a grantee with RetireGrant may do this.")

  @OptionGroup var key: KeyArgument
  @OptionGroup var grant: GrantArgument
  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService {
      try $0.perform(RetireGrantRequest(keyID: key.name, grantID: grant.id))
    }
  }
}

struct KeyGrantRevokeCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Revoke a grant, as an administrator of the key.")

  @OptionGroup var key: KeyArgument
  @OptionGroup var grant: GrantArgument
  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService {
      try $0.perform(RevokeGrantRequest(keyID: key.name, grantID: grant.id))
    }
  }
}

struct GrantArgument: ParsableArguments {
  @Argument(help: ArgumentHelp("The grant's ID.", valueName: "grant-id"))
  var id: String
}

extension GrantOperation: ExpressibleByArgument {}

/// Converts the principal that a person names.
enum Principal {
  /// Returns the ARN of a user, given as an ARN or as a name.
  static func arn(_ text: String) -> String {
    text.hasPrefix("arn:") ? text : PolicyPrincipal(userName: text, isOwner: false).arn
  }
}

extension Grant {
  /// "ID  to NAME: Decrypt, with purpose=backup, retired by NAME".
  fileprivate var line: String {
    var text = "\(grantID)  to \(Self.name(granteePrincipal)): "
    text += operations.map(\.rawValue).joined(separator: ", ")
    if let pairs = constraints?.encryptionContextSubset { text += ", with \(Self.list(pairs))" }
    if let pairs = constraints?.encryptionContextEquals {
      text += ", with exactly \(Self.list(pairs))"
    }
    if let retiringPrincipal { text += ", retired by \(Self.name(retiringPrincipal))" }
    if let name { text += ", named \(name)" }
    return text
  }

  private static func name(_ arn: String) -> String {
    arn == Account.arn ? "the account" : String(arn.split(separator: "/").last ?? "")
  }

  private static func list(_ context: EncryptionContext) -> String {
    context.pairs.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
  }
}
