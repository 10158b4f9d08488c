@testable import Envelope
@testable import KMSTemplates

extension FuzzTarget {
  /// A CloudFormation template, YAML or JSON, planned as a stack that does not exist yet.
  static let template = FuzzTarget("template") { bytes in
    let template = try Template(parsing: bytes, skippingUnsupported: true)
    let evaluator = try TemplateEvaluator(
      template, stackName: "stack",
      stackID: "arn:aws:cloudformation:local:000000000000:stack/stack/1")
    let plan = try StackPlan(from: nil, to: evaluator)
    require(
      plan.changes.allSatisfy { $0.action == .create }, "what is not there is to be more than made")
    require(
      try StackPlan(from: nil, to: evaluator) == plan, "one template is planned in two ways")
  }
}
