extension FileRun {
  /// The outputs that may be written to a terminal.
  enum TerminalRule {
    case nothing
    case text
    case everything
  }

  static var binaryToTerminal: Failure {
    Failure(
      .usage, "a message is binary, and the output is a terminal",
      hint: "write it to a file with -o FILE, pipe it on, or make it text with --armor")
  }
}
