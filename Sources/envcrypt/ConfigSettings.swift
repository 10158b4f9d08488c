import Envelope
import SystemPackage

/// The settings in a configuration file, checked. Their names are those of the long options.
struct ConfigSettings: Sendable {
  /// A value and the line in which it is.
  struct Placed<Value: Sendable>: Sendable {
    let value: Value
    let line: Int
  }

  let path: FilePath
  private(set) var keystore: Placed<FilePath>?
  private(set) var keys: Placed<[String]>?
  private(set) var keyFile: Placed<FilePath>?
  private(set) var passphraseFile: Placed<FilePath>?
  private(set) var passphraseCommand: Placed<String>?
  private(set) var jobs: Placed<Int>?

  static let names = [
    "keystore", "key", "key-file", "passphrase-file", "passphrase-command", "jobs",
  ]

  /// Relative paths are relative to the directory of the file at `path`. `home` replaces the `~` of
  /// `~/`. Throws `Failure` for settings that do not exist and for values of a wrong type.
  init(_ bytes: [UInt8], of path: FilePath, home: FilePath?) throws {
    self.path = path
    let entries: [TOMLEntry]
    do {
      entries = try TOMLReader.read(bytes)
    } catch {
      throw Self.failure(error.reason, path, error.line, hint: "docs/settings.md has an example")
    }
    for entry in entries { try take(EntryReader(entry: entry, file: path, home: home)) }
    if let passphraseFile, let passphraseCommand {
      throw Self.failure(
        "passphrase-file and passphrase-command cannot be used together", path,
        max(passphraseFile.line, passphraseCommand.line))
    }
  }

  private mutating func take(_ entry: EntryReader) throws {
    let line = entry.entry.line
    switch entry.entry.key {
    case "keystore": keystore = Placed(value: try entry.path(), line: line)
    case "key": keys = Placed(value: try entry.texts(), line: line)
    case "key-file": keyFile = Placed(value: try entry.path(), line: line)
    case "passphrase-file": passphraseFile = Placed(value: try entry.path(), line: line)
    case "passphrase-command": passphraseCommand = Placed(value: try entry.text(), line: line)
    case "jobs": jobs = Placed(value: try entry.jobs(), line: line)
    case let name:
      throw Self.failure(
        "unknown setting '\(Text.printable(name))'"
          + Text.suggestion(NearestName.find(name, in: Self.names)), path, line,
        hint: "the settings are \(Self.names.joined(separator: ", "))")
    }
  }

  fileprivate static func failure(
    _ reason: String, _ path: FilePath, _ line: Int, hint: String? = nil
  ) -> Failure {
    Failure(
      .configuration, "\(Text.printable(path)):\(line): \(Text.printable(reason))", hint: hint)
  }
}

/// A reader of the value of one setting.
private struct EntryReader {
  let entry: TOMLEntry
  let file: FilePath
  let home: FilePath?

  private func failure(_ reason: String) -> Failure {
    ConfigSettings.failure("\(entry.key) \(reason)", file, entry.line)
  }

  private func wrongType(_ wanted: String) -> Failure {
    failure("must be \(wanted), not \(entry.value.kind)")
  }

  func text() throws -> String {
    guard case .string(let text) = entry.value else { throw wrongType("a string") }
    return try checked(text)
  }

  /// One string, or an array of strings.
  func texts() throws -> [String] {
    switch entry.value {
    case .string(let text): return [try checked(text)]
    case .strings(let texts) where texts.isEmpty: throw failure("is an empty array")
    case .strings(let texts): return try texts.map(checked)
    default: throw wrongType("a string or an array of strings")
    }
  }

  private func checked(_ text: String) throws -> String {
    guard !text.isEmpty else { throw failure("is empty") }
    guard !text.utf8.contains(0) else { throw failure("contains a NUL character") }
    return text
  }

  func path() throws -> FilePath {
    let text = try text()
    guard text.hasPrefix("~") else { return file.removingLastComponent().pushing(FilePath(text)) }
    guard text == "~" || text.hasPrefix("~/") else {
      throw failure("begins with '~' and a name; only '~/' stands for a directory: HOME")
    }
    guard let home else { throw failure("begins with '~/', and HOME is not set") }
    return home.pushing(FilePath(String(text.dropFirst(2))))
  }

  func jobs() throws -> Int {
    guard case .integer(let number) = entry.value else { throw wrongType("an integer") }
    guard let jobs = Int(exactly: number), ParallelOptions.range.contains(jobs) else {
      throw failure(
        "must be \(ParallelOptions.range.lowerBound) to \(ParallelOptions.range.upperBound)")
    }
    return jobs
  }
}
