import ArgumentParser
import Envelope
import Foundation

struct ConfigCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Show the settings that are in force, and where each one comes from.",
    discussion: """
      An option overrides a variable of the environment, and a variable overrides the \
      configuration file: $XDG_CONFIG_HOME/envcrypt/config.toml, else ~/.config/envcrypt/config.toml.

      Settings of the file, and variables:
        keystore             ENVCRYPT_KEYSTORE
        key                  ENVCRYPT_KEY                  to encrypt with
        key-file
        passphrase-file      ENVCRYPT_PASSPHRASE_FILE
        passphrase-command   ENVCRYPT_PASSPHRASE_COMMAND
        jobs

      Example of a file:
        keystore = "~/keys/keystore.db"
        key = ["alias/backup", "alias/escrow"]
        passphrase-command = "pass show envcrypt"
      """)

  @Flag(help: "Print JSON.")
  var json = false

  @Option(
    name: [.customShort("k"), .customLong("key")],
    help: ArgumentHelp("Show what is in force with this key.", valueName: "key"))
  var keys: [String] = []

  @OptionGroup var parallel: ParallelOptions
  @OptionGroup var keystore: KeystoreOptions

  private struct Response: Encodable {
    struct File: Encodable {
      let path: String
      let exists: Bool

      enum CodingKeys: String, CodingKey {
        case path = "Path"
        case exists = "Exists"
      }
    }

    /// Nil if the place of the file is unknown.
    let configFile: File?
    let settings: [SettingReport]

    enum CodingKeys: String, CodingKey {
      case configFile = "ConfigFile"
      case settings = "Settings"
    }
  }

  func run() throws {
    let settings = Settings.current
    let response = Response(
      configFile: settings.configFile.map {
        .init(path: Text.printable($0.path), exists: $0.bytes != nil)
      },
      settings: try settings.reports(keystore, keys: keys, jobs: parallel.jobs))
    let console = keystore.console()
    warnOfUnknownVariables(console)
    if json {
      try console.json(response)
      return
    }
    let file = response.configFile.map { $0.path + ($0.exists ? "" : " (does not exist)") }
    console.output("configuration file: \(file ?? "none: HOME is not set")\n")
    console.output(Text.table(["SETTING", "VALUE", "FROM"], response.settings.map(\.row)))
  }

  /// Warns of variables that look like ours and are not.
  private func warnOfUnknownVariables(_ console: Console) {
    for name in ProcessInfo.processInfo.environment.keys.sorted()
    where name.hasPrefix("ENVCRYPT_") && !Settings.variables.contains(name) {
      console.warning(
        "envcrypt has no variable \(Text.printable(name))"
          + Text.suggestion(NearestName.find(name, in: Settings.variables)))
    }
  }
}
