import ArgumentParser

/// The options for runs that are done again.
struct UpdateOptions: ParsableArguments {
  @Flag(help: "Leave out files that have not changed since the last run, by time and size.")
  var update = false

  @Flag(name: [.customShort("n"), .long], help: "Only print what would be done.")
  var dryRun = false

  @Flag(
    help: "With --dry-run: print only names, and a NUL after each, for 'xargs -0'.")
  var print0 = false

  mutating func validate() throws {
    if print0, !dryRun { throw ValidationError("--print0 needs --dry-run") }
  }

  /// Throws if outputs are not files.
  func check(output: String?) throws {
    if update, output == "-" {
      throw Failure(.usage, "--update needs outputs that are files")
    }
  }
}

/// The options for the messages of files that are gone.
struct DeletionOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Remove the messages whose files are gone.",
      discussion: "Needs --recursive and -o DIR. On a terminal, asks first."))
  var delete = false

  @Option(
    help: ArgumentHelp(
      "If more than this many would be removed, remove none.", valueName: "n"))
  var maxDelete: Int?

  mutating func validate() throws {
    guard let maxDelete else { return }
    guard delete else { throw ValidationError("--max-delete needs --delete") }
    guard maxDelete >= 0 else { throw ValidationError("--max-delete must not be negative") }
  }
}

/// The rules of a run over files for the outputs of earlier runs.
struct Repetition {
  /// Leave out inputs that have not changed.
  var updates = false
  /// Make nothing, and report what would be made.
  var isDryRun = false
  /// Compares the messages that are left out with those that this run would make.
  var difference: MessageDifference?
  /// Removes the outputs of sources that are gone.
  var deletion: Deletion?
}
