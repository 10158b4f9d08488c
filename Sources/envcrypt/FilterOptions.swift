import ArgumentParser
import Envelope
import Synchronization
import SystemPackage

/// The options that leave out some inputs. Their order on the command line matters.
struct FilterOptions: ParsableArguments {
  @Option(
    name: .customLong("exclude"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Leave out what matches this pattern, as with rsync.",
      discussion: """
        The first pattern that matches decides, in the order of these options. *.o is a name \
        anywhere, /dir is at the root, dir/ is only a directory; * and ? match no slash, ** does.
        """,
      valueName: "pattern"))
  var excluding: [OrderedArgument] = []

  @Option(
    name: .customLong("include"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Take what matches this pattern, unless it was left out before.", valueName: "pattern"))
  var including: [OrderedArgument] = []

  @Option(
    name: .customLong("exclude-from"),
    help: ArgumentHelp(
      "Read --exclude patterns from a file, one per line; '-' is standard input.",
      valueName: "file"), completion: .file())
  var excludingFiles: [OrderedArgument] = []

  @Option(
    name: .customLong("include-from"),
    help: ArgumentHelp("Read --include patterns from a file.", valueName: "file"),
    completion: .file())
  var includingFiles: [OrderedArgument] = []

  @Flag(
    name: [.customShort("x"), .customLong("one-file-system")],
    help: "Do not enter directories on other file systems.")
  var isOneFileSystem = false

  /// Returns the selection. Warns of patterns that match nothing.
  func selection(
    excludingCaches: Bool = false, warningOn console: Console
  ) throws -> TreeSelection {
    var selection = TreeSelection()
    selection.rules = try rules(console)
    selection.isOneFileSystem = isOneFileSystem
    selection.excludesCaches = excludingCaches
    return selection
  }

  /// Returns the rules in the order of the options.
  private func rules(_ console: Console) throws -> FilterRules {
    var rules = FilterRules()
    for source in sources.sorted(by: { $0.argument.order < $1.argument.order }) {
      let known = rules.malformed.count
      do {
        try source.add(to: &rules)
        for malformed in rules.malformed.dropFirst(known) { source.warn(of: malformed, console) }
      } catch is FilterRules.EmptyRule {
        let name = Text.printable(source.argument.text)
        throw Failure(.usage, "'\(name)' \(source.isFile ? "has" : "is") an empty pattern")
      }
    }
    return rules
  }

  private var sources: [FilterSource] {
    excluding.map { FilterSource(argument: $0, isExcluding: true, isFile: false) }
      + including.map { FilterSource(argument: $0, isExcluding: false, isFile: false) }
      + excludingFiles.map { FilterSource(argument: $0, isExcluding: true, isFile: true) }
      + includingFiles.map { FilterSource(argument: $0, isExcluding: false, isFile: true) }
  }
}

/// One option with filter rules.
private struct FilterSource {
  let argument: OrderedArgument
  let isExcluding: Bool
  let isFile: Bool

  func warn(of malformed: FilterRules.MalformedPattern, _ console: Console) {
    let pattern = Text.printable(ArgumentBytes.string(from: malformed.pattern))
    let place = malformed.line.map { "\(Text.printable(argument.text)), line \($0): " } ?? ""
    console.warning(
      "\(place)the pattern '\(pattern)' matches nothing, because it is malformed",
      hint: "as with rsync, '[' begins a set of characters, and a backslash takes the next "
        + "character as it is")
  }

  func add(to rules: inout FilterRules) throws {
    guard isFile else {
      return try rules.add(ArgumentBytes.bytes(of: argument.text), isExcluding: isExcluding)
    }
    let path = FilePath(argument: argument.text)
    let bytes = try SmallFile.read(path, limit: 1 << 24, as: "list of patterns")
    try rules.add(file: bytes, isExcluding: isExcluding)
  }
}

/// A value of an option, with its place among the values of all such options. The argument parser
/// reads values in the order of the command line, but does not tell the order across options.
struct OrderedArgument: ExpressibleByArgument {
  let text: String
  let order: Int

  private static let count = Atomic(0)

  init(argument: String) {
    text = argument
    order = Self.count.add(1, ordering: .relaxed).newValue
  }
}
