import ArgumentParser
import Envelope
import SystemPackage

/// The options for the input files.
struct InputOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("Files to read; none or '-' is standard input.", valueName: "file"),
    completion: .file())
  var files: [String] = []

  @Flag(
    name: [.customShort("R"), .long],
    help: ArgumentHelp(
      "Take the files below directories.",
      discussion: """
        -R DIR keeps the name of the directory below the output directory. -R DIR/ takes only what \
        is in it.
        """))
  var recursive = false

  @Option(
    help: ArgumentHelp(
      "Read file names from a file, one per line; '-' is standard input.", valueName: "file"),
    completion: .file())
  var filesFrom: String?

  @Flag(
    name: [.customShort("0"), .customLong("null")], help: "Names in --files-from end with NUL.")
  var nullSeparated = false

  mutating func validate() throws {
    if nullSeparated, filesFrom == nil { throw ValidationError("--null needs --files-from") }
  }

  /// True if every input is reported separately: there are several inputs, or there may be.
  var areMany: Bool { files.count > 1 || recursive || filesFrom != nil }

  /// Returns the named inputs, or standard input if none is named.
  func paths() throws -> [NamedInput] {
    var paths = files.map(NamedInput.init(argument:))
    if let filesFrom {
      let list = FilePath(argument: filesFrom)
      let separator: UInt8 = nullSeparated ? 0 : UInt8(ascii: "\n")
      let bytes = try SmallFile.read(list, limit: 1 << 30)
      for name in bytes.split(separator: separator) {
        paths.append(NamedInput(argument: ArgumentBytes.string(from: Array(name))))
      }
      return paths
    }
    if recursive, paths.isEmpty {
      throw Failure(.usage, "--recursive needs a directory", hint: "name one: -R DIR")
    }
    return paths.isEmpty ? [NamedInput(argument: "-")] : paths
  }
}

/// An input as the user named it.
struct NamedInput {
  let path: FilePath
  /// True if the name ends in a slash: as with rsync, what is in a directory is meant, and not the
  /// directory with its name. A `FilePath` has no such slash.
  let isContents: Bool

  init(argument: String) {
    path = FilePath(argument: argument)
    isContents = argument.utf8.last == UInt8(ascii: "/") || path.lastName == nil
  }

  /// The name of this directory below the directory that collects outputs; empty if what is in it
  /// goes there directly.
  var nameOfTree: FilePath { isContents ? "" : path.lastName ?? "" }

  /// Throws if the name ends in a slash and there is a file, as the system does.
  func requireNoSlash() throws {
    guard isContents, let status = try FileStatus.at(path), status.kind != .directory else {
      return
    }
    throw IOError(.openInput, path, .notDirectory)
  }
}

/// The options for the output.
struct OutputOptions: ParsableArguments {
  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The output file, or a directory for several; '-' is standard output.", valueName: "path"),
    completion: .file())
  var output: String?

  @Flag(name: [.short, .long], help: "Replace existing files.")
  var force = false

  @Flag(help: SyncHelp.text)
  var noSync = false
}

/// The option for what outputs keep of their inputs besides mode, owner and times.
struct AttributeOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Keep extended attributes, and with --recursive ACLs.",
      discussion: "They are neither encrypted nor authenticated."))
  var xattrs = false
}

enum SyncHelp {
  static let text = ArgumentHelp(
    "Do not sync outputs to disk: faster, but a power failure may lose them.")
}

/// The option for the number of threads.
struct ParallelOptions: ParsableArguments {
  @Option(
    name: [.short, .long],
    help: ArgumentHelp("Number of threads (default: one per core).", valueName: "n"))
  var jobs: Int?

  static let range = 1...1024

  mutating func validate() throws {
    if let jobs, !Self.range.contains(jobs) { throw ValidationError("--jobs must be 1 to 1024") }
  }

  /// The option or the setting decides.
  func scheduler() -> Scheduler { Scheduler(jobs: Settings.current.jobs(option: jobs)?.value) }
}

/// The option for a report in JSON.
struct JSONOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Print JSON lines: one for each file, then a summary.",
      discussion: "docs/reports.md describes them. Warnings and errors also go to standard error."))
  var json = false

  /// Returns a new report; nil if none is wanted. Its hints name the keystore that the user named.
  func report(_ keystore: KeystoreOptions) -> JSONReport? {
    json ? JSONReport(keystore: keystore.keystore) : nil
  }
}

/// The options for messages during the work.
struct ReportOptions: ParsableArguments {
  @Flag(help: "Show progress even if standard error is not a terminal.")
  var progress = false

  @Flag(name: [.short, .long], help: "Print only warnings and errors.")
  var quiet = false

  mutating func validate() throws {
    if progress, quiet { throw ValidationError("--progress and --quiet cannot be used together") }
  }
}
