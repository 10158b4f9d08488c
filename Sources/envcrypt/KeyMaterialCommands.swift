import ArgumentParser
import KMSAPI
import KMSService
import SystemPackage

struct KeyImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Import a key from a keyring file into the keystore.",
    discussion: """
      A key that 'key export' wrote keeps its key ID. A key of another program gets a new key ID, \
      and still opens messages that name it by its old name. Prints the key ID.

      Examples:
        envcrypt key import escrow.json --alias alias/old-backup
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
  var description = ""

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(name: [.short, .long], help: "Print only the key, warnings and errors.")
  var quiet = false

  @OptionGroup var escrow: EscrowOptions
  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let console = Console(isQuiet: quiet)
    let keyring = try SmallFile.readKeysToImport(FilePath(argument: file), escrow)
    try keystore.withService { service in
      let key = try service.importKey(keyring, description: description, alias: alias)
      if json {
        try console.json(DescribeKeyRequest.Response(keyMetadata: key))
      } else {
        console.output(key.keyID)
      }
      CopyReminder.note(service, console)
    }
  }
}

struct KeyPublicKeyCommand: ParsableCommand {
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

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    let response = try service.perform(GetPublicKeyRequest(keyID: key))
    if json {
      try Console().json(response)
    } else {
      try ReportFile.write(
        Array(response.pem.utf8), to: output, permissions: nil, keystore: keystore)
    }
  }
}
