import Envelope
import Foundation
import KMSAPI
import SystemPackage

/// The arguments of `envcrypt kms OPERATION`: the AWS CLI's options for the KMS API. The type of
/// the request determines which options there are and how their values are read.
struct KMSArguments {
  /// The arguments that are neither options nor their values.
  private(set) var operands: [String] = []
  /// The tokens of each option, without its dashes. If an option is given twice, the last one
  /// counts.
  private var options: [String: [String]] = [:]
  /// The names of the options that `take` and `takeFlag` have looked for.
  private var taken: [String] = []
  private var reader = KMSValueReader()

  /// True if only one page of a list is wanted.
  private(set) var noPaginate = false

  /// Parses the arguments. An option takes all tokens up to the next one that begins with two
  /// dashes. An option in the form `--name=value` takes no further tokens.
  init(_ arguments: [String], home: FilePath? = Self.home) throws {
    reader.home = home
    var open: String?
    for argument in arguments {
      if argument.hasPrefix("--"), argument != "--" {
        let parts = argument.dropFirst(2).split(
          separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        options[name] = parts.dropFirst().map(String.init)
        open = parts.count == 1 ? name : nil
      } else if let open {
        options[open]?.append(argument)
      } else {
        operands.append(argument)
      }
    }
    for (name, isFlag) in Self.ignored {
      if isFlag { _ = try takeFlag(name) } else { _ = try take(name) }
    }
    for (name, hint) in Self.refused where options[name] != nil {
      throw KMSArgumentError.refused(name, hint: hint)
    }
    if let output = try take("output"), output != "json" {
      throw KMSArgumentError.refused("output \(output)", hint: "the output is always JSON")
    }
    noPaginate = try takeFlag("no-paginate")
    if let text = try take("cli-binary-format") {
      guard let form = APICoding.BlobForm(rawValue: text) else {
        throw KMSArgumentError.malformed(
          "cli-binary-format", Self.notOne(text, of: APICoding.BlobForm.allCases.map(\.rawValue)))
      }
      reader.blobForm = form
    }
  }

  /// The options of the AWS CLI that have no effect here; `isFlag` is true for flags.
  private static let ignored: [(String, isFlag: Bool)] = [
    ("region", false), ("profile", false), ("color", false), ("ca-bundle", false),
    ("cli-read-timeout", false), ("cli-connect-timeout", false), ("no-cli-pager", true),
    ("no-sign-request", true), ("no-verify-ssl", true), ("no-cli-auto-prompt", true),
  ]

  private static let refused = [
    ("query", "pipe the output into jq"),
    ("endpoint-url", "the keystore is a file; name it with --keystore"),
    ("max-items", "use --limit and --marker"), ("page-size", "use --limit and --marker"),
    ("starting-token", "use --limit and --marker"),
  ]

  static var home: FilePath? {
    guard let home = getenv("HOME"), home.pointee != 0 else { return nil }
    return FilePath(platformString: home)
  }

  static func notOne(_ text: String, of values: [String]) -> String {
    "'\(text)' is not one of \(values.joined(separator: ", "))"
  }

  /// Removes and returns the single value of an option that does not belong to the API; nil if the
  /// option is not given.
  mutating func take(_ name: String) throws -> String? {
    taken.append(name)
    guard let values = options.removeValue(forKey: name) else { return nil }
    return try Self.single(values, name)
  }

  /// Removes a flag that does not belong to the API. True if it was given.
  mutating func takeFlag(_ name: String) throws -> Bool {
    taken.append(name)
    guard let values = options.removeValue(forKey: name) else { return false }
    try Self.none(values, name)
    return true
  }

  static func single(_ values: [String], _ name: String) throws -> String {
    guard let value = values.first else { throw KMSArgumentError.missingValue(name) }
    if values.count > 1 { throw KMSArgumentError.unexpectedArgument(values[1]) }
    return value
  }

  private static func none(_ values: [String], _ name: String) throws {
    if let value = values.first { throw KMSArgumentError.takesNoValue(name, found: value) }
  }

  /// Returns the request that the options describe. Throws if an option is not part of it.
  func decode<Request: Decodable>(_ type: Request.Type) throws -> Request {
    var arguments = self
    let inputJSON = try arguments.take("cli-input-json")
    if let operand = operands.first { throw KMSArgumentError.unexpectedArgument(operand) }
    let known = KMSOption.describe(type)
    let names = known.flatMap(\.names)
    for name in arguments.options.keys.sorted() where !names.contains(name) {
      throw KMSArgumentError.unknownOption(
        name, nearest: Self.nearest(to: name, in: names + arguments.taken))
    }
    for option in known where option.kind == .boolean {
      for name in option.names { try arguments.options[name].map { try Self.none($0, name) } }
      if option.names.allSatisfy({ arguments.options[$0] != nil }) {
        throw KMSArgumentError.contradiction(option.name)
      }
    }
    let members = Members(
      options: arguments.options, reader: reader,
      json: try inputJSON.map { try reader.members($0, of: known, option: "cli-input-json") })
    let missing = known.filter { $0.isRequired && !members.contains($0.property) }
    guard missing.isEmpty else { throw KMSArgumentError.missingOptions(missing.map(\.name)) }
    return try members.shape(type)
  }

  /// The members of a request: from the options, or else from `--cli-input-json`.
  private struct Members: KMSMembers {
    let options: [String: [String]]
    let reader: KMSValueReader
    let json: KMSJSONMembers?

    func contains(_ property: String) -> Bool {
      let name = APIName.option(property)
      return options[name] != nil || options["no-\(name)"] != nil
        || json?.contains(property) ?? false
    }

    func value<Value: Decodable>(_ type: Value.Type, _ property: String) throws -> Value {
      let name = APIName.option(property)
      if type == Bool.self, options["no-\(name)"] != nil { return false as! Value }
      guard let tokens = options[name] else {
        guard let json else { throw KMSArgumentError.missingOptions([name]) }
        return try json.value(type, property)
      }
      return type == Bool.self ? true as! Value : try reader.value(type, tokens, option: name)
    }
  }
}

extension KMSArguments {
  /// Returns the name that was probably meant: one that begins with `name`, or one that differs in
  /// few letters.
  private static func nearest(to name: String, in names: [String]) -> String? {
    let longer = names.filter { $0.hasPrefix(name) && !name.isEmpty }
    if let longer = longer.min(by: { $0.count < $1.count }) { return longer }
    return NearestName.find(name, in: names)
  }
}
