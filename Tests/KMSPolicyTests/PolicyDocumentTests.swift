import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSPolicy
@testable import TestSupport

/// Texts that are key policy documents, and the errors for texts that are not.
@Suite struct PolicyDocumentTests {
  struct Refusal: Sendable, CustomStringConvertible {
    let text: String
    let error: PolicyError

    var description: String { "\(error)" }

    static func malformed(_ text: String, _ message: String) -> Refusal {
      Refusal(text: text, error: .malformed(message))
    }

    static func unsupported(_ text: String, _ message: String) -> Refusal {
      Refusal(text: text, error: .unsupported(message))
    }
  }

  static func one(_ replacing: String, with text: String) -> String {
    let statement = Policies.statement(sid: "Use")
    precondition(statement.contains(replacing))
    return Policies.document(statement.replacing(replacing, with: text))
  }

  static func condition(_ json: String) -> String {
    Policies.document(Policies.statement(condition: json))
  }

  static let documents: [Refusal] = [
    .malformed("[]", "the document is not a JSON object"),
    .malformed("{}", "the document has no Statement"),
    .malformed(#"{"Statement": []}"#, "the document: Statement is empty"),
    .malformed(#"{"Statement": "*"}"#, "the document: Statement is a string"),
    .malformed(#"{"Statement": [7]}"#, "statement 1 is a number, not an object"),
    .malformed(#"{"Statements": []}"#, "the document: 'Statements' is not known"),
    .malformed(
      #"{"Version": "2012-10-18", "Statement": []}"#,
      "the document: Version '2012-10-18' is not 2012-10-17 or 2008-10-17"),
    .malformed(
      #"{"Version": 2012, "Statement": []}"#, "the document: Version is a number, not a string"),
    .malformed(#"{"Id": null, "Statement": []}"#, "the document: Id is null, not a string"),
    .malformed(
      "{\"Statement\": \"\u{100}\"}",
      "the document has the character U+0100; a policy has only characters up to U+00FF, and no "
        + "control characters"),
    .malformed(
      "{\"Statement\": \"\u{0}\"}",
      "the document has the character U+0000; a policy has only characters up to U+00FF, and no "
        + "control characters"),
    .malformed(
      Policies.document(
        Policies.statement(sid: "A"), Policies.statement(), Policies.statement(sid: "A")),
      "statement 3 'A': statement 1 has the same Sid"),
  ]

  static let statements: [Refusal] = [
    .malformed(one("Effect", with: "Effekt"), "statement 1 'Use': 'Effekt' is not known"),
    .malformed(
      one(#""Effect": "Allow", "#, with: ""), "statement 1 'Use' has no Effect"),
    .malformed(
      one("Allow", with: "allow"), "statement 1 'Use': Effect 'allow' is not Allow or Deny"),
    .malformed(one(#""Use""#, with: "1"), "statement 1: Sid is a number, not a string"),
    .malformed(
      one(#""Action": "kms:*", "#, with: ""), "statement 1 'Use' has no Action"),
    .malformed(
      one(#""Action""#, with: #""NotAction": "kms:Sign", "Action""#),
      "statement 1 'Use' has both Action and NotAction"),
    .malformed(
      one("kms:*", with: "s3:GetObject"),
      "statement 1 'Use': Action: 's3:GetObject' is not an action of kms, such as kms:Encrypt"),
    .malformed(
      one("kms:*", with: "k*"),
      "statement 1 'Use': Action: 'k*' is not an action of kms, such as kms:Encrypt"),
    .malformed(
      one("kms:*", with: "kms:"),
      "statement 1 'Use': Action: 'kms:' is not an action of kms, such as kms:Encrypt"),
    .malformed(
      one(#""kms:*""#, with: "[]"), "statement 1 'Use': Action is empty"),
    .malformed(
      one(#""Action": "kms:*""#, with: #""NotAction": ["kms:Sign", 7]"#),
      "statement 1 'Use': NotAction is a number, not a string"),
    .malformed(
      one(#", "Resource": "*""#, with: ""), "statement 1 'Use' has no Resource"),
    .malformed(
      one(#""Resource": "*""#, with: #""Resource": "1234abcd""#),
      "statement 1 'Use': Resource: '1234abcd' is not \"*\" or the ARN of a key"),
    .malformed(
      one(#""Resource": "*""#, with: #""Resource": "arn:aws:*:*:*:*""#),
      "statement 1 'Use': Resource: 'arn:aws:*:*:*:*' is not \"*\" or the ARN of a key"),
    .malformed(
      one(#""Resource": "*""#, with: #""Resource": "arn:aws:kms:*:*:alias/x""#),
      "statement 1 'Use': Resource: 'arn:aws:kms:*:*:alias/x' names an alias, and a key policy is "
        + "for keys"),
    .malformed(
      one(#""Resource": "*""#, with: #""Resource": "arn:aws:kms:*:${aws:PrincipalAccount}:key/*""#),
      "statement 1 'Use': Resource: 'arn:aws:kms:*:${aws:PrincipalAccount}:key/*' has a policy "
        + "variable before the fifth colon"),
    .unsupported(
      one(#""Resource""#, with: #""NotResource""#),
      "statement 1 'Use': NotResource is not supported"),
    .unsupported(
      one(#""Principal""#, with: #""NotPrincipal""#),
      "statement 1 'Use': NotPrincipal is not supported"),
  ]

  static let principals: [Refusal] =
    [
      .malformed(
        Policies.document(#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#),
        "statement 1 has no Principal"),
      .malformed(
        Policies.document(Policies.statement(principal: #""arn:aws:iam::000000000000:root""#)),
        "statement 1: Principal 'arn:aws:iam::000000000000:root' is not \"*\" or an object such as "
          + "{\"AWS\": …}"),
      .malformed(
        Policies.document(Policies.statement(principal: "{}")), "statement 1: Principal is empty"),
      .malformed(
        Policies.document(Policies.statement(principal: #"{"AWS": []}"#)),
        "statement 1: Principal: AWS is empty"),
      .malformed(
        Policies.document(Policies.statement(principal: #"{"CanonicalUser": "x"}"#)),
        "statement 1: Principal: 'CanonicalUser' is not known"),
    ]
    + [
      (
        "arn:aws:iam::000000000000:user/*",
        "has a wildcard: a principal is \"*\" or one whole name"
      ),
      ("alice", "is not \"*\", an account's ID or the ARN of a principal"),
      ("00000000000", "is not \"*\", an account's ID or the ARN of a principal"),
      ("arn:aws:iam::000000000000", "is not \"*\", an account's ID or the ARN of a principal"),
      (
        "arn:aws:iam::000000000000:group/admins",
        "is not the ARN of an account, a user or a role"
      ),
      ("arn:aws:iam::000000000000:user/", "is not the ARN of an account, a user or a role"),
      ("arn:aws:iam::000000000000:root/x", "is not the ARN of an account, a user or a role"),
    ].map { name, reason in
      .malformed(
        Policies.document(Policies.statement(principal: #"{"AWS": "\#(name)"}"#)),
        "statement 1: Principal: AWS: '\(name)' \(reason)")
    }

  static let conditions: [Refusal] =
    [
      .malformed(condition("[]"), "statement 1: Condition is an array"),
      .malformed(
        condition(#"{"StringEquals": "x"}"#), "statement 1: Condition: StringEquals is a string"),
      .malformed(condition(#"{"Bool": {}}"#), "statement 1: Condition: Bool is empty"),
      .malformed(
        condition(#"{"StringEquals": {"kms:KeySpec": []}}"#),
        "statement 1: Condition: StringEquals: kms:KeySpec is empty"),
      .malformed(
        condition(#"{"StringEquals": {"kms:KeySpec": [null]}}"#),
        "statement 1: Condition: StringEquals: kms:KeySpec is null, not a value"),
      .malformed(
        condition(#"{"NumericEquals": {"kms:KeySpec": 7}}"#),
        "statement 1: Condition: NumericEquals: 'kms:KeySpec' has no values that NumericEquals "
          + "can compare"),
      .malformed(
        condition(#"{"NumericLessThan": {"kms:RotationPeriodInDays": "nan"}}"#),
        "statement 1: Condition: NumericLessThan: kms:RotationPeriodInDays: 'nan' is not a number"),
      .malformed(
        condition(#"{"DateLessThan": {"aws:CurrentTime": "tomorrow"}}"#),
        "statement 1: Condition: DateLessThan: aws:CurrentTime: 'tomorrow' is not a date: "
          + APIDate.wanted),
      .malformed(
        condition(#"{"Bool": {"kms:MultiRegion": "yes"}}"#),
        "statement 1: Condition: Bool: kms:MultiRegion: 'yes' is not true or false"),
      .malformed(
        condition(#"{"ArnLike": {"aws:PrincipalArn": "*"}}"#),
        "statement 1: Condition: ArnLike: aws:PrincipalArn: '*' is not an ARN"),
      .malformed(
        condition(#"{"NullIfExists": {"kms:KeySpec": true}}"#),
        "statement 1: Condition: the condition operator 'NullIfExists' is invalid: Null has no "
          + "prefix or suffix"),
      .malformed(
        condition(#"{"StringLike": {"kms:KeySpec": "${aws:username"}}"#),
        "statement 1: Condition: StringLike: kms:KeySpec: '${aws:username' has a '${' without '}'"),
      .unsupported(
        condition(#"{"StringLike": {"kms:KeySpec": "${aws:userid}"}}"#),
        "statement 1: Condition: StringLike: kms:KeySpec: the policy variable '${aws:userid}' is not "
          + "supported"),
      .unsupported(
        condition(#"{"StringEquals": {"kms:EncryptionContextKey": "x"}}"#),
        "statement 1: Condition: StringEquals: the condition key 'kms:EncryptionContextKey' is not "
          + "supported; did you mean 'kms:EncryptionContextKeys'?"),
    ]
    + ["IpAddress", "BinaryEquals", "stringEquals", "ForSomeValues:StringEquals", ""].map {
      .unsupported(
        condition(#"{"\#($0)": {"kms:KeySpec": "x"}}"#),
        "statement 1: Condition: the condition operator '\($0)' is not supported")
    }

  @Test(arguments: documents + statements + principals + conditions)
  func whatIsNoPolicyIsRefusedByName(refusal: Refusal) {
    #expect(throws: refusal.error) { try KeyPolicy(parsing: refusal.text) }
  }

  @Test(arguments: [
    "kms:ViaService", "kms:GrantIsForAWSResource", "kms:PrimaryRegion", "kms:ReplicaRegion",
    "kms:CustomerMasterKeySpec", "kms:RecipientAttestation:ImageSha384",
    "kms:TrailingDaysWithoutKeyUsage", "aws:SourceIp", "aws:SourceVpce", "aws:SecureTransport",
    "aws:PrincipalOrgID", "aws:MultiFactorAuthPresent", "aws:PrincipalTag/team",
    "kms:EncryptionContext:", "aws:RequestTag/", "s3:prefix", "",
  ])
  func conditionKeysOfElsewhereAreRefusedByName(key: String) {
    let error = #expect(throws: PolicyError.self) {
      try KeyPolicy(parsing: Self.condition(#"{"StringEquals": {"\#(key)": "x"}}"#))
    }
    guard case .unsupported(let text) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(text.contains("the condition key '\(key)' is not supported"))
  }

  @Test(arguments: [
    ("{", "line 1, column 2: expected a name in double quotes, found the end"),
    ("{\n\"Statement\": [}", "line 2, column 15: Statement[0]: expected a value"),
    ("nothing", "line 1, column 1: expected a value"),
    (
      "{\"Id\": \"é\", \"Statement\": {\"Effect\": .5}}",
      "line 1, column 37: Statement.Effect: expected a value"
    ),
    ("{} {}", "line 1, column 4: expected the end of the text"),
    ("\"", "line 1, column 2: expected '\"', found the end"),
    ("{\"Statement\": [],}", "line 1, column 18: expected a name in double quotes"),
    ("{\"Statement\": [1,]}", "line 1, column 18: Statement[1]: expected a value"),
    ("{\"Statement\": [] // none\n}", "line 1, column 18: expected ',' or '}'"),
  ])
  func whatIsNotJSON(text: String, problem: String) {
    #expect(throws: PolicyError.malformed("the document is not JSON: \(problem)")) {
      try KeyPolicy(parsing: text)
    }
  }

  @Test func textIsKeptToTheByte() throws {
    let text = " \t\r\n" + Policies.document(Policies.statement(sid: "é\u{FF}")) + "\n"
    #expect(try KeyPolicy(parsing: text).text == text)
    #expect(
      try KeyPolicy(parsing: #"{"Id": "x", "Statement": \#(Policies.statement())}"#).id == "x")
  }

  @Test func length() throws {
    let text = Policies.document(Policies.statement())
    let full = text + String(repeating: " ", count: KeyPolicy.maximumLength - text.utf8.count)
    #expect(try KeyPolicy(parsing: full).text == full)
    #expect(
      throws: PolicyError.limitExceeded("a key policy of 32769 bytes, more than the limit of 32768")
    ) { try KeyPolicy(parsing: full + " ") }
    // Sizes count bytes: a character of two bytes counts twice.
    #expect(
      throws: PolicyError.limitExceeded("a key policy of 32770 bytes, more than the limit of 32768")
    ) {
      try KeyPolicy(parsing: full.dropLast() + "é" + " ")
    }
  }

  @Test func emptySidsAreNone() throws {
    let policy = try Policies.policy(Policies.statement(sid: ""), Policies.statement(sid: ""))
    #expect(
      policy.decide(Policies.request("Sign"))
        == .allowed(by: StatementReference(index: 1, sid: nil))
    )
  }

  // MARK: Hostile documents

  @Test(arguments: [
    ("{\n\"Statement\": [],\n\"Statement\": []}", "3, column 1", "'Statement'"),
    (
      Policies.document(
        Policies.statement().replacing(#""Resource""#, with: #""Effect": "Deny", "Resource""#)),
      "1, column 142", "Statement[0]: 'Effect'"
    ),
    // An escaped letter equals the unescaped one.
    (
      Policies.document(
        Policies.statement().replacing(
          #""Resource""#, with: #""\u0045ffect": "Deny", "Resource""#)), "1, column 142",
      "Statement[0]: 'Effect'"
    ),
    (
      Policies.document(
        Policies.statement(condition: #"{"Bool": {"x}": 1, "y\"": [{"z": 1}], "x}": 1}}"#)),
      "1, column 210", "Statement[0].Condition.Bool: 'x}'"
    ),
  ])
  func namesThatOccurTwice(text: String, place: String, name: String) {
    #expect(throws: PolicyError.malformed("line \(place): \(name) occurs twice in one object")) {
      try KeyPolicy(parsing: text)
    }
  }

  @Test func namesMayOccurInSeveralObjects() throws {
    // Values that look like names, and names that occur again after an object with the same names.
    _ = try Policies.policy(
      Policies.statement(
        condition: """
          {"StringEquals": {"kms:KeySpec": ["kms:KeySpec", "kms:KeyUsage"], "kms:KeyUsage": "{,"},
           "StringLike": {"kms:KeySpec": "*"}}
          """), Policies.statement())
  }

  @Test(arguments: [("[", 17), ("{\"a\":", 81)])
  func deepNesting(open: String, column: Int) {
    let text = String(repeating: open, count: KeyPolicy.maximumLength / open.count)
    #expect(
      throws: PolicyError.malformed("line 1, column \(column): nested too deeply for a policy")
    ) { try KeyPolicy(parsing: text) }
  }

  @Test(arguments: [
    "1e400", "1e308", "123456789012345678901234567890123456789012345678901234567890",
  ])
  func hugeNumbers(number: String) throws {
    let text = Self.condition(#"{"NumericLessThan": {"kms:RotationPeriodInDays": \#(number)}}"#)
    guard let policy = try? KeyPolicy(parsing: text) else {
      #expect(number == "1e400")
      return
    }
    let request = Policies.request("EnableKeyRotation") { $0[.rotationPeriodInDays] = ["365"] }
    #expect(policy.decide(request).isAllowed)
  }

  @Test(arguments: [
    String(repeating: "*?", count: 5000), String(repeating: "*", count: 10_000),
    String(repeating: "*a", count: 5000), "*" + String(repeating: "a", count: 10_000) + "b",
    String(repeating: "*a*?", count: 2500) + "b",
  ])
  func wildcardsStayCheap(pattern: String) throws {
    let parsed = try PolicyPattern(pattern, as: .init(hasWildcards: true))
    let text = Array(String(repeating: "a", count: 10_000).unicodeScalars)
    var steps = 0
    let matches = PolicyPattern.match(parsed.parts, text[...], steps: &steps)
    #expect(matches == !pattern.hasSuffix("b"))
    #expect(steps <= 3 * text.count, "\(steps) steps")
  }

  /// The search follows all possible starting positions of the piece between two `*` at once.
  @Test(arguments: [10, 63, 64, 65, 127, 128, 129, 16_000])
  func wildcardsTakeASmallPartOfTheProduct(count: Int) throws {
    let pattern = "*" + String(repeating: "a", count: count) + "b*c"
    let parsed = try PolicyPattern(pattern, as: .init(hasWildcards: true))
    let text = Array(String(repeating: "a", count: 2 * count).unicodeScalars)
    for (text, matches) in [(text + ["c"], false), (text + ["b", "c"], true)] {
      var steps = 0
      #expect(PolicyPattern.match(parsed.parts, text[...], steps: &steps) == matches)
      #expect(steps <= (count / 64 + 2) * text.count, "\(steps) steps")
    }
  }

  @Test func aDocumentFullOfWildcards() throws {
    let action = "kms:" + String(repeating: "*?", count: 16_000) + "*"
    let policy = try KeyPolicy(
      parsing: #"{"Statement":\#(Policies.statement(action: "\"\(action)\""))}"#)
    #expect(policy.decide(Policies.request("Encrypt")) == .implicitlyDenied)
    #expect(policy.warnings().count == 1)
  }
}
