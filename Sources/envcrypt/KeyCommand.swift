import ArgumentParser
import Envelope
import Foundation
import SystemPackage

struct KeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "Make, show, export and import master keys.",
    subcommands: [
      KeyCreateCommand.self, KeyListCommand.self, KeyDescribeCommand.self, KeyExportCommand.self,
      KeyImportCommand.self, KeyPublicKeyCommand.self,
    ])
}

/// `{"KeyMetadata": …}`, as CreateKey and DescribeKey answer.
private struct KeyMetadataResponse: Encodable {
  let metadata: KeyMetadata

  enum CodingKeys: String, CodingKey { case metadata = "KeyMetadata" }
}

struct KeyCreateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Make a master key.",
    discussion: """
      Prints the key ID.

      Examples:
        envcrypt key create --alias alias/backup
        envcrypt key create --spec RSA_4096 --description "offsite" --alias alias/offsite
      """)

  @Option(
    help: ArgumentHelp(
      "SYMMETRIC_DEFAULT, RSA_2048, RSA_3072 or RSA_4096.", valueName: "spec"))
  var spec = KeySpec.symmetricDefault

  @Option(help: ArgumentHelp("What the key is for.", valueName: "text"))
  var description = ""

  @Option(help: ArgumentHelp("A name for the key: alias/…", valueName: "alias"))
  var alias: String?

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let key = try keystore.service().createKey(
      spec: spec, description: description, alias: alias)
    let console = Console()
    if json {
      try console.json(KeyMetadataResponse(metadata: key))
    } else {
      console.output(key.keyID)
    }
  }
}

struct KeyListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the keys of the keystore.")

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  private struct Response: Encodable {
    struct Entry: Encodable {
      let keyID: String
      let keyARN: String

      enum CodingKeys: String, CodingKey {
        case keyID = "KeyId"
        case keyARN = "KeyArn"
      }
    }
    let keys: [Entry]
    let truncated = false

    enum CodingKeys: String, CodingKey {
      case keys = "Keys"
      case truncated = "Truncated"
    }
  }

  func run() throws {
    let service = try keystore.service()
    let console = Console()
    let keys = try service.listKeys()
    if json {
      try console.json(Response(keys: keys.map { .init(keyID: $0.keyID, keyARN: $0.arn) }))
      return
    }
    let aliases = Dictionary(grouping: try service.listAliases(), by: \.targetKeyID)
    console.output(
      Text.table(
        ["KEY ID", "SPEC", "STATE", "CREATED", "ALIASES", "DESCRIPTION"],
        keys.map { key in
          [
            key.keyID, key.keySpec.rawValue, key.keyState.rawValue, Text.day(key.creationDate),
            (aliases[key.keyID] ?? []).map(\.aliasName).joined(separator: ", "), key.description,
          ]
        }))
  }
}

struct KeyDescribeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe", abstract: "Show what is known of a key.")

  @Argument(help: ArgumentHelp("Key ID, alias/… or ARN.", valueName: "key"))
  var key: String

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let service = try keystore.service()
    let console = Console()
    let metadata = try service.describeKey(key)
    if json {
      try console.json(KeyMetadataResponse(metadata: metadata))
      return
    }
    let aliases = try service.listAliases(target: metadata.keyID).map(\.aliasName)
    var lines = [
      ("key ID", metadata.keyID), ("ARN", metadata.arn), ("spec", metadata.keySpec.rawValue),
      ("usage", metadata.keyUsage.rawValue), ("state", metadata.keyState.rawValue),
      ("origin", metadata.origin.rawValue), ("created", Text.day(metadata.creationDate)),
      ("description", metadata.description), ("aliases", aliases.joined(separator: ", ")),
    ]
    for version in try service.keyVersions(metadata.keyID) {
      var text = "\(version.version), created \(Text.day(version.creationDate))"
      if let fingerprint = version.fingerprint { text += ", public key SHA-256 \(fingerprint)" }
      if let name = version.foreignName { text += ", imported as \(name)" }
      lines.append(("version", text))
    }
    console.output(
      lines.map { name, value in
        name + String(repeating: " ", count: 13 - name.count) + Text.printable(value)
      }.joined(separator: "\n"))
  }
}

