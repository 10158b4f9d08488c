import Envelope
import Foundation
import KMSAPI

/// An output of a stack.
package struct StackOutput: Codable, Equatable, Sendable {
  package let name: String
  package let value: String
  package let description: String?
  /// The name under which other stacks import the value.
  package let exportName: String?
}

/// The rules for names of stacks, which are CloudFormation's.
package enum StackName {
  /// The rule for a name, for messages.
  package static let wanted =
    "a stack's name must be a letter and up to 127 letters, digits and hyphens"

  package static func isValid(_ name: String) -> Bool {
    name.wholeMatch(of: /[A-Za-z][A-Za-z0-9-]{0,127}/) != nil
  }

  /// Throws `TemplateError` unless `name` is a valid name.
  static func validate(_ name: String) throws {
    guard isValid(name) else {
      throw TemplateError(.parameter, nil, "\(wanted), not '\(name)'")
    }
  }

  /// The text in the place of the ID of a stack that is not created yet.
  static let unknownStackID = UnknownValue.text(of: "AWS::StackId")

  /// Returns `arn:aws:cloudformation:local:000000000000:stack/NAME/ID`.
  package static func stackID(name: String, id: UUID) -> String {
    "arn:aws:cloudformation:local:\(Account.id):stack/\(name)/\(id.uuidString.lowercased())"
  }
}

/// The text in a plan for a value that is only known after the stack is created.
enum UnknownValue {
  static let prefix = "(known after apply: "

  static func text(of name: String) -> String { "\(prefix)\(name))" }
}

/// A stack: the resources and outputs of a template, as it was last applied.
package struct Stack: Codable, Equatable, Sendable {
  package struct Resource: Codable, Equatable, Sendable {
    package enum Properties: Codable, Equatable, Sendable {
      case key(TemplateKey.Properties)
      case alias(TemplateAlias.Properties)

      package var type: TemplateResourceType {
        switch self {
        case .key: .key
        case .alias: .alias
        }
      }
    }

    package var logicalID: String
    /// The ID of a key, the name of an alias.
    package var physicalID: String
    package var deletionPolicy: DeletionPolicy
    package var properties: Properties
  }

  package var name: String
  package var stackID: String
  package var description: String?
  /// The values of the parameters, without secret ones.
  package var parameters: [String: String]
  /// The resources, in the order in which they were created.
  package var resources: [Resource]
  package var outputs: [StackOutput]
  /// The names of the exports that this stack imports from other stacks.
  package var imports: [String]

  /// Decodes the text that `json` returned.
  package init(json: String) throws {
    self = try JSONDecoding().decode(Self.self, from: try JSONDocument(json).root)
  }

  /// Returns JSON text for the keystore. Equal records give the same text.
  package func json() throws -> String {
    try JSONEncoding().text(of: self)
  }

  /// The resource with this logical ID.
  package subscript(logicalID: String) -> Resource? {
    resources.first { $0.logicalID == logicalID }
  }

  /// The values that other stacks can import, by export name.
  package var exports: [String: String] {
    outputs.reduce(into: [:]) { exports, output in
      if let name = output.exportName { exports[name] = output.value }
    }
  }
}

extension Stack {
  /// Makes a stack of all resources of `evaluator`. Throws `TemplateError`, also if a resource has
  /// not been created.
  package init(_ evaluator: TemplateEvaluator) throws {
    name = evaluator.stackName
    stackID = evaluator.stackID
    description = evaluator.template.description
    parameters = evaluator.parameters
    resources = try evaluator.resourceOrder.map { logicalID in
      let resource = try evaluator.resource(logicalID)
      guard let id = evaluator.physicalIDs[logicalID] else {
        throw TemplateError(.invalid, resource.mark, "resource '\(logicalID)' is not created yet")
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
  /// Enters the IDs of the stack's keys. The ID of an alias is its name, which the template may
  /// have changed, so an alias is entered only when it is created or found unchanged.
  package mutating func enterKeys(of record: Stack) {
    for resource in record.resources where resource.properties.type == .key {
      physicalIDs[resource.logicalID] = resource.physicalID
    }
  }
}

extension StackResource {
  /// The logical ID of the resource in the template.
  package var logicalID: String {
    switch self {
    case .key(let key): key.logicalID
    case .alias(let alias): alias.logicalID
    }
  }

  /// The place of the resource in the template.
  package var mark: TemplateMark {
    switch self {
    case .key(let key): key.mark
    case .alias(let alias): alias.mark
    }
  }

  /// The action on the resource when the stack no longer has it.
  package var deletionPolicy: DeletionPolicy {
    switch self {
    case .key(let key): key.deletionPolicy
    case .alias(let alias): alias.deletionPolicy
    }
  }

  /// The properties that the template wants, in the form of the stack's record.
  package var properties: Stack.Resource.Properties {
    switch self {
    case .key(let key): .key(key.properties)
    case .alias(let alias): .alias(alias.properties)
    }
  }
}
