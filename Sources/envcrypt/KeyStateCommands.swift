import ArgumentParser
import KMSAPI
import KMSService

struct KeyEnableCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "enable", abstract: "Enable a disabled key.")

  @OptionGroup var key: KeyArgument
  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService { try $0.perform(EnableKeyRequest(keyID: key.name)) }
  }
}

struct KeyDisableCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "disable",
    abstract: "Disable a key, until it is enabled again.",
    discussion: "A disabled key neither encrypts nor decrypts, files included.")

  @OptionGroup var key: KeyArgument
  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService { try $0.perform(DisableKeyRequest(keyID: key.name)) }
  }
}

struct KeyScheduleDeletionCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "schedule-deletion",
    abstract: "Delete a key after a waiting period.",
    discussion: """
      The key cannot be used from now on. After the waiting period, the key and all versions of \
      its material are destroyed. Then only an exported copy can decrypt what was encrypted under \
      it. Until then, 'key cancel-deletion' cancels the deletion. On a terminal, you are asked for \
      confirmation.

      Example:
        envcrypt key schedule-deletion alias/old --days 7
      """)

  @OptionGroup var key: KeyArgument

  @Option(help: ArgumentHelp("The waiting period in days, 7 to 30.", valueName: "days"))
  var days = ScheduleKeyDeletionRequest.windows.upperBound

  @Flag(name: [.short, .long], help: "Do not ask for confirmation.")
  var yes = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    let console = keystore.console()
    let metadata = try service.perform(DescribeKeyRequest(keyID: key.name)).keyMetadata
    let lastUse = try KeyReport.lastUse(of: metadata.keyID, service)
    console.note("last use of key \(metadata.keyID): \(lastUse)")
    guard try yes || Terminal.confirms("Delete it in \(days) days? [y/N] ") else {
      throw Failure(.noPermission, "nothing was deleted: not confirmed")
    }
    let response = try service.perform(
      ScheduleKeyDeletionRequest(keyID: metadata.keyID, pendingWindowInDays: days))
    if json {
      try console.json(response)
    } else {
      console.note("it will be deleted on \(Text.day(response.deletionDate))")
      console.note("to keep it: envcrypt key cancel-deletion \(metadata.keyID)")
    }
  }
}

struct KeyCancelDeletionCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "cancel-deletion",
    abstract: "Keep a key that is scheduled for deletion.",
    discussion: "The key is then disabled; 'key enable' enables it.")

  @OptionGroup var key: KeyArgument
  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService { try $0.perform(CancelKeyDeletionRequest(keyID: key.name)) }
    keystore.console().note("the key is disabled; to enable it: envcrypt key enable \(key.name)")
  }
}
