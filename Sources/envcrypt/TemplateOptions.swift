import ArgumentParser
import KMSTemplates
import SystemPackage

/// The options for a template file and the values of its parameters.
struct TemplateOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("The template, YAML or JSON; '-' is standard input.", valueName: "file"),
    completion: .file())
  var file: String

  @Flag(help: "Skip resources that are not AWS::KMS::Key or AWS::KMS::Alias.")
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
      "Accepted, but without effect: CAPABILITY_IAM, CAPABILITY_NAMED_IAM, "
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

  /// The name of the template in messages; nil for standard input.
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
        Text.printable("'\(other.logicalID)' is of the type \(other.type), and is skipped"))
    }
    return request
  }

  /// Runs `body`. Adds the file's name to an error at a place in the template.
  func placing<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as TemplateError {
      throw Failure(error, inTemplate: error.mark == nil ? nil : name)
    }
  }
}
