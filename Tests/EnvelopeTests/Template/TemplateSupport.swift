import Foundation

@testable import Envelope

/// The template that must apply as it is.
func exampleTemplate() throws -> String {
  let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("example.yaml")
  return try String(contentsOf: file, encoding: .utf8)
}

/// A template with its parameters.
func evaluator(
  _ text: String, parameters: [String: String] = [:], skippingUnsupported: Bool = false,
  imports: [String: String] = [:]
) throws -> TemplateEvaluator {
  try TemplateEvaluator(
    Template(parsing: Array(text.utf8), skippingUnsupported: skippingUnsupported),
    stackName: "test", stackID: "arn:aws:cloudformation:local:000000000000:stack/test/1",
    parameters: parameters, imports: { imports[$0] })
}

/// Every resource evaluated in order, with physical IDs as if they had been made: a key's ID is
/// `ID-` and its logical ID.
func made(_ evaluator: TemplateEvaluator) throws -> TemplateEvaluator {
  var evaluator = evaluator
  for logicalID in evaluator.resourceOrder {
    switch try evaluator.resource(logicalID) {
    case .key: evaluator.physicalIDs[logicalID] = "ID-\(logicalID)"
    case .alias(let alias): evaluator.physicalIDs[logicalID] = alias.properties.aliasName
    }
  }
  return evaluator
}

/// "line:column message" of what is wrong, wherever it shows; "fine" where nothing is.
func problem(
  _ text: String, parameters: [String: String] = [:], skippingUnsupported: Bool = false
) throws -> String {
  do {
    let evaluator = try made(
      evaluator(text, parameters: parameters, skippingUnsupported: skippingUnsupported))
    _ = try evaluator.outputs()
    _ = try evaluator.importedNames()
    return "fine"
  } catch let error as TemplateError {
    return described(error)
  }
}

func described(_ error: TemplateError) -> String {
  (error.mark.map { "\($0.line):\($0.column) " } ?? "") + error.message
}

/// A template of one key with these lines as its properties.
func keyTemplate(_ properties: String...) -> String {
  "Resources:\n  k:\n    Type: AWS::KMS::Key\n    Properties:\n"
    + properties.flatMap { $0.split(separator: "\n") }.map { "      \($0)\n" }.joined()
}

/// A template of one key with an output of that value.
func outputTemplate(_ value: String, before: String = "") -> String {
  "\(before)Resources:\n  k:\n    Type: AWS::KMS::Key\nOutputs:\n  o:\n    Value: \(value)\n"
}

/// A key policy in YAML's flow form, with this Sid.
func policyText(_ sid: String, action: String = "kms:*") -> String {
  "{Statement: [{Sid: \(sid), Effect: Allow, Principal: {AWS: 'arn:aws:iam::000000000000:root'}, "
    + "Action: '\(action)', Resource: '*'}]}"
}

/// The same as JSON.
func policyJSON(_ sid: String, action: String = "kms:*") -> String {
  #"{"Statement":[{"Sid":"\#(sid)","Effect":"Allow","Principal":"#
    + #"{"AWS":"arn:aws:iam::000000000000:root"},"Action":"\#(action)","Resource":"*"}]}"#
}
