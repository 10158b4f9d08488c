import KMSService
import SystemPackage

/// The origin of the value of a setting, from the strongest to the weakest.
enum SettingSource: Equatable, Sendable {
  case option(String)
  case variable(String)
  case file(FilePath, line: Int)
  case standard

  /// True for a variable or the configuration file, which the command line does not show.
  var isSetting: Bool {
    switch self {
    case .variable, .file: true
    case .option, .standard: false
    }
  }

  /// The name in messages.
  var text: String {
    switch self {
    case .option(let name): name
    case .variable(let name): name
    case .file(let path, let line): "\(Text.printable(path)):\(line)"
    case .standard: "default"
    }
  }
}

/// The value of a setting that is in force, and its origin.
struct Setting<Value: Sendable>: Sendable {
  let value: Value
  let source: SettingSource
}

/// The settings of a process. An option overrides a variable of the environment, and a variable
/// overrides the configuration file.
struct Settings: Sendable {
  let configFile: ConfigFile?
  private let file: ConfigSettings?

  init(_ configFile: ConfigFile?) throws {
    self.configFile = configFile
    file = try configFile.flatMap { config in
      try config.bytes.map {
        try ConfigSettings($0, of: config.path, home: EnvironmentVariable.path("HOME"))
      }
    }
  }

  private init() { (configFile, file) = (nil, nil) }

  private static let loaded = Result { try Settings(try ConfigFile.load()) }

  /// Reads the configuration file, which is read once in a process. Throws if it is wrong.
  static func load() throws { _ = try loaded.get() }

  /// The settings of this process, after `load`.
  static var current: Settings { (try? loaded.get()) ?? Settings() }

  // MARK: The settings

  static let keystoreVariable = "ENVCRYPT_KEYSTORE"
  static let keyVariable = "ENVCRYPT_KEY"
  static let passphraseFileVariable = "ENVCRYPT_PASSPHRASE_FILE"
  static let passphraseCommandVariable = "ENVCRYPT_PASSPHRASE_COMMAND"

  /// Every variable of the environment that envcrypt has.
  static let variables = [
    keystoreVariable, keyVariable, passphraseFileVariable, passphraseCommandVariable,
  ]

  /// The keystore's path.
  func keystore(option: String?) throws -> Setting<FilePath> {
    if let option {
      return Setting(value: FilePath(argument: option), source: .option("--keystore"))
    }
    if let path = EnvironmentVariable.path(Self.keystoreVariable) {
      return Setting(value: path, source: .variable(Self.keystoreVariable))
    }
    if let found = placed(\.keystore) { return found }
    return Setting(value: try Self.standardKeystore(), source: .standard)
  }

  private static func standardKeystore() throws -> FilePath {
    // The XDG specification requires that relative paths are ignored.
    if let data = EnvironmentVariable.path("XDG_DATA_HOME"), data.isAbsolute {
      return data.appending("envcrypt").appending("keystore.db")
    }
    guard let home = EnvironmentVariable.path("HOME") else {
      throw Failure(
        .configuration, "the path of the keystore is unknown: HOME is not set",
        hint: "name one with --keystore or \(keystoreVariable)")
    }
    return home.appending(".local/share/envcrypt/keystore.db")
  }

  /// The keys to encrypt with if no key, recipient or keyring is named.
  func keys(options: [String]) throws -> Setting<[String]> {
    if !options.isEmpty { return Setting(value: options, source: .option("--key")) }
    if let text = EnvironmentVariable.text(Self.keyVariable) {
      let names = text.split { $0 == " " || $0 == "," }.map(String.init)
      guard !names.isEmpty else {
        throw Failure(
          .configuration, "\(Self.keyVariable) names no key",
          hint: "unset it, or name keys, separated by spaces or commas")
      }
      return Setting(value: names, source: .variable(Self.keyVariable))
    }
    return placed(\.keys) ?? Setting(value: [KeyService.defaultAlias], source: .standard)
  }

  /// The key file of a protector, if the file was moved.
  func keyFile(option: String?) -> Setting<FilePath>? {
    if let option {
      return Setting(value: FilePath(argument: option), source: .option("--key-file"))
    }
    return placed(\.keyFile)
  }

  /// The number of threads; nil for one per core.
  func jobs(option: Int?) -> Setting<Int>? {
    if let option { return Setting(value: option, source: .option("--jobs")) }
    return placed(\.jobs)
  }

  /// The origin of the passphrase. Of the strongest source that names one, at most one may.
  func passphrase(
    fileOption: String?, descriptor: Int32?
  ) throws -> Setting<PassphraseSource.Origin> {
    if let fileOption {
      return Setting(
        value: .file(FilePath(argument: fileOption)), source: .option("--passphrase-file"))
    }
    if let descriptor {
      return Setting(value: .descriptor(descriptor), source: .option("--passphrase-fd"))
    }
    if let found = try passphraseVariable() { return found }
    // The command itself must not run the command of the file again, without end.
    if EnvironmentVariable.isSet(Self.passphraseCommandVariable) {
      return Setting(value: .terminal, source: .variable(Self.passphraseCommandVariable))
    }
    if let found = placed(\.passphraseFile) {
      return Setting(value: .file(found.value), source: found.source)
    }
    if let found = placed(\.passphraseCommand) {
      let name = "the passphrase-command in \(found.source.text)"
      return Setting(value: .command(found.value, name: name), source: found.source)
    }
    return Setting(value: .terminal, source: .standard)
  }

  private func passphraseVariable() throws -> Setting<PassphraseSource.Origin>? {
    let (fileName, commandName) = (Self.passphraseFileVariable, Self.passphraseCommandVariable)
    let file = EnvironmentVariable.path(fileName)
    let command = EnvironmentVariable.path(commandName)?.string
    guard file == nil || command == nil else {
      throw Failure(
        .configuration, "\(fileName) and \(commandName) cannot be used together",
        hint: "unset \(commandName)")
    }
    if let file { return Setting(value: .file(file), source: .variable(fileName)) }
    return command.map {
      Setting(value: .command($0, name: commandName), source: .variable(commandName))
    }
  }

  /// The value in the configuration file.
  private func placed<Value>(
    _ setting: KeyPath<ConfigSettings, ConfigSettings.Placed<Value>?>
  ) -> Setting<Value>? {
    guard let file, let found = file[keyPath: setting] else { return nil }
    return Setting(value: found.value, source: .file(file.path, line: found.line))
  }

  // MARK: All of them

  /// The configuration file's settings for the passphrase, in force or not.
  var passphraseFileInFile: Setting<FilePath>? { placed(\.passphraseFile) }
  var passphraseCommandInFile: Setting<String>? { placed(\.passphraseCommand) }
}
