/// A CloudFormation template: its declarations, checked as far as possible without parameter
/// values.
package struct Template: Sendable {
  /// A resource of a type that a keystore does not have.
  package struct PassedOver: Equatable, Sendable {
    package let logicalID: String
    package let type: String
    package let mark: TemplateMark
  }

  package let description: String?
  package let parameters: [TemplateParameter]
  /// The resources of types that `TemplateResourceType` does not have.
  package let passedOver: [PassedOver]
  let mappings: [String: TemplateMapping]
  /// The conditions, each after those that it refers to.
  let conditions: [(name: String, condition: TemplateCondition)]
  let resources: [TemplateResource]
  let outputs: [TemplateOutput]

  /// The maximum size of a template in bytes.
  package static let sizeLimit = TemplateReader.sizeLimit
  /// The number of resources, without those that are passed over.
  package var resourceCount: Int { resources.count }
  static let version = "2010-09-09"

  /// Reads YAML or JSON. Resources of unsupported types are passed over if `skippingUnsupported` is
  /// true; otherwise an error lists them. Throws `TemplateError`.
  package init(parsing bytes: [UInt8], skippingUnsupported: Bool = false) throws {
    let root = try TemplateReader.read(bytes)
    let sections = try TemplateSections(root)
    var scope = TemplateScope()

    description = sections.description
    parameters = try sections.parameters.map { entry in
      try entry.requireLogicalID("a parameter")
      return try TemplateParameter(entry)
    }
    scope.parameters = Set(parameters.map(\.name))

    var mappings: [String: TemplateMapping] = [:]
    for entry in sections.mappings { mappings[entry.key] = try TemplateMapping(entry) }
    self.mappings = mappings
    scope.mappings = Set(mappings.keys)

    let declared = try sections.resources.map { try TemplateResource.Declaration($0) }
    passedOver = declared.filter { TemplateResourceType(rawValue: $0.type) == nil }.map {
      PassedOver(logicalID: $0.entry.key, type: $0.type, mark: $0.typeMark)
    }
    if let first = passedOver.first, !skippingUnsupported {
      throw TemplateError(.unsupported, first.mark, Self.refusal(of: passedOver))
    }
    for other in passedOver { scope.passedOver[other.logicalID] = other.type }
    for one in declared {
      scope.resources[one.entry.key] = TemplateResourceType(rawValue: one.type)
      if scope.parameters.contains(one.entry.key) {
        throw one.entry.invalid("'\(one.entry.key)' is a parameter and a resource")
      }
    }

    scope.conditions = Set(sections.conditions.map(\.key))
    var conditionScope = scope
    conditionScope.isCondition = true
    conditionScope.allowsResources = .refused("a condition cannot depend on a resource")
    var conditions: [String: TemplateCondition] = [:]
    for entry in sections.conditions {
      conditions[entry.key] = try TemplateCondition(entry.value, conditionScope)
    }
    self.conditions = try Self.ordered(sections.conditions.map(\.key), conditions)

    resources = try declared.compactMap { one in
      try scope.resources[one.entry.key].map { try TemplateResource(one, $0, scope) }
    }
    outputs = try sections.outputs.map { try TemplateOutput($0, scope) }
  }

  private static func refusal(of others: [PassedOver]) -> String {
    let list = others.map { "\($0.logicalID) (\($0.type), line \($0.mark.line))" }
    return "resources of these types are not supported: \(list.joined(separator: ", "))"
  }

  private static func ordered(
    _ names: [String], _ conditions: [String: TemplateCondition]
  ) throws -> [(name: String, condition: TemplateCondition)] {
    switch DependencyOrder(names, { conditions[$0]?.references ?? [] }) {
    case .order(let names): return names.map { ($0, conditions[$0]!) }
    case .cycle(let cycle):
      throw conditions[cycle[0]]!.invalid(
        "conditions depend on each other: \(cycle.joined(separator: " -> "))")
    }
  }
}
