import KMSKeystore
import SystemPackage

extension Failure {
  init(_ error: KeystoreFileError) {
    switch error {
    case .strangers(let path, let strangers):
      self.init(
        .configuration,
        "the keystore \(Text.printable(path)) does not have the schema that envcrypt created: "
          + SchemaStranger.list(strangers),
        hint: SchemaStranger.removal(of: strangers, from: path)
          ?? "restore the keystore from a backup")
    case .writeAheadLog(let path):
      self.init(
        .configuration,
        "the keystore \(Text.printable(path)) is in SQLite's WAL mode, which envcrypt does not use",
        hint: "sqlite3 \(Self.argument(path)) 'PRAGMA journal_mode = DELETE'")
    case .strayWriteAheadLog(let log, let keystore):
      self.init(
        .configuration,
        "there is \(Text.printable(log)), which SQLite would use with the keystore",
        hint: "if another program has the keystore open, stop it; otherwise: "
          + "mv \(Self.argument(log)) \(Self.argument(FilePath(keystore.string + ".stray-wal")))")
    case .foreignJournal(let path):
      self.init(
        .configuration, "\(Text.printable(path)) is not a journal of the keystore",
        hint: "mv \(Self.argument(path)) \(Self.argument(FilePath(path.string + ".stray")))")
    case .foreignFile(let path, let fault):
      self.init(
        .configuration,
        "\(Text.printable(path)) \(fault.text), and SQLite would use it for the "
          + "keystore",
        hint:
          "remove it; if it belongs to somebody else, only they and root can: keep the keystore "
          + "in a directory of its own, where nobody else may write")
    case .mounted(let path):
      self.init(
        .configuration,
        "the keystore \(Text.printable(path)) is a file that is mounted there: it has another name "
          + "too, and each name would have a log and a journal of its own",
        hint: "mount the directory of the keystore instead, or work with a copy: envcrypt keystore "
          + "backup --keystore \(Text.shellQuoted(path)) FILE")
    case .severalNames(let path, let count):
      self.init(
        .configuration,
        "the keystore \(Text.printable(path)) has \(count) names (hard links), each of which would "
          + "have a log and a journal of its own",
        hint: "remove the others, or work with a copy: envcrypt keystore backup --keystore "
          + "\(Text.shellQuoted(path)) FILE")
    case .changing(let path):
      self.init(
        .configuration,
        "the keystore \(Text.printable(path)) was replaced several times while envcrypt opened it",
        hint: "try again when nobody replaces it")
    case .notUTF8(let path):
      self.init(.usage, "the keystore's path must be valid UTF-8: \(Text.printable(path))")
    case .longPath(let path, let limit):
      self.init(
        .usage, "the keystore's full path is longer than \(limit) bytes: \(Text.printable(path))")
    }
  }

  /// Returns a path as an argument that a command does not take for an option.
  private static func argument(_ path: FilePath) -> String {
    let text = Text.shellQuoted(path)
    return path.string.hasPrefix("-") ? "./" + text : text
  }
}

extension JournalFault {
  fileprivate var text: String {
    switch self {
    case .owner(let user): "belongs to user \(user), and not to the keystore's owner"
    case .writable(let permissions):
      "has mode 0\(String(permissions, radix: 8)), so that others may write to it"
    case .severalNames(let count): "has \(count) names (hard links)"
    }
  }
}

extension SchemaStranger {
  /// The number of schema objects that a message names; there may be thousands.
  private static let mostNamed = 8

  fileprivate static func list(_ strangers: [SchemaStranger]) -> String {
    let named = strangers.prefix(mostNamed).map(\.text).joined(separator: ", ")
    let rest = strangers.count - mostNamed
    return rest > 0 ? "\(named), and \(rest) more" : named
  }

  private var text: String {
    let name = "\(Text.printable(kind)) '\(Text.printable(name))'"
    return switch fault {
    case .unknown, .entangled: "\(name) was added"
    case .altered: "\(name) was changed"
    case .missing: "\(name) is missing"
    }
  }

  /// Returns the command that drops the added schema objects. Nil if something else is wrong too,
  /// if there are more than `mostNamed`, or if a name is not safe in a shell command.
  fileprivate static func removal(of strangers: [SchemaStranger], from path: FilePath) -> String? {
    let kinds = ["table", "index", "trigger", "view"]
    let isSimple = strangers.allSatisfy { stranger in
      stranger.fault == .unknown && kinds.contains(stranger.kind)
        && stranger.name.utf8.allSatisfy { isWordCharacter($0) }
    }
    guard isSimple, strangers.count <= mostNamed else { return nil }
    let statements = strangers.filter { !$0.goesWithItsTable(among: strangers) }.map {
      "DROP \($0.kind.uppercased()) \($0.name)"
    }
    let name = path.string.hasPrefix("-") ? "./" : ""
    return "sqlite3 \(name)\(Text.shellQuoted(path)) '\(statements.joined(separator: "; "))'"
  }

  /// True for an automatic index of a table that is in `strangers` too: SQLite drops the index with
  /// the table.
  private func goesWithItsTable(among strangers: [SchemaStranger]) -> Bool {
    kind == "index"
      && strangers.contains { $0.kind == "table" && name.hasPrefix("sqlite_autoindex_\($0.name)_") }
  }

  private static func isWordCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
