/// The text of errors in the arguments of `envcrypt kms`.
extension Failure {
  init(_ error: KMSArgumentError) { self.init(error, operation: "OPERATION") }

  /// `operation` is the name of the operation on the command line.
  init(_ error: KMSArgumentError, operation: String) {
    let (text, hint) = Self.parts(error, help: "envcrypt kms \(operation) help shows its options")
    self.init(.usage, text, hint: hint)
  }

  private static func parts(_ error: KMSArgumentError, help: String) -> (String, hint: String?) {
    switch error {
    case .unexpectedArgument(let argument):
      return ("unexpected argument '\(Text.printable(argument))'", help)
    case .unknownOption(let name, let nearest):
      return (
        "unknown option --\(Text.printable(name))",
        nearest.map { "did you mean --\(Text.printable($0))?" } ?? help
      )
    case .missingOptions(let names):
      let options = names.map { "--\($0)" }.joined(separator: ", ")
      return ("the following arguments are required: \(options)", help)
    case .missingValue(let name): return ("--\(Text.printable(name)) needs a value", help)
    case .takesNoValue(let name, let found):
      return ("--\(name) takes no value, but '\(Text.printable(found))' was given", help)
    case .contradiction(let name):
      return ("--\(name) and --no-\(name) cannot be used together", nil)
    case .refused(let name, let hint):
      return ("--\(Text.printable(name)) is not supported", hint)
    case .malformed(let name, let problem):
      return ("--\(Text.printable(name)): \(Text.printable(problem))", nil)
    case .notBase64(let name):
      return (
        "--\(name): the value is not base64",
        "use fileb://PATH for a file, or --cli-binary-format raw-in-base64-out for plain text"
      )
    case .unknownMember(let key, let option, let known):
      return (
        "--\(option): unknown member '\(Text.printable(key))'",
        "the members are \(known.joined(separator: ", "))"
      )
    }
  }
}
