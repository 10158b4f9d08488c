import ArgumentParser
import KMSAPI
import KMSService
import SystemPackage

struct KeyImportCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Import the keys of a keyring file into the keystore.",
    discussion: """
      A key that 'key export' wrote keeps its key ID. A key of another program gets a new key ID, \
      and still opens messages that name it by its old name. Prints the key ID.

      If the file has several keys, all of them are imported, or none. Keys that the keystore has \
      already stay as they are. The aliases of the file are made, except those that name another \
      key here.

      Examples:
        envcrypt key import escrow.json --alias alias/old-backup
        envcrypt key import all-keys.json
        envcrypt key import private.pem
      """)

  @Argument(
    help: ArgumentHelp(
      "A keyring file, or a PEM private key; '-' is standard input.", valueName: "file"),
    completion: .file())
  var file: String

  @Option(help: ArgumentHelp("A name for the key: alias/…", valueName: "alias"))
  var alias: String?

  @Option(help: ArgumentHelp("What the key is for.", valueName: "text"))
  var description: String?

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(name: [.short, .long], help: "Print only the key, warnings and errors.")
  var quiet = false

  @OptionGroup var escrow: EscrowOptions
  @OptionGroup var keystore: KeystoreOptions

  /// The report on a file with several keys.
  private struct Response: Encodable {
    let keys: [KeyMetadata]
    let presentKeyIDs: [String]

    enum CodingKeys: String, CodingKey {
      case keys = "Keys"
      case presentKeyIDs = "PresentKeyIds"
    }
  }

  func run() throws {
    let console = keystore.console(isQuiet: quiet)
    let keys = try SmallFile.readKeysToImport(FilePath(argument: file), escrow)
    guard keys.count == 1 || (alias == nil && description == nil) else {
      throw Failure(
        .usage, "\(name) has \(keys.count) keys, and --alias and --description are for one",
        hint: "import them without, then: envcrypt alias create ALIAS KEY")
    }
    try keystore.withService { service in
      if keys.count == 1 {
        try importOne(keys, service, console)
      } else {
        try importAll(keys, service, console)
      }
    }
  }

  private var name: String { Text.printable(FilePath(argument: file)) }

  private func importOne(
    _ keys: KeysToImport, _ service: KeyService, _ console: Console
  ) throws {
    let key = try service.importKey(keys, description: description ?? "", alias: alias)
    if json {
      try console.json(DescribeKeyRequest.Response(keyMetadata: key))
    } else {
      console.output(key.keyID)
    }
    CopyReminder.note(service, console)
  }

  private func importAll(
    _ keys: KeysToImport, _ service: KeyService, _ console: Console
  ) throws {
    let result = try service.importKeys(keys)
    if json {
      try console.json(Response(keys: result.imported, presentKeyIDs: result.present))
    } else {
      for key in result.imported { console.output(key.keyID) }
    }
    for id in result.present { console.note("key \(id) is in the keystore already") }
    for (alias, keyID) in result.takenAliases {
      console.note("\(alias) names another key here, and not \(keyID)")
    }
    console.note("keys imported from \(name): \(result.imported.count)")
    if !result.imported.isEmpty { CopyReminder.note(service, console) }
  }
}

struct KeyPublicKeyCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "public-key",
    abstract: "Write the public key of a key pair, for 'encrypt --recipient'.",
    discussion: """
      You can encrypt files to RSA keys for ENCRYPT_DECRYPT and to ECC_NIST keys for \
      KEY_AGREEMENT.

      Example:
        envcrypt key public-key alias/offsite -o offsite.pem
      """)

  @Argument(help: ArgumentHelp("Key ID, alias/… or ARN.", valueName: "key"))
  var key: String

  @OptionGroup var output: OutputOptions

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    if !json { try ReportFile.check(output) }
    try keystore.withService(run)
  }

  private func run(_ service: KeyService) throws {
    let response = try service.perform(GetPublicKeyRequest(keyID: key))
    if json {
      try keystore.console().json(response)
    } else {
      try ReportFile.write(
        Array(response.pem.utf8), to: output, permissions: nil, keystore: keystore)
    }
  }
}
