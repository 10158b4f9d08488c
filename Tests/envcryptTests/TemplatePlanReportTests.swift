import Testing

@testable import KMSTemplates
@testable import TestSupport
@testable import envcrypt

@Suite struct TemplatePlanReportTests {
  private static let old = """
    Resources:
      k:
        Type: AWS::KMS::Key
        Properties: {Description: "one\\e[2J", KeyPolicy: \(policyText("x"))}
      gone: {Type: 'AWS::KMS::Key', DeletionPolicy: Retain}
      old: {Type: 'AWS::KMS::Key', Properties: {PendingWindowInDays: 7}}
      a: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/a, TargetKeyId: !Ref k}}
    """
  private static let new = """
    Resources:
      n:
        Type: AWS::KMS::Key
        Properties: {Tags: [{Key: a, Value: b}, {Key: c, Value: d}]}
      k:
        Type: AWS::KMS::Key
        Properties: {Description: two, KeyPolicy: \(policyText("y"))}
    Outputs: {Id: {Value: !Ref n}}
    """

  private func report(isColoured: Bool) throws -> String {
    let record = try Stack(made(evaluator(Self.old)))
    let plan = try StackPlan(from: record, to: evaluator(Self.new))
    return TemplatePlanReport(plan: plan, isColoured: isColoured).text
  }

  @Test func planIsReadable() throws {
    #expect(
      try report(isColoured: false) == #"""
        + n (AWS::KMS::Key)
            + Enabled: true
            + EnableKeyRotation: false
            + KeySpec: SYMMETRIC_DEFAULT
            + KeyUsage: ENCRYPT_DECRYPT
            + Origin: AWS_KMS
            + PendingWindowInDays: 30
            + Tags:
                + a=b
                + c=d
        ~ k (AWS::KMS::Key) ID-k
            ~ Description: one\u{1b}[2J -> two
            ~ KeyPolicy:
                  {
                    "Statement": [
                      {
                -       "Sid": "x",
                +       "Sid": "y",
                        "Effect": "Allow",
                        "Principal": {
                          "AWS": "arn:aws:iam::000000000000:root"
                        },
                        "Action": "kms:*",
                        "Resource": "*"
                      }
                    ]
                  }
        - a (AWS::KMS::Alias) alias/a: deleted
        - old (AWS::KMS::Key) ID-old: deleted after 7 days
        - gone (AWS::KMS::Key) ID-gone: kept, but removed from the stack
        + output Id: (known after apply: n)
        1 to create, 1 to change, 2 to delete, 1 to leave
        """#)
  }

  @Test func coloursAreThereWhereAsked() throws {
    let lines = try report(isColoured: true).split(separator: "\n")
    #expect(lines[0] == "\u{1B}[32m+ n (AWS::KMS::Key)\u{1B}[0m")
    #expect(lines.contains("\u{1B}[33m~ k (AWS::KMS::Key) ID-k\u{1B}[0m"))
    #expect(lines.contains("\u{1B}[31m- a (AWS::KMS::Alias) alias/a: deleted\u{1B}[0m"))
    #expect(lines.last == "1 to create, 1 to change, 2 to delete, 1 to leave")
  }

  @Test func nothingIsSaidSo() throws {
    let record = try Stack(made(evaluator(Self.old)))
    let plan = try StackPlan(from: record, to: evaluator(Self.old))
    #expect(TemplatePlanReport(plan: plan, isColoured: true).text == "nothing to change")
  }

  @Test func errorsNameFileLineAndColumn() throws {
    let error = try #require(throws: TemplateError.self) {
      try Template(parsing: Array("Resources:\n  k: {Type: X}".utf8))
    }
    let message = "2:13: resources of these types are not supported: k (X, line 2)"
    let failure = Failure(error, inTemplate: "t.yaml")
    #expect(failure.message == "t.yaml:\(message)")
    #expect(failure.status == .configuration)
    #expect(Failure(error as any Error).message == message)
  }

  @Test func errorsQuoteNoControlCharacters() throws {
    let error = try #require(throws: TemplateError.self) {
      try Template(parsing: Array(#""\e[2J": x"#.utf8))
    }
    #expect(
      Failure(error, inTemplate: "t\u{1B}.yaml").message
        == #"t\u{1b}.yaml:1:1: unknown section '\u{1b}[2J'"#)
  }
}
