import Envelope

/// Evaluates the resources and outputs of a template with its parameters. The ID of a key is known
/// only after the key is created. Therefore take the resources in `resourceOrder`, and enter each
/// created resource in `physicalIDs` before asking for the next one. Take the outputs last.
package struct TemplateEvaluator: Sendable {
  package let template: Template
  package let stackName: String
  /// The ID of the stack. If it changes, the conditions keep the values that they had with the
  /// first ID.
  package internal(set) var stackID: String
  /// The resources whose conditions are true, each after the resources that it needs.
  package let resourceOrder: [String]
  /// The values of the parameters, without secret ones.
  package let parameters: [String: String]
  /// The IDs of keys and the names of aliases, by logical ID.
  package var physicalIDs: [String: String] = [:]
  /// True if the ID of a resource that is not created yet is a placeholder text. If false, the use
  /// of such an ID is an error.
  var namesPending = false

  private let values: [String: TemplateParameter.Value]
  private let conditions: [String: Bool]
  private let active: [String: TemplateResource]
  private let inactive: [String: TemplateResource]
  private let imports: @Sendable (String) -> String?

  /// `parameters` are values by name. `imports` returns the value of another stack's export. Throws
  /// `TemplateError`.
  package init(
    _ template: Template, stackName: String, stackID: String, parameters: [String: String] = [:],
    imports: @escaping @Sendable (String) -> String? = { _ in nil }
  ) throws {
    try StackName.validate(stackName)
    self.template = template
    self.stackName = stackName
    self.stackID = stackID
    self.imports = imports
    values = try Self.values(template, parameters)
    self.parameters = template.parameters.filter { !$0.isSecret }.reduce(into: [:]) {
      $0[$1.name] = parameters[$1.name] ?? $1.defaultValue
    }
    // Conditions depend only on parameters, and resources depend on conditions.
    var evaluation = Evaluation(
      template: template, values: values, stackName: stackName, stackID: stackID,
      conditions: [:], imports: imports)
    for (name, condition) in template.conditions {
      evaluation.conditions[name] = try evaluation.holds(condition)
    }
    conditions = evaluation.conditions
    var active: [String: TemplateResource] = [:]
    var inactive: [String: TemplateResource] = [:]
    for resource in template.resources {
      if resource.condition.map({ evaluation.conditions[$0]! }) ?? true {
        active[resource.logicalID] = resource
      } else {
        inactive[resource.logicalID] = resource
      }
    }
    self.active = active
    self.inactive = inactive
    resourceOrder = try Self.order(template, active, evaluation)
  }

  private static func values(
    _ template: Template, _ given: [String: String]
  ) throws -> [String: TemplateParameter.Value] {
    let names = template.parameters.map(\.name)
    if let unknown = given.keys.sorted().first(where: { !names.contains($0) }) {
      throw TemplateError(
        .parameter, nil,
        "the template has no parameter '\(unknown)'\(NearestName.hint(unknown, in: names))")
    }
    var values: [String: TemplateParameter.Value] = [:]
    for parameter in template.parameters {
      guard let text = given[parameter.name] ?? parameter.defaultValue else {
        throw TemplateError(
          .parameter, parameter.mark,
          "parameter '\(parameter.name)' has no default, and no value was given")
      }
      values[parameter.name] = try parameter.value(of: text)
    }
    return values
  }

  private static func order(
    _ template: Template, _ active: [String: TemplateResource], _ evaluation: Evaluation
  ) throws -> [String] {
    let needs = active.mapValues { resource in
      let values = resource.properties.flatMap { evaluation.references(in: $0.value) }
      return (values + resource.dependsOn).filter { active[$0] != nil }
    }
    let names = template.resources.map(\.logicalID).filter { active[$0] != nil }
    switch DependencyOrder(names, { needs[$0] ?? [] }) {
    case .order(let names): return names
    case .cycle(let cycle):
      throw TemplateError(
        .invalid, active[cycle[0]]?.mark,
        "resources depend on each other: \(cycle.joined(separator: " -> "))")
    }
  }

  private var evaluation: Evaluation {
    Evaluation(
      template: template, values: values, stackName: stackName, stackID: stackID,
      conditions: conditions, imports: imports, active: active, inactive: inactive,
      physicalIDs: physicalIDs, namesPending: namesPending)
  }
}

/// A resource of a template with the values of its properties.
package enum StackResource: Equatable, Sendable {
  case key(TemplateKey)
  case alias(TemplateAlias)
}

extension TemplateEvaluator {
  /// Returns the key with this logical ID, which must be in `resourceOrder`. Throws
  /// `TemplateError`.
  package func key(_ logicalID: String) throws -> TemplateKey {
    guard case .key(let key) = try resource(logicalID) else {
      throw TemplateError(.invalid, nil, "resource '\(logicalID)' is not a key")
    }
    return key
  }

  /// Returns the alias with this logical ID, which must be in `resourceOrder`. Throws
  /// `TemplateError`.
  package func alias(_ logicalID: String) throws -> TemplateAlias {
    guard case .alias(let alias) = try resource(logicalID) else {
      throw TemplateError(.invalid, nil, "resource '\(logicalID)' is not an alias")
    }
    return alias
  }

  /// Returns the resource with this logical ID, which must be in `resourceOrder`. Throws
  /// `TemplateError`.
  package func resource(_ logicalID: String) throws -> StackResource {
    guard let resource = active[logicalID] else {
      throw TemplateError(
        .invalid, inactive[logicalID]?.mark, "there is no resource '\(logicalID)' to create")
    }
    let evaluation = evaluation
    let properties = try ResourceProperties(resource, evaluation)
    return switch resource.type {
    case .key: .key(try TemplateKey(resource, properties))
    case .alias: .alias(try TemplateAlias(resource, properties, evaluation))
    }
  }

  /// Returns the outputs whose conditions are true, in the order of the template. Throws
  /// `TemplateError`.
  package func outputs() throws -> [StackOutput] {
    let evaluation = evaluation
    var exports: Set<String> = []
    return try template.outputs.filter { $0.condition.map { conditions[$0]! } ?? true }.map {
      let exportName = try $0.exportName.map {
        try evaluation.text($0, "the name of an export")
      }
      if let exportName, !exports.insert(exportName).inserted {
        throw TemplateError(.invalid, $0.mark, "two outputs are exported as '\(exportName)'")
      }
      return StackOutput(
        name: $0.name, value: try evaluation.text($0.value, "Value of output '\($0.name)'"),
        description: $0.description, exportName: exportName)
    }
  }

  /// Returns the place of an output in the template.
  func mark(ofOutput name: String) -> TemplateMark? {
    template.outputs.first { $0.name == name }?.mark
  }

  /// Returns the names of the exports that the resources and the outputs import, without
  /// repetitions. The name of an export can be imported, too.
  package func importedNames() throws -> [String] {
    let evaluation = evaluation
    var names: [String] = []
    let expressions =
      resourceOrder.flatMap { active[$0]!.properties.map(\.value) }
      + template.outputs.filter { $0.condition.map { conditions[$0]! } ?? true }.flatMap {
        [$0.value] + ($0.exportName.map { [$0] } ?? [])
      }
    for expression in expressions {
      for name in try evaluation.imports(in: expression) where !names.contains(name) {
        names.append(name)
      }
    }
    return names
  }
}
