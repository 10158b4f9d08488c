import ArgumentParser
import Envelope
import Foundation
import KMSKeystore
import KMSService
import SystemPackage

struct KeystoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keystore",
    abstract: "Show, check and back up the keystore, and change what unlocks it.",
    subcommands: [
      KeystoreStatusCommand.self, KeystoreCheckCommand.self, KeystoreAuditCommand.self,
      KeystoreRequireAuditCommand.self, KeystoreBackupCommand.self,
      KeystoreRestoreCommand.self, KeystorePasswdCommand.self, ProtectorCommand.self,
    ])
}

struct KeystoreStatusCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show where the keystore is and what is in it.")

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  private struct Response: Encodable {
    let path: String
    let keystoreID: String
    let creationDate: Date
    let keys: Int
    let aliases: Int
    let protectors: [ProtectorReport]
    /// True if a key is used only if the use can be recorded.
    let requiresAudit: Bool
    /// The number of key versions that the last backup or export lacks; nil if there is none.
    let versionsSinceCopy: Int?
    /// Warnings about the location of the file and about keys that have wrapped too many data keys.
    let warnings: [String]
    /// The keys and key material that are due to be destroyed and still exist.
    let due: [DueReport]

    enum CodingKeys: String, CodingKey {
      case warnings = "Warnings"
      case path = "Path"
      case keystoreID = "KeystoreId"
      case creationDate = "CreationDate"
      case keys = "Keys"
      case aliases = "Aliases"
      case protectors = "Protectors"
      case due = "DueDestructions"
      case requiresAudit = "RequiresAudit"
      case versionsSinceCopy = "VersionsSinceCopy"
    }
  }

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    let store = service.keystore
    let counts = try service.counts()
    let due = try service.dueDestructions()
    let response = Response(
      path: Text.printable(store.path), keystoreID: store.id, creationDate: store.creationDate,
      keys: counts.keys, aliases: counts.aliases,
      protectors: try store.protectors().map(ProtectorReport.init),
      requiresAudit: store.requiresAudit, versionsSinceCopy: try store.versionsSinceCopy(),
      warnings: try store.exposures().map(ExposureWarning.reason)
        + service.wornVersions().map(\.warning),
      due: due.items.map(DueReport.init))
    let console = keystore.console()
    if json {
      try console.json(response)
      return
    }
    let protectors = response.protectors.map(\.summary).joined(separator: ", ")
    console.output(
      """
      keystore    \(response.path)
      ID          \(response.keystoreID)
      created     \(Text.day(response.creationDate))
      keys        \(response.keys)
      aliases     \(response.aliases)
      protectors  \(protectors)
      audit       \(response.requiresAudit ? "required for each use of a key" : "not required")
      last copy   \(CopyReminder.summary(response.versionsSinceCopy))
      """)
    if let summary = due.summary { console.output("due         \(summary)") }
    for warning in response.warnings { console.output("warning     \(warning)") }
  }
}

struct ProtectorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "protector",
    abstract: "Manage the protectors. Each of them unlocks the keystore.",
    discussion: """
      Only the keystore's owner may add and remove protectors. The audit log records this.
      """,
    subcommands: [ProtectorAddCommand.self, ProtectorRemoveCommand.self, ProtectorListCommand.self])
}

struct ProtectorReport: Encodable {
  let protectorID: String
  let type: String
  let creationDate: Date
  let keyFile: String?
  let label: String?

  enum CodingKeys: String, CodingKey {
    case protectorID = "ProtectorId"
    case type = "Type"
    case creationDate = "CreationDate"
    case keyFile = "KeyFile"
    case label = "Label"
  }

  init(_ description: ProtectorDescription) {
    protectorID = description.id
    type = description.kind.rawValue
    creationDate = description.creationDate
    keyFile = description.keyFilePath
    label = description.label
  }

  var summary: String {
    type + (label.map { " '\(Text.printable($0))'" } ?? "")
      + (keyFile.map { " (\(Text.printable($0)))" } ?? "")
  }
}

struct ProtectorAddCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Add a protector.",
    discussion: """
      Prints the protector's ID. 'keystore passwd' changes a passphrase.

      Examples:
        envcrypt keystore protector add passphrase --label "office"
        envcrypt keystore protector add key-file:/media/usb/envcrypt.key
      """)

  @Argument(help: ArgumentHelp("passphrase, key-file:PATH or none.", valueName: "protector"))
  var protector: String

  @Option(
    help: ArgumentHelp(
      "Read the new passphrase from the first line of a file.", valueName: "file"),
    completion: .file())
  var newPassphraseFile: String?

  @Option(
    help: ArgumentHelp(
      "A name for the protector: up to 64 characters.", valueName: "label"))
  var label: String?

  @OptionGroup var keystore: KeystoreOptions

  mutating func validate() throws {
    if let label, !ProtectorLabel.isValid(label) {
      throw ValidationError(
        "a label has 1 to \(ProtectorLabel.limit) printable characters, and is not the ID of a "
          + "protector")
    }
  }

  func run() throws {
    let leftovers = Leftovers()
    let added = try keystore.withService { service in
      let newSource = try PassphraseSource(
        origin: newPassphraseFile.map { .file(FilePath(argument: $0)) } ?? .terminal, keyFile: nil,
        prompt: Text.printable(service.keystore.path), console: keystore.console())
      try service.prepareToAddProtector()
      let store = service.keystore
      return try keystore.withNewProtector(
        protector, passphrase: newSource, leftovers: leftovers
      ) { path in
        (try? store.protectors().contains { $0.keyFilePath == path.string }) ?? true
      } _: {
        try service.addProtector($0, label: label, willStore: $1)
      }
    }
    keystore.console().output(added.id)
  }
}

struct ProtectorRemoveCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Remove a protector.",
    discussion: """
      The root key stays the same: whoever has an older copy of the keystore file and the old \
      passphrase can still open that copy.
      """)

  @Argument(
    help: ArgumentHelp(
      "The ID that 'list' shows, or a label that only one protector has.",
      valueName: "protector-id"))
  var protectorID: String

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService { try $0.removeProtector(protectorID) }
  }
}

struct ProtectorListCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the protectors.")

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let protectors = try keystore.store().protectors().map(ProtectorReport.init)
    let console = keystore.console()
    if json {
      try console.json(["Protectors": protectors])
    } else {
      console.output(
        Text.table(
          ["PROTECTOR ID", "TYPE", "CREATED", "LABEL", "KEY FILE"],
          protectors.map {
            [
              $0.protectorID, $0.type, Text.day($0.creationDate), $0.label ?? "",
              $0.keyFile ?? "",
            ]
          }))
    }
  }
}
