import Envelope

/// Carries out `--delete`: removes the outputs whose sources are gone, after a question on a
/// terminal.
struct Deletion {
  /// The most entries to remove; nil for any number.
  let limit: Int?
  let isDryRun: Bool
  /// True if a dry run prints the entries that would be removed.
  let printsNames: Bool
  let suffix: NameSuffix
  let console: Console

  /// Removes outputs of these trees and adds them to `outcomes`. Returns the number of removed
  /// entries, and the failures. Throws before anything is removed if a directory cannot be read, if
  /// there are too many, or if the user does not want it.
  func run(
    _ mirrors: MirroredTrees, noting outcomes: OutcomeLog
  ) throws -> (count: Int, failures: [any Error]) {
    guard mirrors.isComplete else {
      console.warning("nothing was deleted: not all inputs could be read")
      return (0, [])
    }
    for root in mirrors.empty {
      console.warning(
        "nothing was deleted: there are no files in \(Text.printable(root))",
        hint: "check that the path is right and mounted")
    }
    var found: [(tree: MirroredTrees.Tree, entries: [GoneSources.Entry])] = []
    var foreignCount = 0
    var unreadable: [any Error] = []
    for tree in mirrors.trees {
      guard let directory = try tree.output.existing(tree.name) else { continue }
      let gone = try GoneSources(
        in: FileTree(tree.outputPath, in: directory), of: TreeLookup(below: tree.directory),
        filter: tree.filter, suffix: suffix,
        sparing: { mirrors.spares($0, isDirectory: $1, in: tree) })
      found.append((tree, gone.entries))
      foreignCount += gone.foreignCount
      unreadable += gone.failures
    }
    let entries = found.flatMap(\.entries)
    if foreignCount > 0 {
      console.note(
        "\(Text.count(foreignCount, "file")) among the outputs "
          + "\(foreignCount == 1 ? "is" : "are") not of this tree, and will stay")
    }
    if isDryRun, !printsNames, !entries.isEmpty {
      console.note("\(Self.text(of: entries)) would be deleted")
    } else if isDryRun {
      for entry in entries { try console.report("delete \(Text.printable(entry.path))") }
    }
    if isDryRun {
      for entry in entries { outcomes.add(deleted: entry.path, .wouldDelete) }
      return (0, unreadable)
    }
    guard !entries.isEmpty else { return (0, unreadable) }
    try requireConsent(to: entries)
    let (count, failures) = remove(found, noting: outcomes)
    return (count, unreadable + failures)
  }

  private func requireConsent(to entries: [GoneSources.Entry]) throws {
    let text = Self.text(of: entries)
    if let limit, entries.count > limit {
      throw Failure(
        .noPermission,
        "nothing was deleted: \(text) would be deleted, more than --max-delete \(limit)",
        hint: "--dry-run lists them")
    }
    guard try Terminal.confirms("Delete \(text), whose sources are gone? [y/N] ") else {
      throw Failure(.noPermission, "nothing was deleted: not confirmed")
    }
  }

  /// "2 messages, 1 symbolic link, 1 directory".
  private static func text(of entries: [GoneSources.Entry]) -> String {
    func count(_ kind: GoneSources.Entry.Kind) -> Int { entries.count { $0.kind == kind } }
    let directories = count(.directory)
    let parts = [
      (count(.message), Text.count(count(.message), "message")),
      (count(.symbolicLink), Text.count(count(.symbolicLink), "symbolic link")),
      (directories, directories == 1 ? "1 directory" : "\(directories) directories"),
    ]
    return parts.filter { $0.0 > 0 }.map(\.1).joined(separator: ", ")
  }

  /// Removes what is in a directory before the directory.
  private func remove(
    _ found: [(tree: MirroredTrees.Tree, entries: [GoneSources.Entry])],
    noting outcomes: OutcomeLog
  ) -> (count: Int, failures: [any Error]) {
    var count = 0
    var failures: [any Error] = []
    for (tree, entries) in found {
      for entry in entries.reversed() {
        do {
          let isRemoved = try tree.output.remove(
            tree.name.pushing(entry.relative), foundAs: entry.status)
          if isRemoved {
            count += 1
            outcomes.add(deleted: entry.path, .deleted)
          }
        } catch {
          failures.append(error)
        }
      }
    }
    return (count, failures)
  }
}
