/// The parts of `--dry-run` that commands share.
enum DryRun {
  /// Returns the report that prints a file that would be processed, after the name of the work.
  static func report(_ verb: String, _ json: JSONReport?, on console: Console) -> RunReport {
    if let json { return .json(json) }
    return .text { input, outcome in
      guard outcome.result == .wouldChange else { return }
      try console.report("\(verb) \(Text.printable(input))")
    }
  }

  /// The work of a dry run, which is never done.
  static let work: FileRun.Work = { _, _ in .leave(.wouldChange) }
}
