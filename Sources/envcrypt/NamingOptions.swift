import ArgumentParser

/// The option for the names of messages.
struct NamingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How names of messages end.", discussion: "Begins with a dot.", valueName: "suffix"))
  var suffix = NameSuffix.standard.argument

  mutating func validate() throws {
    guard NameSuffix(argument: suffix) != nil else {
      throw ValidationError(
        "--suffix must begin with a dot and have no slash, as in \(NameSuffix.standard)")
    }
  }

  var value: NameSuffix { NameSuffix(argument: suffix) ?? .standard }
}
