import SystemPackage

/// The parts of `--dry-run` that commands share.
enum DryRun {
  /// Returns the report that prints a file that would be processed, after the name of the work or,
  /// if `names`, as it is and with a NUL after it.
  static func report(
    _ verb: String, _ json: JSONReport?, removing: Bool = false, names: Bool, on console: Console
  ) -> RunReport {
    if let json { return .json(json) }
    if names {
      return .text { input, outcome in
        let isWanted =
          outcome.result == .wouldChange || removing && outcome.result == .unchanged
        if isWanted { try console.reportName(input) }
      }
    }
    return .text { input, outcome in
      switch outcome.result {
      case .wouldChange:
        try console.report("\(verb)\(removing ? " and remove" : "") \(Text.printable(input))")
      case .unchanged where removing: try console.report("remove \(Text.printable(input))")
      default: return
      }
    }
  }

  /// The removal of a dry run, which only refuses what must not be removed.
  static func removal(
    _ plan: FilePlan, keeping attributes: AttributeOptions, keys: [FilePath]
  ) -> InputRemoval {
    InputRemoval(
      of: plan.naming, keeping: attributes, keystoreFiles: plan.keystoreFiles, keys: keys
    ) { _, _ in throw RemovalError.notOnDisk }
  }

  /// The work of a dry run, which is never done.
  static let work: FileRun.Work = { _, _ in .leave(.wouldChange) }
}
