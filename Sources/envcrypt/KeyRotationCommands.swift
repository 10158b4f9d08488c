import ArgumentParser
import KMSAPI
import KMSService

struct KeyRotateCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Give a key a new version now.",
    discussion: """
      New messages are encrypted under the new version. Old versions stay in the key and decrypt \
      what they encrypted: files do not change. A key can be rotated on demand at most 25 times. \
      This does not change the dates of its automatic rotation. The first key, of alias/default, is \
      rotated only by the keystore, every year.

      Messages that are there stay under the old version; 'reencrypt' moves them to the new one.

      If you keep an exported copy, export the key again afterwards.
      """)

  @OptionGroup var key: KeyArgument

  @Flag(name: [.short, .long], help: "Print only warnings and errors.")
  var quiet = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService { service in
      try service.perform(RotateKeyOnDemandRequest(keyID: key.name))
      CopyReminder.note(service, keystore.console(isQuiet: quiet))
    }
  }
}

struct KeyRotationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotation",
    abstract: "Control automatic rotation: a new key version after each period.",
    discussion: """
      A command that uses or changes keys rotates those that are due. Old versions stay and \
      decrypt what they encrypted: files do not change.
      """,
    subcommands: [
      KeyRotationEnableCommand.self, KeyRotationDisableCommand.self,
      KeyRotationStatusCommand.self, KeyRotationListCommand.self,
    ])
}

struct KeyRotationEnableCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "enable", abstract: "Turn on automatic rotation of a key.")

  @OptionGroup var key: KeyArgument

  @Option(help: ArgumentHelp("The period in days, 90 to 2560 (default: 365).", valueName: "days"))
  var days: Int?

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService {
      try $0.perform(EnableKeyRotationRequest(keyID: key.name, rotationPeriodInDays: days))
    }
  }
}

struct KeyRotationDisableCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "disable", abstract: "Turn off automatic rotation of a key.")

  @OptionGroup var key: KeyArgument
  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService { try $0.perform(DisableKeyRotationRequest(keyID: key.name)) }
  }
}

struct KeyRotationStatusCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show whether and when a key is rotated.")

  @OptionGroup var key: KeyArgument

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    let status = try service.perform(GetKeyRotationStatusRequest(keyID: key.name))
    let console = keystore.console()
    if json {
      try console.json(status)
    } else if let days = status.rotationPeriodInDays, let next = status.nextRotationDate {
      console.output("every \(days) days, next \(Text.day(next))")
    } else {
      console.output("off")
    }
  }
}

struct KeyRotationListCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the rotations of a key.")

  @OptionGroup var key: KeyArgument

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    var response = try service.performAll(ListKeyRotationsRequest(keyID: key.name))
    let console = keystore.console()
    if json {
      response.truncated = false
      try console.json(response)
    } else {
      console.output(
        Text.table(
          ["ROTATED", "TYPE", "STATE", "KEY MATERIAL ID"],
          response.rotations.map {
            [
              $0.rotationDate.map(Text.day) ?? "", $0.rotationType?.rawValue ?? "",
              $0.keyMaterialState.rawValue, $0.keyMaterialID ?? "",
            ]
          }))
    }
  }
}
