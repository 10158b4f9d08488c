import ArgumentParser
import Envelope
import KMSAPI
import KMSService
import SystemPackage

struct DataKeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data-key",
    abstract: "Make data keys for other programs, and unwrap them again.",
    subcommands: [DataKeyGenerateCommand.self, DataKeyDecryptCommand.self])
}

struct DataKeyGenerateCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Make a random data key, and wrap it under a master key.",
    discussion: """
      Writes the wrapped key to a file: keep it with the data that the data key encrypts. Writes \
      the data key itself to standard output, as raw bytes, but not to a terminal.

      Examples:
        envcrypt data-key generate -k alias/disks -o disk.key.wrapped \\
          | cryptsetup luksFormat -d - …
        envcrypt data-key decrypt disk.key.wrapped | cryptsetup open -d - …
        envcrypt data-key generate -k alias/disks -o k --no-plaintext   for later use
        envcrypt data-key generate -k alias/disks --json                both as base64
      """)

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("Key ID, alias/… or ARN; default: as for 'encrypt'.", valueName: "key"))
  var key: String?

  @Option(help: ArgumentHelp("The type of the data key; default: AES_256.", valueName: "spec"))
  var spec: DataKeySpec?

  @Option(help: ArgumentHelp("The length, 1 to 1024, instead of --spec.", valueName: "n"))
  var bytes: Int?

  @OptionGroup var context: ContextOptions
  @OptionGroup var output: OutputOptions

  @Flag(
    name: .customLong("no-plaintext"), help: "Write only the wrapped key.")
  var withoutPlaintext = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  mutating func validate() throws {
    if json, output.output != nil {
      throw ValidationError("--json and --output cannot be used together")
    }
    if !json, output.output == nil || output.output == "-" {
      throw ValidationError("the wrapped key needs a file: --output FILE, or --json")
    }
    if spec != nil, bytes != nil {
      throw ValidationError("--spec and --bytes cannot be used together")
    }
  }

  func run() throws {
    let console = keystore.console()
    if !json, !withoutPlaintext { try SecretOutput.refuseTerminal() }
    if !json { try ReportFile.check(output) }
    try keystore.withService { try run($0, console) }
  }

  /// The named key, or else the only key of the settings.
  private func keyID() throws -> String {
    if let key { return key }
    let keys = try Settings.current.keys(options: [])
    guard keys.value.count == 1 else {
      throw Failure(
        .configuration,
        "\(keys.source.text) names \(keys.value.count) keys, and only one can wrap a data key",
        hint: "name one with -k")
    }
    return keys.value[0]
  }

  private func run(_ service: KeyService, _ console: Console) throws {
    let key = try keyID()
    let pairs = try context.requestContext()
    let spec = spec ?? (bytes == nil ? .aes256 : nil)
    if withoutPlaintext {
      let response = try service.perform(
        GenerateDataKeyWithoutPlaintextRequest(
          keyID: key, encryptionContext: pairs, keySpec: spec, numberOfBytes: bytes))
      if json { return try console.json(response) }
      return try ReportFile.write(
        response.ciphertextBlob.bytes, to: output, permissions: 0o600, keystore: keystore)
    }
    let response = try service.perform(
      GenerateDataKeyRequest(
        keyID: key, encryptionContext: pairs, keySpec: spec, numberOfBytes: bytes))
    if json { return try console.json(response) }
    // Write the wrapped key first: nobody should use a data key whose wrapped form was not stored.
    try ReportFile.write(
      response.ciphertextBlob.bytes, to: output, permissions: 0o600, keystore: keystore)
    try SecretOutput.write(response.plaintext)
  }
}

struct DataKeyDecryptCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "decrypt",
    abstract: "Unwrap a data key.",
    discussion: """
      Writes the bytes of the data key to standard output. The encryption context must be exactly \
      the one that was given to 'generate'.

      Example:
        envcrypt data-key decrypt disk.key.wrapped -c disk=sdb \\
          | cryptsetup open -d - …
      """)

  @Argument(
    help: ArgumentHelp("The wrapped key; none or '-' is standard input.", valueName: "file"),
    completion: .file())
  var file = "-"

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("Accept only this wrapping key: key ID, alias/… or ARN.", valueName: "key"))
  var key: String?

  @OptionGroup var context: ContextOptions

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    if !json { try SecretOutput.refuseTerminal() }
    let wrapped = try SmallFile.read(FilePath(argument: file), limit: 1 << 16)
    try keystore.withService { service in
      let request = DecryptRequest(
        ciphertextBlob: Blob(wrapped), encryptionContext: try context.requestContext(), keyID: key)
      let response = try Failure.naming(file) { try service.perform(request) }
      if json { return try keystore.console().json(response) }
      try SecretOutput.write(response.plaintext)
    }
  }
}

/// Writes a secret to standard output, for the next program.
enum SecretOutput {
  static func refuseTerminal() throws {
    guard Descriptor.standardOutput.isTerminal else { return }
    throw Failure(
      .usage, "a data key is not shown on a terminal",
      hint: "pipe it into the program that uses it, or print base64 with --json instead of --output"
    )
  }

  static func write(_ secret: SecretBlob) throws {
    try secret.withBytes { try DescriptorSink(.standardOutput).write($0) }
  }
}

extension ContextOptions {
  /// Returns the context in the form of the KMS API; nil if it is empty.
  func requestContext() throws -> EncryptionContext? {
    let context = try encryptionContext()
    return context.isEmpty ? nil : context
  }
}
