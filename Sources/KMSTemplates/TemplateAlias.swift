import KMSAPI

/// An `AWS::KMS::Alias` of a template.
package struct TemplateAlias: Equatable, Sendable {
  /// The properties of an alias.
  package struct Properties: Codable, Equatable, Sendable {
    package var aliasName: String
    /// The ID of the key that the alias refers to.
    package var targetKeyID: String
  }

  /// The key that an alias refers to.
  package enum Target: Equatable, Sendable {
    /// A key in the template, by logical ID.
    case resource(String)
    /// An existing key, by its ID.
    case keyID(String)
  }

  package let logicalID: String
  package let properties: Properties
  package let target: Target
  package let deletionPolicy: DeletionPolicy
  package let mark: TemplateMark
  /// The place of the target in the template.
  let targetMark: TemplateMark

  init(
    _ resource: TemplateResource, _ values: ResourceProperties, _ evaluation: Evaluation
  ) throws {
    logicalID = resource.logicalID
    deletionPolicy = resource.deletionPolicy
    mark = resource.mark
    guard let name = try values.text("AliasName") else {
      throw TemplateError(.invalid, mark, "resource '\(logicalID)' has no AliasName")
    }
    do {
      try KeyName.validate(alias: name)
    } catch {
      throw values.error(
        .invalid, "AliasName",
        "must be alias/ and 1 to 250 letters, digits, '/', '_' or '-', not '\(name)'")
    }
    guard let text = try values.text("TargetKeyId"),
      let written = resource.properties.first(where: { $0.key == "TargetKeyId" })?.value
    else { throw TemplateError(.invalid, mark, "resource '\(logicalID)' has no TargetKeyId") }
    targetMark = values.mark(of: "TargetKeyId")
    if let other = evaluation.resourceMeant(by: written) {
      guard evaluation.active[other]?.type == .key else {
        throw values.error(
          .invalid, "TargetKeyId", "must be a key's ID or ARN, and '\(other)' is not a key")
      }
      target = .resource(other)
      properties = Properties(
        aliasName: name, targetKeyID: evaluation.physicalIDs[other] ?? text)
    } else if evaluation.isPending(written) {
      target = .keyID(text)
      properties = Properties(aliasName: name, targetKeyID: text)
    } else {
      guard case .keyID(let id)? = try? KeyName(parsing: text) else {
        throw values.error(.invalid, "TargetKeyId", "must be a key's ID or ARN, not '\(text)'")
      }
      target = .keyID(id)
      properties = Properties(aliasName: name, targetKeyID: id)
    }
  }
}

extension Evaluation {
  /// True if the value refers to a resource that is not created yet.
  func isPending(_ expression: TemplateExpression) -> Bool {
    namesPending && references(in: expression).contains { physicalIDs[$0] == nil }
  }

  /// Returns the logical ID of a resource if the value consists only of a reference to it;
  /// otherwise nil.
  fileprivate func resourceMeant(by expression: TemplateExpression) -> String? {
    switch expression.form {
    case .ref(let name) where values[name] == nil && PseudoParameter(rawValue: name) == nil: name
    case .getAtt(let name, _): name
    case .if(let condition, let value, let other):
      resourceMeant(by: conditions[condition]! ? value : other)
    case .sub(let pieces, let variables) where pieces.count == 1:
      switch pieces[0] {
      case .value(let value): resourceMeant(by: value)
      case .variable(let name): variables[name].flatMap(resourceMeant)
      case .text: nil
      }
    default: nil
    }
  }
}
