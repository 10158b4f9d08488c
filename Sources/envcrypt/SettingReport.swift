import SystemPackage

/// A setting in the report of `envcrypt config`.
struct SettingReport: Encodable {
  enum Value {
    case none
    case text(String)
    case texts([String])
    case number(Int)
  }

  let name: String
  let value: Value
  let source: SettingSource
  /// False if another setting takes its place.
  var isUsed = true
  /// The text in a table if there is no value.
  var absent = "-"

  enum CodingKeys: String, CodingKey {
    case name = "Name"
    case value = "Value"
    case source = "Source"
    case place = "Place"
    case isUsed = "IsUsed"
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    switch value {
    case .none: break
    case .text(let text): try container.encode(text, forKey: .value)
    case .texts(let texts): try container.encode(texts, forKey: .value)
    case .number(let number): try container.encode(number, forKey: .value)
    }
    try container.encode(source.kind, forKey: .source)
    if source != .standard { try container.encode(source.text, forKey: .place) }
    try container.encode(isUsed, forKey: .isUsed)
  }

  /// The cells of a table.
  var row: [String] {
    let text =
      switch value {
      case .none: absent
      case .text(let text): text
      case .texts(let texts): texts.joined(separator: ", ")
      case .number(let number): String(number)
      }
    return [name, text, source.text + (isUsed ? "" : ", not used")]
  }
}

extension SettingReport {
  init(_ name: String, path setting: Setting<FilePath>?) {
    self.init(
      name: name, value: setting.map { .text(Text.printable($0.value)) } ?? .none,
      source: setting?.source ?? .standard)
  }
}

extension SettingSource {
  /// The name of the kind of origin in JSON.
  fileprivate var kind: String {
    switch self {
    case .option: "option"
    case .variable: "variable"
    case .file: "file"
    case .standard: "default"
    }
  }
}

extension Settings {
  /// All settings, as they are with the options of a command.
  func reports(
    _ options: KeystoreOptions, keys: [String], jobs: Int?
  ) throws -> [SettingReport] {
    let foundKeys = try self.keys(options: keys)
    let foundJobs = self.jobs(option: jobs)
    return [
      SettingReport("keystore", path: try keystore(option: options.keystore)),
      SettingReport(name: "key", value: .texts(foundKeys.value), source: foundKeys.source),
      SettingReport("key-file", path: keyFile(option: options.keyFile)),
    ] + (try passphraseReports(options)) + [
      SettingReport(
        name: "jobs", value: foundJobs.map { .number($0.value) } ?? .none,
        source: foundJobs?.source ?? .standard, absent: "one per core")
    ]
  }

  /// The file and the command for the passphrase, and which of them is used.
  private func passphraseReports(_ options: KeystoreOptions) throws -> [SettingReport] {
    let used = try passphrase(
      fileOption: options.passphraseFile, descriptor: options.passphraseDescriptor)
    var file = SettingReport("passphrase-file", path: passphraseFileInFile)
    file.isUsed = false
    var command = SettingReport(
      name: "passphrase-command",
      value: passphraseCommandInFile.map { .text($0.value) } ?? .none,
      source: passphraseCommandInFile?.source ?? .standard, isUsed: false)
    var reports: [SettingReport] = []
    switch used.value {
    case .file(let path):
      file = SettingReport("passphrase-file", path: Setting(value: path, source: used.source))
    case .command(let text, _):
      command = SettingReport(name: "passphrase-command", value: .text(text), source: used.source)
    case .descriptor(let number):
      reports.append(
        SettingReport(name: "passphrase-fd", value: .number(Int(number)), source: used.source))
    case .terminal: break
    }
    if case .none = file.value { file.isUsed = true }
    if case .none = command.value { command.isUsed = true }
    return reports + [file, command]
  }
}
