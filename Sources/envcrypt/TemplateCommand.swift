import ArgumentParser
import Envelope
import SystemPackage

struct TemplateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "template",
    abstract: "Make keys and aliases as a CloudFormation template says.",
    discussion: """
      A template of AWS::KMS::Key and AWS::KMS::Alias resources, in YAML or JSON, becomes a stack: \
      'apply' makes the keystore what the template says, all of it or nothing, and 'plan' shows \
      beforehand what would change.

      Examples:
        envcrypt template validate keys.yaml
        envcrypt template plan keys.yaml
        envcrypt template apply keys.yaml --stack-name prod --parameter-overrides Window=7
        envcrypt template outputs prod
        envcrypt template delete prod
      """,
    subcommands: [
      TemplateValidateCommand.self, TemplatePlanCommand.self, TemplateApplyCommand.self,
      TemplateDeleteCommand.self, TemplateOutputsCommand.self, TemplateListCommand.self,
    ])
}

/// A template in a file, with the values of its parameters.
struct TemplateOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("The template, YAML or JSON; '-' is standard input.", valueName: "file"),
    completion: .file())
  var file: String

  @Flag(help: "Pass over resources of other types than AWS::KMS::Key and AWS::KMS::Alias.")
  var skipUnsupported = false

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Values of parameters, or file://F with a JSON list of ParameterKey and ParameterValue.",
      discussion: "A parameter that is not given keeps the value that the stack has.",
      valueName: "name=value"))
  var parameterOverrides: [String] = []

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "The same as ParameterKey=NAME,ParameterValue=VALUE, JSON, or file://F.",
      valueName: "parameter"))
  var parameters: [String] = []

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Accepted, and without a meaning here: CAPABILITY_IAM, CAPABILITY_NAMED_IAM, "
        + "CAPABILITY_AUTO_EXPAND.", valueName: "capability"))
  var capabilities: [String] = []

  private static let knownCapabilities = [
    "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND",
  ]

  mutating func validate() throws {
    let known = Self.knownCapabilities
    if let unknown = capabilities.first(where: { !known.contains($0) }) {
      throw ValidationError(
        "--capabilities takes \(known.joined(separator: ", ")), not '\(unknown)'; "
          + "name the template before the options")
    }
  }

  /// What messages call the template; nil for standard input.
  var name: String? { file == "-" ? nil : file }

  func template() throws -> Template {
    let bytes = try SmallFile.read(
      FilePath(argument: file), limit: Template.sizeLimit, as: "template")
    return try placing { try Template(parsing: bytes, skippingUnsupported: skipUnsupported) }
  }

  func request(stackName: String) throws -> StackRequest {
    let request = StackRequest(
      template: try template(), stackName: stackName,
      parameters: try TemplateParameterValues(
        overrides: parameterOverrides, parameters: parameters
      ).byName)
    for other in request.template.passedOver {
      Console().warning(
        Text.printable("'\(other.logicalID)' is of the type \(other.type), and passed over"))
    }
    return request
  }

  /// Runs `body`; what is wrong with the template is said with the file's name.
  func placing<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as TemplateError {
      throw Failure(error, inTemplate: error.mark == nil ? nil : name)
    }
  }
}

/// The stack that a template becomes.
struct StackNameOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The stack's name; without it, the file's name without its suffix.", valueName: "name"))
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
        .usage, "a template from standard input needs a stack's name", hint: "add --stack-name NAME"
      )
    }
    guard StackName.isValid(stem) else {
      throw Failure(
        .usage, "the file's name '\(Text.printable(stem))' is no name of a stack",
        hint: "add --stack-name NAME: a letter, then letters, digits and hyphens")
    }
    return stem
  }
}

/// A stack that there is.
struct StackArgument: ParsableArguments {
  @Argument(help: ArgumentHelp("The stack's name.", valueName: "stack-name"))
  var positional: String?

  @Option(help: ArgumentHelp("The same.", valueName: "name"))
  var stackName: String?

  mutating func validate() throws {
    if (positional == nil) == (stackName == nil) {
      throw ValidationError("name one stack")
    }
  }

  var name: String { positional ?? stackName ?? "" }
}

/// Values of parameters as the AWS CLI takes them.
struct TemplateParameterValues {
  private struct Pair: Decodable {
    let parameterKey: String
    let parameterValue: String
  }

  let byName: [String: String]

  init(overrides: [String], parameters: [String]) throws {
    var pairs: [Pair] = []
    if overrides.count == 1, overrides[0].hasPrefix("file://") || overrides[0].hasPrefix("[") {
      pairs = try KMSValueReader().value([Pair].self, overrides, option: "parameter-overrides")
    } else {
      pairs = try overrides.map { text in
        guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
          throw Failure(
            .usage, "--parameter-overrides takes NAME=VALUE, not '\(Text.printable(text))'",
            hint: "name the template before the options")
        }
        return Pair(
          parameterKey: String(text[..<sign]),
          parameterValue: String(text[text.index(after: sign)...]))
      }
    }
    if !parameters.isEmpty {
      pairs += try KMSValueReader().value([Pair].self, parameters, option: "parameters")
    }
    byName = try pairs.reduce(into: [:]) { values, pair in
      guard values.updateValue(pair.parameterValue, forKey: pair.parameterKey) == nil else {
        throw Failure(
          .usage, "parameter '\(Text.printable(pair.parameterKey))' is given twice",
          hint: "give each parameter one value")
      }
    }
  }
}
