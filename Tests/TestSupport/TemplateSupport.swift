import Foundation

@testable import KMSTemplates

/// Returns the example template, which must be accepted unchanged.
func exampleTemplate() throws -> String {
  let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("example.yaml")
  return try String(contentsOf: file, encoding: .utf8)
}

/// Parses a template and returns an evaluator with its parameters.
func evaluator(
  _ text: String, parameters: [String: String] = [:], skippingUnsupported: Bool = false,
  imports: [String: String] = [:]
) throws -> TemplateEvaluator {
  try TemplateEvaluator(
    Template(parsing: Array(text.utf8), skippingUnsupported: skippingUnsupported),
    stackName: "test", stackID: "arn:aws:cloudformation:local:000000000000:stack/test/1",
    parameters: parameters, imports: { imports[$0] })
}

/// Evaluates every resource in order and assigns physical IDs as if the resources had been created.
/// A key's ID is `ID-`, followed by its logical ID.
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

/// Returns "line:column message" of the first error in any step, or "fine".
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

/// Returns a template of one key with these lines as its properties.
func keyTemplate(_ properties: String...) -> String {
  "Resources:\n  k:\n    Type: AWS::KMS::Key\n    Properties:\n"
    + properties.flatMap { $0.split(separator: "\n") }.map { "      \($0)\n" }.joined()
}

/// Returns a template of one key, with an output of this value.
func outputTemplate(_ value: String, before: String = "") -> String {
  "\(before)Resources:\n  k:\n    Type: AWS::KMS::Key\nOutputs:\n  o:\n    Value: \(value)\n"
}

/// Returns a key policy with this Sid in YAML's flow style.
func policyText(_ sid: String, action: String = "kms:*") -> String {
  "{Statement: [{Sid: \(sid), Effect: Allow, Principal: {AWS: 'arn:aws:iam::000000000000:root'}, "
    + "Action: '\(action)', Resource: '*'}]}"
}

/// Returns the same key policy as JSON.
func policyJSON(_ sid: String, action: String = "kms:*") -> String {
  #"{"Statement":[{"Sid":"\#(sid)","Effect":"Allow","Principal":"#
    + #"{"AWS":"arn:aws:iam::000000000000:root"},"Action":"\#(action)","Resource":"*"}]}"#
}

/// Every function in its short form, its long form, or both. Imports production-vpc.
let templateOfEveryFunction = """
  AWSTemplateFormatVersion: 2010-09-09
  Description: all of it
  Metadata:
    Anything: [!Unknown x, {Fn::Nothing: 1}]
  Parameters:
    Stage: {Type: String, Default: production}
    Days: {Type: Number, Default: 9}
    Names: {Type: CommaDelimitedList, Default: "ann, bob ,carl"}
    Ports: {Type: List<Number>, Default: "1,2"}
  Mappings:
    Windows:
      production: {days: 30, list: [x, y]}
      test: {days: 7, list: [z]}
  Conditions:
    IsProduction: !Equals [!Ref Stage, production]
    IsTest: {"Fn::Not": [{Condition: IsProduction}]}
    Both: !And [!Condition IsProduction, !Not [!Condition IsTest]]
    Either: {"Fn::Or": [!Condition IsTest, {"Fn::Equals": [!Ref Days, "9"]}]}
    Never: !And [!Condition Both, !Condition IsTest]
  Resources:
    second:
      Type: AWS::KMS::Key
      DependsOn: [first]
      Condition: Both
      DeletionPolicy: Retain
      Properties:
        Description: !Sub
          - "${Stage} of ${first.Arn} ${Who} ${!Not} ${AWS::Partition} $ ${open"
          - Who: !Select [1, !Ref Names]
        PendingWindowInDays: !FindInMap [Windows, !Ref Stage, days]
        KeyPolicy:
          Version: 2012-10-17
          Id: "\\"\\\\\\té"
          Statement:
            - Fn::If: [Either, {Sid: yes, Effect: Allow, Principal: "*", Action: "kms:*", Resource: "*"}, no]
            - !If [Never, never, !Ref AWS::NoValue]
            - Sid: !If [IsTest, test, !Join [":", [arn, !GetAtt first.KeyId, {Ref: first}]]]
              Effect: Deny
              Principal: {AWS: "*"}
              Action: [kms:Sign]
              Resource: "*"
              Condition:
                StringEquals:
                  kms:EncryptionContext:n: [7, "7", 007, 1.5e3, 0x10, true, "true", 000000000000, 1_000]
        Tags: !If
          - Either
          - - {Key: encoded, Value: !Base64 secret}
            - {Key: split, Value: !Select ["1", !Split ["--", a--b--c]]}
            - {Key: list, Value: {"Fn::Join": ["+", {"Fn::FindInMap": [Windows, test, list]}]}}
            - {Key: import, Value: {"Fn::ImportValue": !Sub "${Stage}-vpc"}}
            - !Ref "AWS::NoValue"
          - !Ref AWS::NoValue
    first: {Type: "AWS::KMS::Key"}
    never: {Type: "AWS::KMS::Key", Condition: Never}
    name:
      Type: AWS::KMS::Alias
      Properties: {AliasName: !Sub "alias/${AWS::StackName}/${Stage}", TargetKeyId: !GetAtt [second, Arn]}
  Outputs:
    Dropped: {Value: !Ref never, Condition: Never}
    Pseudo:
      Description: all that is fixed
      Value: !Join
        - " "
        - - !Ref AWS::AccountId
          - !Ref AWS::Region
          - !Ref AWS::URLSuffix
          - !Ref AWS::StackId
          - !Join ["", !Ref AWS::NotificationARNs]
    Name: {Value: !Ref name, Export: {Name: !Sub "${AWS::StackName}-name"}}
    Ports: {Value: !Join [";", !Ref Ports]}
    Account: {Value: !Select [4, !Split [":", !GetAtt first.Arn]]}
  """
