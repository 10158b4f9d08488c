import Envelope
import SystemPackage

/// The files that a run over trees passed over.
struct PassedOver {
  var symbolicLinks = 0
  /// The messages among the files to encrypt.
  var messages = 0
  /// The files that do not end in `.envc`, among the files to read as messages.
  var otherFiles = 0
  /// The unfinished outputs of a killed process or of one that is still running.
  var unfinishedFiles = 0
  /// The output directories that lie among the inputs.
  var outputDirectories = 0
  /// The entries and inputs that the filter rules left out; what is in a directory is not counted.
  var excluded = 0
  private var mountPoints = 0
  private var caches = 0
  /// The paths of the first special files that the output lacks, and the number of all.
  private var leftOut: [FilePath] = []
  private var leftOutCount = 0
  private var specialFiles = 0
  /// The paths of the first messages without a source file beside them, and the number of all.
  private var loneMessages: [FilePath] = []
  private var loneCount = 0
  /// The paths of the first trees without files to encrypt, and the number of all.
  private var emptyTrees: [FilePath] = []
  private var emptyCount = 0

  /// The maximum number of names in a list; the rest is only counted.
  static let nameLimit = 10

  /// Adds what a walk left out.
  mutating func add(_ tree: FileTree) {
    outputDirectories += tree.excludedCount
    excluded += tree.filteredCount
    mountPoints += tree.mountPointCount
    caches += tree.cacheCount
  }

  /// Adds a FIFO, a socket or a device. `isLeftOut` is true if the output is another tree, which
  /// lacks it.
  mutating func addSpecialFile(_ path: FilePath, isLeftOut: Bool) {
    specialFiles += 1
    guard isLeftOut else { return }
    leftOutCount += 1
    if leftOut.count < Self.nameLimit { leftOut.append(path) }
  }

  /// Adds a message that is among the files to encrypt, in a run that writes outputs beside the
  /// inputs. `hasSource` is true if the file with the same name without `.envc` exists: the message
  /// is then the output of an earlier run.
  mutating func addMessage(_ path: FilePath, hasSource: Bool) {
    messages += 1
    if hasSource { return }
    loneCount += 1
    if loneMessages.count < Self.nameLimit { loneMessages.append(path) }
  }

  /// Forgets the names of messages without a source file. If sources are removed, such messages are
  /// the outputs of earlier runs.
  mutating func forgetLoneMessages() { (loneMessages, loneCount) = ([], 0) }

  mutating func addEmptyTree(_ root: FilePath) {
    emptyCount += 1
    if emptyTrees.count < Self.nameLimit { emptyTrees.append(root) }
  }

  var hasEmptyTree: Bool { emptyCount > 0 }

  /// The number of files that were passed over.
  var count: Int {
    symbolicLinks + specialFiles + messages + unfinishedFiles + otherFiles + outputDirectories
      + excluded + mountPoints + caches
  }

  /// "2 symbolic links, 1 special file", or nil if nothing was passed over.
  var summary: String? {
    let parts =
      [
        (symbolicLinks, "symbolic link"), (specialFiles, "special file"),
        (messages, "encrypted file"), (unfinishedFiles, "unfinished file"),
        (otherFiles, "other file"), (mountPoints, "mount point"), (caches, "cache"),
      ].filter { $0.0 > 0 }.map { Text.count($0.0, $0.1) }
      + (outputDirectories > 0 ? ["the output directory"] : [])
      + (excluded > 0 ? ["\(excluded) excluded"] : [])
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  /// A summary of only those files that a backup lacks, for a user who does not get the whole
  /// summary. Messages from an earlier run are not missing, nor are links, which stay as they are
  /// beside the outputs, and what the user excluded.
  private var missing: String? {
    var missing = self
    (missing.messages, missing.otherFiles, missing.symbolicLinks) = (0, 0, 0)
    (missing.excluded, missing.mountPoints, missing.caches) = (0, 0, 0)
    return missing.summary
  }

  /// Warns of files that a backup must not leave out silently.
  func warn(on console: Console) {
    for root in emptyTrees {
      console.warning(
        "no files to encrypt in \(Text.printable(root))",
        hint: "check that the path is right and mounted")
    }
    Self.warnOfMore(emptyCount, "such directory", "such directories", on: console)
    for path in leftOut {
      console.warning("\(Text.printable(path)) is a FIFO, a socket or a device, and was left out")
    }
    Self.warnOfMore(leftOutCount, "such file", "such files", on: console)
    for message in loneMessages {
      console.warning(
        "\(Text.printable(message)) is already a message, and was left as it is")
    }
    Self.warnOfMore(loneCount, "such message", "such messages", on: console)
    if loneCount > 0 {
      console.hint(
        "to encrypt messages too, use -o DIR or name them")
    }
    if console.isQuiet, let missing { console.warning("skipped \(missing)") }
  }

  private static func warnOfMore(
    _ count: Int, _ one: String, _ many: String, on console: Console
  ) {
    let more = count - nameLimit
    if more > 0 { console.warning("and \(more) more \(more == 1 ? one : many)") }
  }
}
