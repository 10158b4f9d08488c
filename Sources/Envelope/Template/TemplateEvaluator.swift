/// A template with its parameters: what each resource and output comes to. A key has no ID before it
/// is made, so the resources are taken in `resourceOrder`, and each that is made is entered in
/// `physicalIDs` before the next is asked for; outputs come last.
public struct TemplateEvaluator: Sendable {
  public let template: Template
  public let stackName: String
  public let stackID: String
  /// The resources whose conditions hold, each after those that it needs.
  public let resourceOrder: [String]
  /// The parameters' values, without those that are secret.
  public let parameters: [String: String]
  /// Key IDs and alias names, by logical ID.
  public var physicalIDs: [String: String] = [:]
  /// Whether the ID of a resource that is not made yet is a text that says so, instead of an error.
  var namesPending = false

  private let values: [String: TemplateParameter.Value]
  private let conditions: [String: Bool]
  private let active: [String: TemplateResource]
  private let inactive: [String: TemplateResource]
  private let imports: @Sendable (String) -> String?

  /// `parameters` are texts by name, `imports` gives the value of an export of another stack.
  /// Throws `TemplateError`.
  public init(
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
    // Conditions need parameters only, and resources need conditions.
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

/// A resource of a template with its properties' values.
public enum StackResource: Equatable, Sendable {
  case key(TemplateKey)
  case alias(TemplateAlias)
}

extension TemplateEvaluator {
  /// The key of that logical ID, one of `resourceOrder`. Throws `TemplateError`.
  public func key(_ logicalID: String) throws -> TemplateKey {
    guard case .key(let key) = try resource(logicalID) else {
      throw TemplateError(.invalid, nil, "resource '\(logicalID)' is no key")
    }
    return key
  }

  /// The alias of that logical ID, one of `resourceOrder`. Throws `TemplateError`.
  public func alias(_ logicalID: String) throws -> TemplateAlias {
    guard case .alias(let alias) = try resource(logicalID) else {
      throw TemplateError(.invalid, nil, "resource '\(logicalID)' is no alias")
    }
    return alias
  }

  /// The resource of that logical ID, one of `resourceOrder`. Throws `TemplateError`.
  public func resource(_ logicalID: String) throws -> StackResource {
    guard let resource = active[logicalID] else {
      throw TemplateError(
        .invalid, inactive[logicalID]?.mark, "there is no resource '\(logicalID)' to make")
    }
    let evaluation = evaluation
    let properties = try ResourceProperties(resource, evaluation)
    return switch resource.type {
    case .key: .key(try TemplateKey(resource, properties))
    case .alias: .alias(try TemplateAlias(resource, properties, evaluation))
    }
  }

  /// The outputs whose conditions hold, in the template's order. Throws `TemplateError`.
  public func outputs() throws -> [StackOutput] {
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

  /// Where the template declares the output.
  func mark(ofOutput name: String) -> TemplateMark? {
    template.outputs.first { $0.name == name }?.mark
  }

  /// The names of the exports that the resources and outputs import, each once.
  public func importedNames() throws -> [String] {
    let evaluation = evaluation
    var names: [String] = []
    let expressions =
      resourceOrder.flatMap { active[$0]!.properties.map(\.value) }
      + template.outputs.filter { $0.condition.map { conditions[$0]! } ?? true }.map(\.value)
    for expression in expressions {
      for name in try evaluation.imports(in: expression) where !names.contains(name) {
        names.append(name)
      }
    }
    return names
  }
}