struct KeyExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a key's material to a keyring file: the escrow copy.",
    discussion: """
      The file opens every message under the key, with envcrypt (--keyring) or any AWS Encryption \
      SDK, without the keystore. It is the key itself, in the clear: keep it where no one finds it \
      and fire does not reach it. The passphrase is asked for where the keystore has one.

      Example:
        envcrypt key export alias/default -o escrow.json
      """)

  @Argument(help: ArgumentHelp("Key ID, alias/… or ARN.", valueName: "key"))
  var key: String

  @OptionGroup var output: OutputOptions
  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let console = Console()
    if output.output == nil || output.output == "-", Descriptor.standardOutput.isTerminal {
      throw Failure(
        .usage, "a key is not shown on a terminal", hint: "write it to a file with -o FILE")
    }
    let text = try keystore.service().exportKey(key).serialized()
    try ReportFile.write(text, to: output, permissions: 0o600)
    console.warning("this is the key in the clear: whoever has it opens every message under it")
  }
}

struct KeyImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Take a key from a keyring file into the keystore.",
    discussion: """
      A key that 'key export' wrote keeps its key ID. Another program's key gets a new one, and \
      messages that know it by its own name open with it. Prints the key ID.

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

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let console = Console()
    let path = FilePath(argument: file)
    let keyring: KeyringFile
    do {
      keyring = try KeyringFile(
        parsing: try SmallFile.read(path, limit: KeyringFile.sizeLimit))
    } catch let error as KeyringError {
      throw Failure(error).about(Text.printable(path))
    }
    let key = try keystore.service().importKey(
      keyring, description: description, alias: alias)
    if json {
      try console.json(KeyMetadataResponse(metadata: key))
    } else {
      console.output(key.keyID)
    }
  }
}

struct KeyPublicKeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "public-key",
    abstract: "Write an RSA key's public half, for 'encrypt --recipient'.",
    discussion: """
      Example:
        envcrypt key public-key alias/offsite -o offsite.pem
      """)

  @Argument(help: ArgumentHelp("Key ID, alias/… or ARN.", valueName: "key"))
  var key: String

  @OptionGroup var output: OutputOptions

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  /// GetPublicKey's answer: DER in base64, which is what stands between the PEM's two lines.
  private struct Response: Encodable {
    let metadata: KeyMetadata
    let publicKey: String

    enum CodingKeys: String, CodingKey {
      case keyID = "KeyId"
      case publicKey = "PublicKey"
      case keySpec = "KeySpec"
      case customerMasterKeySpec = "CustomerMasterKeySpec"
      case keyUsage = "KeyUsage"
      case encryptionAlgorithms = "EncryptionAlgorithms"
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(metadata.arn, forKey: .keyID)
      try container.encode(publicKey, forKey: .publicKey)
      try container.encode(metadata.keySpec, forKey: .keySpec)
      try container.encode(metadata.keySpec, forKey: .customerMasterKeySpec)
      try container.encode(metadata.keyUsage, forKey: .keyUsage)
      try container.encode(metadata.encryptionAlgorithms, forKey: .encryptionAlgorithms)
    }
  }

  func run() throws {
    let (metadata, pem) = try keystore.service().publicKey(key)
    if json {
      let body = pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
      try Console().json(Response(metadata: metadata, publicKey: body))
    } else {
      try ReportFile.write(Array(pem.utf8), to: output, permissions: nil)
    }
  }
}

/// A small output that a person may want in a file.
enum ReportFile {
  static func write(
    _ bytes: [UInt8], to options: OutputOptions, permissions: mode_t?
  ) throws {
    guard let name = options.output, name != "-" else {
      try DescriptorSink(.standardOutput).write(bytes.span.bytes)
      return
    }
    let file = try OutputFile(
      FilePath(argument: name), replacing: options.force, permissions: permissions,
      leftovers: Leftovers())
    try file.write(bytes.span.bytes)
    try file.commit(synchronizing: true)
  }
}

extension Text {
  /// "2026-11-23 20:15 UTC".
  static func day(_ date: Date) -> String {
    let text = date.formatted(Date.ISO8601FormatStyle())
    return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
  }
}
