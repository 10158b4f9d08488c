import KMSTemplates

/// A plan in the format of CloudFormation's DescribeChangeSet.
struct StackPlanDescription: Encodable {
  struct Change: Encodable {
    var type = "Resource"
    let resourceChange: ResourceChange
  }

  struct ResourceChange: Encodable {
    let action: String
    let logicalResourceID: String
    let physicalResourceID: String?
    let resourceType: String
    /// For a modified resource: "True" if another resource replaces it, else "False".
    let replacement: String?
    /// For a removed resource: "Delete" or "Retain".
    let policyAction: String?
    let details: [Detail]
  }

  struct Detail: Encodable {
    struct Target: Encodable {
      let attribute: String
      let name: String
      let beforeValue: String?
      let afterValue: String?
    }

    let target: Target
  }

  /// An output. CloudFormation's change sets do not contain outputs.
  struct Output: Encodable {
    let outputKey: String
    let beforeValue: String?
    let afterValue: String?
  }

  let stackName: String
  let changes: [Change]
  let outputs: [Output]
  let notices: [String]
  /// For `template apply --plan`. CloudFormation has the name of the change set instead.
  let planDigest: String

  init(_ plan: StackPlan, stackName: String) throws {
    self.stackName = stackName
    planDigest = try plan.digest().text
    changes = plan.changes.filter { $0.action != .none }.map {
      Change(resourceChange: ResourceChange($0))
    }
    outputs = plan.outputs.map {
      Output(outputKey: $0.name, beforeValue: $0.old, afterValue: $0.new)
    }
    notices = plan.notices.map(\.text)
  }
}

extension StackPlanDescription.ResourceChange {
  fileprivate init(_ change: StackPlan.Change) {
    logicalResourceID = change.logicalID
    physicalResourceID = change.physicalID
    resourceType = change.type.rawValue
    (action, replacement, policyAction) =
      switch change.action {
      case .create: ("Add", nil, nil)
      case .update: ("Modify", "False", nil)
      case .replace: ("Modify", "True", nil)
      case .delete: ("Remove", nil, "Delete")
      case .retain: ("Remove", nil, "Retain")
      case .none: ("None", nil, nil)
      }
    details = change.properties.map {
      StackPlanDescription.Detail(
        target: .init(
          attribute: $0.name == "DeletionPolicy" ? "DeletionPolicy" : "Properties", name: $0.name,
          beforeValue: $0.old, afterValue: $0.new))
    }
  }
}
