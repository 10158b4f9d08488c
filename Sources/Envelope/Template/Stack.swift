import Foundation

/// An output of a stack.
public struct StackOutput: Codable, Equatable, Sendable {
  public let name: String
  public let value: String
  public let description: String?
  /// The name by which other stacks import the value.
  public let exportName: String?
}

/// Names of stacks, as CloudFormation has them.
public enum StackName {
  /// What a name is, for messages.
  public static let wanted = "a stack's name is a letter and up to 127 letters, digits and hyphens"

  public static func isValid(_ name: String) -> Bool {
    name.wholeMatch(of: /[A-Za-z][A-Za-z0-9-]{0,127}/) != nil
  }

  /// Throws `TemplateError` unless `name` is one.
  static func validate(_ name: String) throws {
    guard isValid(name) else {
      throw TemplateError(.parameter, nil, "\(wanted), not '\(name)'")
    }
  }

  /// What stands for the ID of a stack that is not made yet.
  static let unknownStackID = UnknownValue.text(of: "AWS::StackId")

  /// `arn:aws:cloudformation:local:000000000000:stack/NAME/ID`.
  public static func stackID(name: String, id: UUID) -> String {
    "arn:aws:cloudformation:local:\(PolicyPrincipal.accountID):stack/\(name)/\(id.uuidString.lowercased())"
  }
}

/// What stands in a plan for a value that is known when the stack is made.
enum UnknownValue {
  static let prefix = "(known after apply: "

  static func text(of name: String) -> String { "\(prefix)\(name))" }
}

/// What a template made, as it was applied last.
public struct Stack: Codable, Equatable, Sendable {
  public struct Resource: Codable, Equatable, Sendable {
    public enum Properties: Codable, Equatable, Sendable {
      case key(TemplateKey.Properties)
      case alias(TemplateAlias.Properties)

      public var type: TemplateResourceType {
        switch self {
        case .key: .key
        case .alias: .alias
        }
      }
    }

    public var logicalID: String
    /// A key's ID, an alias's name.
    public var physicalID: String
    public var deletionPolicy: DeletionPolicy
    public var properties: Properties
  }

  public var name: String
  public var stackID: String
  public var description: String?
  /// Without secret ones.
  public var parameters: [String: String]
  /// In the order in which they were made.
  public var resources: [Resource]
  public var outputs: [StackOutput]
  /// The names of the exports of other stacks that this one imports.
  public var imports: [String]

  /// Reads what `json` gave.
  public init(json: String) throws {
    self = try JSONDecoding().decode(Self.self, from: try JSONDocument(json).root)
  }

  /// JSON text for the keystore: the same record is the same text.
  public func json() throws -> String {
    try JSONEncoding().text(of: self)
  }

  /// The resource of that logical ID.
  public subscript(logicalID: String) -> Resource? {
    resources.first { $0.logicalID == logicalID }
  }

  /// The values that other stacks can import, by name.
  public var exports: [String: String] {
    outputs.reduce(into: [:]) { exports, output in
      if let name = output.exportName { exports[name] = output.value }
    }
  }
}

extension Stack {
  /// The stack with every resource of `evaluator` made. Throws `TemplateError`, also where one is not.
  public init(_ evaluator: TemplateEvaluator) throws {
    name = evaluator.stackName
    stackID = evaluator.stackID
    description = evaluator.template.description
    parameters = evaluator.parameters
    resources = try evaluator.resourceOrder.map { logicalID in
      let resource = try evaluator.resource(logicalID)
      guard let id = evaluator.physicalIDs[logicalID] else {
        throw TemplateError(.invalid, resource.mark, "resource '\(logicalID)' is not made yet")
      }
      return Resource(
        logicalID: logicalID, physicalID: id, deletionPolicy: resource.deletionPolicy,
        properties: resource.properties)
    }
    outputs = try evaluator.outputs()
    imports = try evaluator.importedNames()
  }
}

extension TemplateEvaluator {
  /// Enters the IDs of the keys that the stack has. An alias's is its name, which the template may
  /// have changed, so it is entered when it is made or found as it should be.
  public mutating func enterKeys(of record: Stack) {
    for resource in record.resources where resource.properties.type == .key {
      physicalIDs[resource.logicalID] = resource.physicalID
    }
  }
}

extension StackResource {
  /// Its name in the template.
  public var logicalID: String {
    switch self {
    case .key(let key): key.logicalID
    case .alias(let alias): alias.logicalID
    }
  }

  /// Where the template declares it.
  public var mark: TemplateMark {
    switch self {
    case .key(let key): key.mark
    case .alias(let alias): alias.mark
    }
  }

  /// What becomes of it when the stack no longer has it.
  public var deletionPolicy: DeletionPolicy {
    switch self {
    case .key(let key): key.deletionPolicy
    case .alias(let alias): alias.deletionPolicy
    }
  }

  /// What it is to be, as the record keeps it.
  public var properties: Stack.Resource.Properties {
    switch self {
    case .key(let key): .key(key.properties)
    case .alias(let alias): .alias(alias.properties)
    }
  }
}
