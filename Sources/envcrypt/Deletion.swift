import Envelope
import SystemPackage

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

  /// The outputs of gone sources that the user agrees to remove.
  struct Plan {
    fileprivate(set) var trees: [(tree: MirroredTrees.Tree, entries: [GoneSources.Entry])] = []
    /// The errors of outputs that could not be looked at. They stay.
    fileprivate(set) var failures: [any Error] = []

    /// Takes out the entries at these paths and below them.
    mutating func take(at paths: Set<FilePath>) -> Plan {
      func isThere(_ entry: GoneSources.Entry) -> Bool {
        paths.contains { entry.path.starts(with: $0) }
      }
      var taken = Plan()
      taken.trees = trees.map { ($0.tree, $0.entries.filter(isThere)) }
      trees = trees.map { ($0.tree, $0.entries.filter { !isThere($0) }) }
      return taken
    }
  }

  /// Looks for outputs of these trees whose sources are gone. A dry run adds them to `outcomes`, and
  /// nothing remains to be removed. Throws if a directory cannot be read, if there are too many, or
  /// if the user does not want them to be removed.
  func plan(_ mirrors: MirroredTrees, noting outcomes: OutcomeLog) throws -> Plan {
    guard mirrors.isComplete else {
      console.warning("nothing was deleted: not all inputs could be read")
      return Plan()
    }
    for root in mirrors.empty {
      console.warning(
        "nothing was deleted: there are no files in \(Text.printable(root))",
        hint: "check that the path is right and mounted")
    }
    var plan = Plan()
    var foreignCount = 0
    for tree in mirrors.trees {
      guard let directory = try tree.output.existing(tree.name) else { continue }
      let gone = try GoneSources(
        in: FileTree(tree.outputPath, in: directory), of: TreeLookup(below: tree.directory),
        filter: tree.filter, suffix: suffix,
        sparing: { mirrors.spares($0, isDirectory: $1, in: tree) })
      plan.trees.append((tree, gone.entries))
      plan.failures += gone.failures
      foreignCount += gone.foreignCount
    }
    let entries = plan.trees.flatMap(\.entries)
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
      plan.trees = []
    } else if !entries.isEmpty {
      try requireConsent(to: entries)
    }
    return plan
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

  /// Removes the outputs of a plan, what is in a directory before the directory. Adds them to
  /// `outcomes`. Returns their number, and the failures.
  func remove(
    _ plan: Plan, noting outcomes: OutcomeLog
  ) -> (count: Int, failures: [any Error]) {
    var count = 0
    var failures = plan.failures
    for (tree, entries) in plan.trees {
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
