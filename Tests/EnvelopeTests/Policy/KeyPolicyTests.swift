import Foundation
import Testing

@testable import Envelope

/// Documents and decisions.
@Suite struct KeyPolicyTests {
  static let account = "arn:aws:iam::000000000000"
  static let key = "arn:aws:kms:local:000000000000:key/1f0c2d9e-0000-4000-8000-000000000000"

  static func request(
    _ user: String, _ action: String, isAccount: Bool = false,
    _ conditions: [PolicyConditionKey: [String]] = [:]
  ) -> PolicyRequest {
    PolicyRequest(
      caller: PolicyCaller(
        arn: "\(account):user/\(user)", userName: user, isAccount: isAccount),
      action: action, resource: key, conditions: conditions)
  }

  static func policy(_ statements: String) throws -> KeyPolicy {
    try KeyPolicy(parsing: #"{"Version": "2012-10-17", "Statement": [\#(statements)]}"#)
  }

  static func allows(_ policy: KeyPolicy, _ request: PolicyRequest) -> Bool {
    if case .allowed = policy.decide(request) { true } else { false }
  }

  // MARK: Deciding

  @Test func theStandardPolicyIsTheAccountsAlone() {
    #expect(Self.allows(.standard, Self.request("x", "kms:Decrypt", isAccount: true)))
    #expect(!Self.allows(.standard, Self.request("x", "kms:Decrypt")))
  }

  @Test func anExplicitDenyWinsWhereverItStands() throws {
    let allow =
      #"{"Sid": "a", "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}"#
    let deny =
      #"{"Sid": "d", "Effect": "Deny", "Principal": {"AWS": "\#(Self.account):user/bob"}, "Action": "kms:De*", "Resource": "*"}"#
    for statements in ["\(allow), \(deny)", "\(deny), \(allow)"] {
      let policy = try Self.policy(statements)
      #expect(Self.allows(policy, Self.request("alice", "kms:Decrypt")))
      #expect(Self.allows(policy, Self.request("bob", "kms:Encrypt")))
      guard
        case .explicitlyDenied(let statement) = policy.decide(Self.request("bob", "kms:Decrypt"))
      else {
        Issue.record("not denied")
        continue
      }
      #expect(statement.sid == "d")
    }
    #expect(try Self.policy(deny).decide(Self.request("alice", "kms:Decrypt")) == .implicitlyDenied)
  }

  @Test(arguments: [
    (#""*""#, true, true), (#"{"AWS": "*"}"#, true, true),
    (#"{"AWS": "000000000000"}"#, false, true), (#"{"AWS": "\#(account):root"}"#, false, true),
    (#"{"AWS": "\#(account):user/bob"}"#, true, true),
    (#"{"AWS": ["\#(account):user/x", "\#(account):user/bob"]}"#, true, true),
    (#"{"AWS": "\#(account):user/Bob"}"#, false, false),
    (#"{"AWS": "\#(account):user/team/bob"}"#, false, false),
    (#"{"AWS": "\#(account):role/bob"}"#, false, false),
    (#"{"AWS": "arn:aws:iam::111122223333:user/bob"}"#, false, false),
    (#"{"AWS": "arn:aws:iam::111122223333:root"}"#, false, false),
    (#"{"Service": "logs.amazonaws.com"}"#, false, false),
  ])
  func principalsAreWhoTheySay(principal: String, bob: Bool, account: Bool) throws {
    let policy = try Self.policy(
      #"{"Effect": "Allow", "Principal": \#(principal), "Action": "kms:*", "Resource": "*"}"#)
    #expect(Self.allows(policy, Self.request("bob", "kms:Sign")) == bob)
    #expect(Self.allows(policy, Self.request("bob", "kms:Sign", isAccount: true)) == account)
  }

  @Test(arguments: [
    (#""Action": "kms:Decrypt""#, ["kms:Decrypt"]),
    (#""Action": "KMS:decrypt""#, ["kms:Decrypt"]),
    (#""Action": ["kms:De*", "kms:?ign"]"#, ["kms:Decrypt", "kms:DescribeKey", "kms:Sign"]),
    (#""Action": "*""#, ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:Sign"]),
    (#""NotAction": "kms:De*""#, ["kms:Encrypt", "kms:Sign"]),
    (#""NotAction": "*""#, []),
  ])
  func actionsAreWhichTheySay(element: String, wanted: [String]) throws {
    let policy = try Self.policy(
      #"{"Effect": "Allow", "Principal": "*", \#(element), "Resource": "*"}"#)
    for action in ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:Sign"] {
      #expect(Self.allows(policy, Self.request("bob", action)) == wanted.contains(action))
    }
  }

  @Test(arguments: [
    ("*", true), ("arn:aws:kms:local:000000000000:key/*", true), (key, true),
    ("arn:aws:kms:eu-west-1:000000000000:key/*", false), ("arn:aws:kms:*:alias/*", false),
  ])
  func resourcesAreWhichTheySay(resource: String, wanted: Bool) throws {
    let policy = try Self.policy(
      #"{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "\#(resource)"}"#)
    #expect(Self.allows(policy, Self.request("bob", "kms:Sign")) == wanted)
  }

  static let context: [PolicyConditionKey: [String]] = [
    .encryptionContext("purpose"): ["backup"], .encryptionContext("n"): ["7"],
    .named("kms:encryptioncontextkeys"): ["purpose", "n"],
    .named("aws:currenttime"): ["2026-11-24T10:00:00+00:00"], .named("aws:username"): ["bob"],
    .named("kms:multiregion"): ["false"], .named("aws:principalarn"): ["\(account):user/bob"],
    .named("kms:schedulekeydeletionpendingwindowindays"): ["14"],
    .resourceTag("team"): ["storage"],
  ]

  @Test(arguments: [
    (#"{"StringEquals": {"kms:EncryptionContext:purpose": "backup"}}"#, true),
    (#"{"StringEquals": {"kms:EncryptionContext:purpose": ["restore", "backup"]}}"#, true),
    (#"{"StringEquals": {"kms:EncryptionContext:purpose": "Backup"}}"#, false),
    (#"{"StringEquals": {"kms:EncryptionContext:Purpose": "backup"}}"#, false),
    (#"{"StringEquals": {"KMS:encryptioncontext:purpose": "backup"}}"#, true),
    (#"{"StringEqualsIgnoreCase": {"kms:EncryptionContext:purpose": "BACKUP"}}"#, true),
    (#"{"StringLike": {"kms:EncryptionContext:purpose": "b*k?p"}}"#, true),
    (#"{"StringEquals": {"kms:EncryptionContext:purpose": "b*"}}"#, false),
    (#"{"StringNotEquals": {"kms:EncryptionContext:purpose": "restore"}}"#, true),
    (#"{"StringNotEquals": {"kms:EncryptionContext:purpose": ["restore", "backup"]}}"#, false),
    (#"{"StringNotEquals": {"kms:EncryptionContext:absent": "x"}}"#, true),
    (#"{"StringEquals": {"kms:EncryptionContext:absent": "x"}}"#, false),
    (#"{"StringEqualsIfExists": {"kms:EncryptionContext:absent": "x"}}"#, true),
    (#"{"StringEqualsIfExists": {"kms:EncryptionContext:purpose": "x"}}"#, false),
    (#"{"Null": {"kms:EncryptionContext:absent": true}}"#, true),
    (#"{"Null": {"kms:EncryptionContext:purpose": "true"}}"#, false),
    (#"{"Null": {"kms:EncryptionContext:purpose": false}}"#, true),
    (#"{"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["purpose", "n", "x"]}}"#, true),
    (#"{"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": "purpose"}}"#, false),
    (#"{"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "purpose"}}"#, true),
    (#"{"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "x"}}"#, false),
    (#"{"ForAllValues:StringEquals": {"aws:TagKeys": "x"}}"#, true),
    (#"{"Bool": {"kms:MultiRegion": "false"}}"#, true),
    (#"{"Bool": {"kms:MultiRegion": true}}"#, false),
    (#"{"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": 15}}"#, true),
    (#"{"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "14"}}"#, false),
    (#"{"NumericGreaterThanEquals": {"kms:ScheduleKeyDeletionPendingWindowInDays": 14}}"#, true),
    (#"{"DateLessThan": {"aws:CurrentTime": "2026-11-24T10:00:01Z"}}"#, true),
    (#"{"DateLessThan": {"aws:CurrentTime": "2026-11-24T10:00:00Z"}}"#, false),
    (#"{"DateGreaterThan": {"aws:CurrentTime": "2026-11-24"}}"#, true),
    (#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/b*"}}"#, true),
    (#"{"StringEquals": {"aws:ResourceTag/team": "storage"}}"#, true),
    (#"{"StringEquals": {"aws:ResourceTag/Team": "storage"}}"#, false),
    (
      #"{"StringEquals": {"kms:EncryptionContext:purpose": "backup", "aws:username": "eve"}}"#,
      false
    ),
    (
      #"{"StringEquals": {"kms:EncryptionContext:purpose": "backup"}, "Bool": {"kms:MultiRegion": "false"}}"#,
      true
    ),
  ])
  func conditionsAreMetAsIAMHasIt(condition: String, wanted: Bool) throws {
    let policy = try Self.policy(
      #"{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": \#(condition)}"#
    )
    #expect(Self.allows(policy, Self.request("bob", "kms:Decrypt", Self.context)) == wanted)
  }

  // MARK: Reading

  static let valid = #""Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*""#

  @Test(arguments: [
    ("", "a key policy is JSON, and this is none"), ("[]", "a key policy is a JSON object"),
    (#"{"Statement": []}"#, "there is no statement"),
    (#"{}"#, "Statement is an object, or an array of them"),
    (#"{"Statement": [{\#(valid)}], "Statements": 1}"#, "'Statements' is not known"),
    (
      #"{"Version": "2012-10-18", "Statement": [{\#(valid)}]}"#,
      "Version is \"2012-10-17\" or \"2008-10-17\""
    ),
    (#"{"Statement": ["x"]}"#, "statement 1 is no object"),
    (
      #"{"Statement": [{\#(valid)}, {"Sid": "x", "Effekt": "Allow", \#(valid)}]}"#,
      "statement 2 'x': 'Effekt' is not known"
    ),
    (
      #"{"Statement": [{"NotPrincipal": "*", \#(valid)}]}"#,
      "statement 1: NotPrincipal is not supported"
    ),
    (
      #"{"Statement": {"Effect": "allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}}"#,
      "statement 1: Effect is \"Allow\" or \"Deny\""
    ),
    (
      #"{"Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}"#,
      "statement 1: Principal is \"*\", or an object with \"AWS\""
    ),
    (
      #"{"Statement": {"Effect": "Allow", "Principal": {"AWS": "bob"}, "Action": "kms:*", "Resource": "*"}}"#,
      "statement 1: 'bob' is no principal"
    ),
    (
      #"{"Statement": {"Effect": "Allow", "Principal": {"AWS": "\#(account):user/*"}, "Action": "kms:*", "Resource": "*"}}"#,
      "statement 1: principal '\(account):user/*': a wildcard can only stand for everybody"
    ),
    (
      #"{"Statement": {"Effect": "Allow", "Principal": "*", "Resource": "*"}}"#,
      "statement 1: give either Action or NotAction"
    ),
    (
      #"{"Statement": {"NotAction": "kms:Sign", \#(valid)}}"#,
      "statement 1: give either Action or NotAction"
    ),
    (
      #"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:Get*", "Resource": "*"}}"#,
      "statement 1: Action 's3:Get*' is none of KMS: it begins with kms:"
    ),
    (
      #"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:*"}}"#,
      "statement 1: Resource is missing: \"*\" means the key that has the policy"
    ),
    (
      #"{"Statement": {\#(valid), "Condition": {"StringEquals": {"kms:ViaService": "s3"}}}}"#,
      "statement 1: condition key 'kms:ViaService' is not supported"
    ),
    (
      #"{"Statement": {\#(valid), "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}}"#,
      "statement 1: condition operator 'IpAddress' is not known"
    ),
    (
      #"{"Statement": {\#(valid), "Condition": {"NumericLessThan": {"kms:RotationPeriodInDays": "x"}}}}"#,
      "statement 1: condition 'kms:RotationPeriodInDays': NumericLessThan cannot compare with 'x'"
    ),
    (
      #"{"Statement": {\#(valid), "Condition": {"StringEquals": {"aws:username": "${aws:username}"}}}}"#,
      "statement 1: condition 'aws:username': policy variables are not supported: '${aws:username}'"
    ),
    (
      #"{"Statement": [{"Sid": "a", \#(valid)}, {"Sid": "a", \#(valid)}]}"#,
      "two statements have the Sid 'a'"
    ),
    (#"{"Id": "λ", "Statement": {\#(valid)}}"#, "a key policy has characters of Latin-1 only"),
  ])
  func malformedDocumentsSayWhere(text: String, reason: String) {
    #expect(throws: PolicyError.malformed(reason)) { try KeyPolicy(parsing: text) }
  }

  @Test(arguments: [32_768, 32_769])
  func documentsAreBounded(count: Int) {
    let text = #"{"Statement": {\#(Self.valid)}}"#
    let padded = text + String(repeating: " ", count: count - text.utf8.count)
    if count <= 32 << 10 {
      #expect(throws: Never.self) { try KeyPolicy(parsing: padded) }
    } else {
      #expect(throws: PolicyError.self) { try KeyPolicy(parsing: padded) }
    }
  }

  @Test(arguments: [#"{"a":"#, "["])
  func nestingIsBounded(open: String) {
    #expect(throws: PolicyError.self) {
      try KeyPolicy(parsing: String(repeating: open, count: 6000))
    }
  }

  @Test func mistypedActionsAreToldWithTheNearest() throws {
    let policy = try Self.policy(
      #"{"Effect": "Allow", "Principal": "*", "Resource": "*", "Action": ["kms:TagResourse*", "kms:Decrypt", "kms:*Key", "kms:Encript", "kms:ReEncrypt*"]}"#
    )
    #expect(policy.warnings.map(\.action) == ["kms:TagResourse*", "kms:Encript"])
    #expect(policy.warnings.map(\.nearest) == ["kms:TagResource", "kms:Encrypt"])
  }

  // MARK: Patterns

  @Test(arguments: [
    ("", "", true), ("*", "", true), ("?", "", false), ("a*c", "abbc", true),
    ("a*c", "abcb", false),
    ("*a*b*", "xxaxxbxx", true), ("a?c", "abc", true), ("a?c", "ac", false), ("**", "x", true),
    ("*abc", "ababc", true), ("abc", "abcd", false), ("é", "é", true),
  ])
  func patternsMatchWholeTexts(pattern: String, text: String, wanted: Bool) {
    #expect(PolicyPattern(pattern).matches(text) == wanted)
  }

  /// A pattern that takes a naive matcher longer than the universe has.
  @Test func patternsTakeBoundedTime() {
    let pattern = PolicyPattern(String(repeating: "*a", count: 500) + "b")
    let clock = ContinuousClock()
    let time = clock.measure { #expect(!pattern.matches(String(repeating: "a", count: 1000))) }
    #expect(time < .seconds(20))
  }
}
