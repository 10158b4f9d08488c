import ArgumentParser
import KMSTemplates
import SystemPackage

/// The option for the name of the stack that is made from a template.
struct StackNameOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The stack's name (default: the file's name without its suffix).", valueName: "name"))
  var stackName: String?

  mutating func validate() throws {
    if let stackName, !StackName.isValid(stackName) {
      throw ValidationError("\(StackName.wanted), not '\(stackName)'")
    }
  }

  func name(for template: TemplateOptions) throws -> String {
    if let stackName { return stackName }
    guard let file = template.name, let stem = FilePath(argument: file).stem else {
      throw Failure(
        .usage, "a template from standard input needs a stack name", hint: "add --stack-name NAME"
      )
    }
    guard StackName.isValid(stem) else {
      throw Failure(
        .usage, "the file's name '\(Text.printable(stem))' is not a stack name",
        hint: "add --stack-name NAME: a letter, then letters, digits and hyphens")
    }
    return stem
  }
}

/// The argument for the name of an existing stack.
struct StackArgument: ParsableArguments {
  @Argument(help: ArgumentHelp("The stack's name.", valueName: "stack-name"))
  var positional: String?

  @Option(help: ArgumentHelp("The stack's name, as an option.", valueName: "name"))
  var stackName: String?

  mutating func validate() throws {
    if (positional == nil) == (stackName == nil) {
      throw ValidationError("name exactly one stack")
    }
  }

  var name: String { positional ?? stackName ?? "" }
}
