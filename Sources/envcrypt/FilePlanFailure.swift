extension FilePlan {
  static func severalToStandardOutput(_ naming: Naming) -> Failure {
    Failure(
      .usage, "several outputs cannot all go to standard output",
      hint: naming == .decrypt
        ? "--stdout writes them there one after the other; -o DIR collects them"
        : "-o DIR collects them; without -o, each goes beside its input")
  }

  /// Returns the failure of a command that found no messages to read: verifying or restoring
  /// nothing is not a success.
  func nothing(_ place: String) -> Failure {
    Failure(
      .noInput, "no messages to \(naming.verb) \(place)",
      hint: "check that the path is right and mounted; names of messages end in \(suffix)")
  }
}
