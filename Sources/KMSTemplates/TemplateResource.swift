import Envelope

/// The types of resources that a keystore can have.
package enum TemplateResourceType: String, CaseIterable, Codable, Sendable {
  case key = "AWS::KMS::Key"
  case alias = "AWS::KMS::Alias"

  /// The attributes that Fn::GetAtt returns.
  var attributes: [String] {
    switch self {
    case .key: ["Arn", "KeyId"]
    case .alias: []
    }
  }

  var properties: [String] {
    switch self {
    case .key:
      [
        "BypassPolicyLockoutSafetyCheck", "Description", "Enabled", "EnableKeyRotation",
        "KeyPolicy",
        "KeySpec", "KeyUsage", "MultiRegion", "Origin", "PendingWindowInDays",
        "RotationPeriodInDays", "Tags",
      ]
    case .alias: ["AliasName", "TargetKeyId"]
    }
  }
}

/// The action on a resource when its stack no longer has it.
package enum DeletionPolicy: String, CaseIterable, Codable, Sendable {
  case delete = "Delete"
  case retain = "Retain"
  /// The same as Retain, except if the creation of the stack fails.
  case retainExceptOnCreate = "RetainExceptOnCreate"
}

/// The declaration of a resource in a template.
struct TemplateResource: Sendable {
  let logicalID: String
  let type: TemplateResourceType
  let mark: TemplateMark
  let properties: [TemplateExpression.Entry]
  let dependsOn: [String]
  let condition: String?
  let deletionPolicy: DeletionPolicy

  init(_ declared: Declaration, _ type: TemplateResourceType, _ scope: TemplateScope) throws {
    logicalID = declared.entry.key
    mark = declared.entry.mark
    self.type = type
    let what = "resource '\(logicalID)'"
    var properties: [TemplateExpression.Entry] = []
    var dependsOn: [String] = []
    var condition: String?
    var deletionPolicy = DeletionPolicy.delete
    for attribute in declared.attributes {
      let value = attribute.value
      let name = "\(attribute.key) of \(what)"
      switch attribute.key {
      case "Type", "Metadata": continue
      case "Properties": properties = try Self.properties(value.map(name), type, scope)
      case "DependsOn":
        for (other, mark) in try value.texts(name) {
          try scope.requireResource(
            other, mark, "\(what) depends on '\(other)', which is not a resource")
          dependsOn.append(other)
        }
      case "Condition":
        let text = try value.text(name)
        try scope.requireCondition(text, value.mark)
        condition = text
      case "DeletionPolicy": deletionPolicy = try Self.policy(value, name)
      case "UpdateReplacePolicy": _ = try Self.policy(value, name)
      case "CreationPolicy", "UpdatePolicy":
        throw attribute.unsupported("\(attribute.key) is not supported: keys are made at once")
      default:
        throw attribute.invalid(
          "unknown attribute '\(attribute.key)' of \(what)"
            + NearestName.hint(attribute.key, in: Self.attributes))
      }
    }
    self.properties = properties
    self.dependsOn = dependsOn
    self.condition = condition
    self.deletionPolicy = deletionPolicy
  }

  private static let attributes = [
    "Type", "Metadata", "Properties", "DependsOn", "Condition", "DeletionPolicy",
    "UpdateReplacePolicy",
  ]

  private static func properties(
    _ entries: [TemplateNode.Entry], _ type: TemplateResourceType, _ scope: TemplateScope
  ) throws -> [TemplateExpression.Entry] {
    try entries.map { entry in
      guard type.properties.contains(entry.key) else {
        throw entry.invalid(
          "\(type.rawValue) has no property '\(entry.key)'"
            + NearestName.hint(entry.key, in: type.properties))
      }
      return TemplateExpression.Entry(
        key: entry.key, mark: entry.mark, value: try TemplateExpression(entry.value, scope))
    }
  }

  private static func policy(_ node: TemplateNode, _ what: String) throws -> DeletionPolicy {
    let text = try node.text(what)
    if let policy = DeletionPolicy(rawValue: text) { return policy }
    guard text != "Snapshot" else {
      throw TemplateError(.unsupported, node.mark, "\(what) cannot be Snapshot: keys have none")
    }
    let names = DeletionPolicy.allCases.map(\.rawValue).joined(separator: ", ")
    throw node.invalid("\(what) must be one of \(names), not '\(text)'")
  }

  /// The declaration of a resource, before its type is checked.
  struct Declaration {
    let entry: TemplateNode.Entry
    let attributes: [TemplateNode.Entry]
    let type: String
    let typeMark: TemplateMark

    init(_ entry: TemplateNode.Entry) throws {
      self.entry = entry
      let what = "resource '\(entry.key)'"
      try entry.requireLogicalID("a resource")
      attributes = try entry.value.map(what)
      guard let type = attributes.first(where: { $0.key == "Type" }) else {
        throw entry.invalid("\(what) has no Type")
      }
      self.type = try type.value.text("Type of \(what)")
      typeMark = type.value.mark
    }
  }
}

extension TemplateNode.Entry {
  /// Throws unless the key is 1 to 255 letters and digits.
  func requireLogicalID(_ what: String) throws {
    let isName = key.unicodeScalars.allSatisfy {
      $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
    }
    guard isName, (1...255).contains(key.utf8.count) else {
      throw invalid("the name of \(what) must be 1 to 255 letters and digits, not '\(key)'")
    }
  }
}
