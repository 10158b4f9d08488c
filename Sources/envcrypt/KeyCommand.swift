import ArgumentParser
import KMSAPI
import KMSService

struct KeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "Make, show, change and delete master keys.",
    subcommands: [
      KeyCreateCommand.self, KeyListCommand.self, KeyDescribeCommand.self, KeyUpdateCommand.self,
      KeyEnableCommand.self, KeyDisableCommand.self, KeyRotateCommand.self,
      KeyRotationCommand.self, KeyScheduleDeletionCommand.self, KeyCancelDeletionCommand.self,
      KeyTagCommand.self, KeyUntagCommand.self, KeyPolicyCommand.self, KeyGrantCommand.self,
      KeyExportCommand.self, KeyImportCommand.self, KeyPublicKeyCommand.self,
    ])
}

/// The key that a command works on.
struct KeyArgument: ParsableArguments {
  @Argument(help: ArgumentHelp("Key ID, alias/… or ARN.", valueName: "key"))
  var name: String
}

struct KeyCreateCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Make a master key.",
    discussion: """
      Prints the key ID. SYMMETRIC_DEFAULT keys, RSA keys for ENCRYPT_DECRYPT, and ECC_NIST keys \
      for KEY_AGREEMENT can encrypt files. Other keys sign data or make MACs ('envcrypt kms sign', \
      'envcrypt kms generate-mac').

      Examples:
        envcrypt key create --alias alias/backup
        envcrypt key create --spec RSA_4096 --alias alias/offsite
        envcrypt key create --spec ECC_NIST_P256 --usage KEY_AGREEMENT \\
          --alias alias/hosts
        envcrypt key create --origin EXTERNAL      waits for 'kms import-key-material'
      """)

  @Option(
    help: ArgumentHelp("The type of the key.", valueName: "spec"))
  var spec = KeySpec.symmetricDefault

  @Option(
    help: ArgumentHelp(
      "What the key can do.",
      discussion:
        "Required if the spec has more than one. The default for RSA keys is ENCRYPT_DECRYPT.",
      valueName: "usage"))
  var usage: KeyUsage?

  @Option(
    help: ArgumentHelp(
      "Where the material comes from: the keystore, or you, by an import.", valueName: "origin"))
  var origin = KeyOrigin.awsKMS

  @Option(help: ArgumentHelp("What the key is for.", valueName: "text"))
  var description = ""

  @Option(help: ArgumentHelp("A name for the key: alias/…", valueName: "alias"))
  var alias: String?

  @Option(name: .customLong("tag"), help: ArgumentHelp("A tag.", valueName: "key=value"))
  var tags: [String] = []

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(name: [.short, .long], help: "Print only the key, warnings and errors.")
  var quiet = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let request = CreateKeyRequest(
      keySpec: spec, keyUsage: usage ?? defaultUsage, description: description, origin: origin,
      tags: try tags.map(Tag.init(argument:)))
    try keystore.withService { service in
      let key = try service.createKey(request, alias: alias)
      let console = keystore.console(isQuiet: quiet)
      if json {
        try console.json(DescribeKeyRequest.Response(keyMetadata: key))
      } else {
        console.output(key.keyID)
      }
      CopyReminder.note(service, console)
    }
  }

  /// The usage if none is given. Nil for a NIST curve, whose keys may be for signing or for key
  /// agreement: the user has to choose. RSA keys are for encryption.
  private var defaultUsage: KeyUsage? {
    let usages = spec.keyUsages
    return usages.count == 1 || usages.contains(.encryptDecrypt) ? usages.first : nil
  }
}

struct KeyListCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the keys of the keystore.")

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    let console = keystore.console()
    if json {
      var response = try service.performAll(ListKeysRequest())
      response.truncated = false
      return try console.json(response)
    }
    let aliases = Dictionary(
      grouping: try service.performAll(ListAliasesRequest()).aliases, by: \.targetKeyID)
    console.output(
      Text.table(
        ["KEY ID", "SPEC", "USAGE", "STATE", "MANAGER", "CREATED", "ALIASES", "DESCRIPTION"],
        try service.listKeyMetadata().map { key in
          [
            key.keyID, key.keySpec.rawValue, key.keyUsage.rawValue, key.keyState.rawValue,
            key.keyManager.rawValue, Text.day(key.creationDate),
            (aliases[key.keyID] ?? []).map(\.aliasName).joined(separator: ", "), key.description,
          ]
        }))
  }
}

struct KeyDescribeCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "describe", abstract: "Show the details of a key.")

  @OptionGroup var key: KeyArgument

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    let console = keystore.console()
    let response = try service.perform(DescribeKeyRequest(keyID: key.name))
    if json { return try console.json(response) }
    console.output(
      try KeyReport(response.keyMetadata, service).lines.map { name, value in
        name + String(repeating: " ", count: 13 - name.count) + Text.printable(value)
      }.joined(separator: "\n"))
  }
}

struct KeyUpdateCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "update", abstract: "Change a key's description.")

  @OptionGroup var key: KeyArgument

  @Option(help: ArgumentHelp("What the key is for.", valueName: "text"))
  var description: String

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService {
      try $0.perform(UpdateKeyDescriptionRequest(keyID: key.name, description: description))
    }
  }
}
