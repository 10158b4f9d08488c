import Envelope
import SystemPackage

/// The files that a run over trees left alone.
struct PassedOver {
  var symbolicLinks = 0
  var specialFiles = 0
  /// Files that are messages already, where messages are made.
  var messages = 0
  /// Files that do not end in `.envc`, where such are read.
  var otherFiles = 0
  /// Files that a killed process has left, or that another one is writing.
  var unfinishedFiles = 0
  /// Directories of outputs among the inputs.
  var outputDirectories = 0
  /// The first messages that have no source beside them, and how many there are.
  private var loneMessages: [FilePath] = []
  private var loneCount = 0
  /// The first trees in which there was nothing to encrypt, and how many there are.
  private var emptyTrees: [FilePath] = []
  private var emptyCount = 0

  /// More names than this are only counted.
  private static let nameLimit = 10

  mutating func add(_ skipped: FileTree.Skipped) {
    symbolicLinks += skipped.symbolicLinks
    specialFiles += skipped.specialFiles
    outputDirectories += skipped.directories
  }

  /// A message among the files to be encrypted, beside which outputs go. If the file of its name without
  /// `.envc` is there, it is the output of an earlier run.
  mutating func addMessage(_ path: FilePath, hasSource: Bool) {
    messages += 1
    if hasSource { return }
    loneCount += 1
    if loneMessages.count < Self.nameLimit { loneMessages.append(path) }
  }

  mutating func addEmptyTree(_ root: FilePath) {
    emptyCount += 1
    if emptyTrees.count < Self.nameLimit { emptyTrees.append(root) }
  }

  var hasEmptyTree: Bool { emptyCount > 0 }

  /// "2 symbolic links, 1 special file", or nil if nothing was passed over.
  var summary: String? {
    let parts =
      [
        (symbolicLinks, "symbolic link"), (specialFiles, "special file"),
        (messages, "encrypted file"), (unfinishedFiles, "unfinished file"),
        (otherFiles, "other file"),
      ].filter { $0.0 > 0 }.map { Text.count($0.0, $0.1) }
      + (outputDirectories > 0 ? ["the output directory"] : [])
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  /// The same of what a backup does not have, for somebody who reads no summary. What was encrypted by
  /// an earlier run is not missing.
  private var missing: String? {
    var missing = self
    (missing.messages, missing.otherFiles) = (0, 0)
    return missing.summary
  }

  /// Tells what no backup may leave out in silence.
  func warn(on console: Console) {
    for root in emptyTrees {
      console.warning(
        "no files to encrypt in \(Text.printable(root))",
        hint: "is the place right, and mounted?")
    }
    Self.warnOfMore(emptyCount, "such directory", "such directories", on: console)
    for message in loneMessages {
      console.warning(
        "\(Text.printable(message)) is a message already, and was left as it is")
    }
    Self.warnOfMore(loneCount, "such message", "such messages", on: console)
    if loneCount > 0 {
      console.hint(
        "with -o DIR messages are encrypted as other files are; so are those that are named")
    }
    if console.isQuiet, let missing { console.warning("passed over \(missing)") }
  }

  private static func warnOfMore(
    _ count: Int, _ one: String, _ many: String, on console: Console
  ) {
    let more = count - nameLimit
    if more > 0 { console.warning("and \(more) more \(more == 1 ? one : many)") }
  }
}
