import Foundation
import Testing

@testable import Envelope
@testable import KMSPolicy
@testable import TestSupport

/// Policies as in the KMS developer guide ("Default key policy", "Condition keys for AWS KMS",
/// "ABAC", "Grants"), for users of this account, each with requests that pass and requests that
/// fail.
@Suite struct PolicyExampleTests {
  static let alice = #"{"AWS": "arn:aws:iam::000000000000:user/alice"}"#

  /// Expects that alice's requests in `passes` meet statement 1 and that none in `fails` does.
  func expect(
    _ effect: String = "Allow", action: String, condition: String, passes: [PolicyRequest],
    fails: [PolicyRequest], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let policy = try Policies.policy(
      Policies.statement(effect: effect, action: action, condition: condition))
    let first = StatementReference(index: 1, sid: nil)
    for request in passes {
      #expect(
        policy.decide(request)
          == (effect == "Allow" ? .allowed(by: first) : .explicitlyDenied(by: first)),
        "\(request)", sourceLocation: sourceLocation)
    }
    for request in fails {
      #expect(
        policy.decide(request) == .implicitlyDenied, "\(request)", sourceLocation: sourceLocation)
    }
  }

  func encrypt(_ action: String = "Encrypt", _ pairs: (String, String)...) throws -> PolicyRequest {
    try Policies.request(action) {
      $0.setEncryptionContext(try EncryptionContext(pairs.map { (key: $0.0, value: $0.1) }))
    }
  }

  func request(
    _ action: String, _ key: PolicyConditionKey, _ values: String...
  ) -> PolicyRequest {
    Policies.request(action) { $0[key] = values }
  }

  @Test func defaultPolicy() throws {
    let policy = KeyPolicy.defaultPolicy
    #expect(policy.id == "key-default-1")
    #expect(policy.warnings() == [])
    for action in PolicyActions.all {
      let name = String(action.dropFirst(4))
      #expect(
        policy.decide(Policies.request(name, by: "me", isOwner: true))
          == .allowed(by: StatementReference(index: 1, sid: "Enable IAM User Permissions")))
      #expect(policy.decide(Policies.request(name, by: "root")) == .implicitlyDenied)
    }
  }

  /// The policy that the console writes: administrators, users, and the permission to let services
  /// use the key.
  @Test func consolePolicy() throws {
    let principals = #"{"AWS": ["000000000000", "arn:aws:iam::000000000000:user/alice"]}"#
    let policy = try Policies.policy(
      Policies.statement(
        sid: "Admin", principal: #"{"AWS": "arn:aws:iam::000000000000:user/admin"}"#,
        action: #"["kms:Create*", "kms:Put*", "kms:TagResource"]"#),
      Policies.statement(
        sid: "Use", principal: principals,
        action: #"["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"]"#),
      Policies.statement(
        sid: "Grants", principal: principals, action: #""kms:CreateGrant""#,
        condition: #"{"StringEquals": {"kms:GrantConstraintType": "EncryptionContextEquals"}}"#))
    func decide(_ action: String, _ user: String, isOwner: Bool = false) -> String? {
      switch policy.decide(Policies.request(action, by: user, isOwner: isOwner)) {
      case .allowed(let statement): statement.sid
      case .explicitlyDenied, .implicitlyDenied: nil
      }
    }
    #expect(decide("PutKeyPolicy", "admin") == "Admin")
    #expect(decide("CreateGrant", "admin") == "Admin")
    #expect(decide("Encrypt", "admin") == nil)
    #expect(decide("ReEncryptTo", "alice") == "Use")
    #expect(decide("GenerateDataKeyPair", "me", isOwner: true) == "Use")
    #expect(decide("GenerateDataKeyPair", "me") == nil)
    #expect(decide("CreateGrant", "alice") == nil)
    #expect(
      policy.decide(request("CreateGrant", .grantConstraintType, "EncryptionContextEquals"))
        .isAllowed)
  }

  @Test func explicitDenyWins() throws {
    let policy = try Policies.policy(
      Policies.statement(sid: "All", principal: #""*""#, action: #""*""#),
      Policies.statement(sid: "First", effect: "Deny", action: #""kms:ScheduleKeyDeletion""#),
      Policies.statement(sid: "Second", effect: "Deny", action: #""kms:*Deletion""#))
    #expect(
      policy.decide(Policies.request("ScheduleKeyDeletion"))
        == .explicitlyDenied(by: StatementReference(index: 2, sid: "First")))
    #expect(
      policy.decide(Policies.request("CancelKeyDeletion"))
        == .explicitlyDenied(by: StatementReference(index: 3, sid: "Second")))
    #expect(
      policy.decide(Policies.request("ScheduleKeyDeletion", by: "bob"))
        == .allowed(by: StatementReference(index: 1, sid: "All")))
  }

  @Test func rolesServicesAndOtherAccountsMatchNobody() throws {
    let policy = try Policies.policy(
      Policies.statement(
        principal: """
          {"AWS": ["arn:aws:iam::000000000000:role/Admin", "111122223333",
            "arn:aws:iam::111122223333:root", "arn:aws-cn:iam::000000000000:user/alice"],
           "Federated": "cognito-identity.amazonaws.com", "Service": ["ec2.amazonaws.com"]}
          """))
    #expect(policy.decide(Policies.request("Encrypt", isOwner: true)) == .implicitlyDenied)
    let first = StatementReference(index: 1, sid: nil)
    #expect(
      policy.warnings()
        == [
          "arn:aws:iam::000000000000:role/Admin", "111122223333", "arn:aws:iam::111122223333:root",
          "arn:aws-cn:iam::000000000000:user/alice", "cognito-identity.amazonaws.com",
          "ec2.amazonaws.com",
        ].map { .matchesNobody(principal: $0, statement: first) })
  }

  @Test func encryptionContext() throws {
    // The key of a condition is never case-sensitive, not even the part from the encryption
    // context.
    try expect(
      action: #""kms:GenerateDataKey""#,
      condition: """
        {"StringEquals": {"kms:EncryptionContext:AppName": "ExampleApp",
                          "KMS:encryptioncontext:FILEPATH": "/var/opt/secrets/"}}
        """,
      passes: [
        try encrypt(
          "GenerateDataKey", ("AppName", "ExampleApp"), ("FilePath", "/var/opt/secrets/")),
        try encrypt(
          "GenerateDataKey", ("appname", "ExampleApp"), ("filepath", "/var/opt/secrets/"), ("x", "")
        ),
      ],
      fails: [
        try encrypt(
          "GenerateDataKey", ("AppName", "exampleapp"), ("FilePath", "/var/opt/secrets/")),
        try encrypt("GenerateDataKey", ("AppName", "ExampleApp")), try encrypt("GenerateDataKey"),
        try encrypt("Encrypt", ("AppName", "ExampleApp"), ("FilePath", "/var/opt/secrets/")),
      ])
  }

  @Test func contextKeysThatDifferByCase() throws {
    let both = try encrypt("Encrypt", ("Dept", "IT"), ("dept", "HR"))
    let condition = #"{"StringEquals": {"kms:EncryptionContext:Dept": "IT"}}"#
    try expect(action: #""*""#, condition: condition, passes: [], fails: [both])
    try expect("Deny", action: #""*""#, condition: condition, passes: [both], fails: [])
    try expect(
      "Deny", action: #""*""#,
      condition: #"{"StringNotEquals": {"kms:EncryptionContext:Dept": "IT"}}"#, passes: [both],
      fails: [])
  }

  @Test func encryptionContextKeys() throws {
    try expect(
      action: #""kms:Encrypt""#,
      condition: #"{"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["A", "B"]}}"#,
      passes: [
        try encrypt("Encrypt", ("A", "1")), try encrypt("Encrypt", ("A", "1"), ("B", "2")),
        try encrypt(),
      ],
      fails: [try encrypt("Encrypt", ("A", "1"), ("C", "2")), try encrypt("Encrypt", ("a", "1"))])
    try expect(
      action: #""kms:Encrypt""#,
      condition: #"{"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": ["A", "B"]}}"#,
      passes: [try encrypt("Encrypt", ("A", "1"), ("C", "2"))],
      fails: [try encrypt(), try encrypt("Encrypt", ("C", "1"))])
    // Any encryption context.
    try expect(
      action: #""kms:Encrypt""#, condition: #"{"Null": {"kms:EncryptionContextKeys": false}}"#,
      passes: [try encrypt("Encrypt", ("", ""))], fails: [try encrypt()])
    // A Deny statement for requests without the required context.
    try expect(
      "Deny", action: #""kms:Encrypt""#,
      condition: #"{"StringNotEquals": {"kms:EncryptionContext:Stage": "prod"}}"#,
      passes: [try encrypt(), try encrypt("Encrypt", ("Stage", "test"))],
      fails: [try encrypt("Encrypt", ("stage", "prod"))])
  }

  @Test func parametersOfRequests() throws {
    try expect(
      action: #""kms:PutKeyPolicy""#,
      condition: #"{"Bool": {"kms:BypassPolicyLockoutSafetyCheck": false}}"#,
      passes: [request("PutKeyPolicy", .bypassPolicyLockoutSafetyCheck, "false")],
      fails: [
        request("PutKeyPolicy", .bypassPolicyLockoutSafetyCheck, "true"),
        Policies.request("PutKeyPolicy"),
      ])
    try expect(
      "Deny", action: #""kms:ScheduleKeyDeletion""#,
      condition: #"{"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "21"}}"#,
      passes: [request("ScheduleKeyDeletion", .scheduleKeyDeletionPendingWindowInDays, "7")],
      fails: [request("ScheduleKeyDeletion", .scheduleKeyDeletionPendingWindowInDays, "21")])
    try expect(
      action: #""kms:EnableKeyRotation""#,
      condition: #"{"NumericLessThanEquals": {"kms:RotationPeriodInDays": 180}}"#,
      passes: [request("EnableKeyRotation", .rotationPeriodInDays, "180")],
      fails: [
        request("EnableKeyRotation", .rotationPeriodInDays, "181"),
        Policies.request("EnableKeyRotation"),
      ])
    try expect(
      action: #""kms:Sign""#,
      condition: #"""
        {"StringLike": {"kms:SigningAlgorithm": "RSASSA_PSS_*"}, "StringEquals": {"kms:MessageType": "DIGEST"}}
        """#,
      passes: [
        Policies.request("Sign") {
          $0[.signingAlgorithm] = ["RSASSA_PSS_SHA_512"]
          $0[.messageType] = ["DIGEST"]
        }
      ],
      fails: [
        Policies.request("Sign") {
          $0[.signingAlgorithm] = ["RSASSA_PSS_SHA_512"]
          $0[.messageType] = ["RAW"]
        },
        request("Sign", .signingAlgorithm, "RSASSA_PKCS1_V1_5_SHA_512"),
      ])
    try expect(
      action: #""kms:ReEncrypt*""#, condition: #"{"Bool": {"kms:ReEncryptOnSameKey": true}}"#,
      passes: [request("ReEncryptTo", .reEncryptOnSameKey, "true")],
      fails: [request("ReEncryptTo", .reEncryptOnSameKey, "false")])
    try expect(
      action: #""kms:ImportKeyMaterial""#,
      condition:
        #"{"NumericLessThan": {"aws:EpochTime": "1795521601"}, "DateLessThanEquals": {"kms:ValidTo": "2027-01-01T00:00:00Z"}}"#,
      passes: [request("ImportKeyMaterial", .validTo, "2026-12-31T23:59:59.500Z")],
      fails: [
        request("ImportKeyMaterial", .validTo, "2027-01-01T00:00:00.001Z"),
        Policies.request("ImportKeyMaterial"),
      ])
    try expect(
      action: #""kms:*""#,
      condition: #"{"StringEqualsIfExists": {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}}"#,
      passes: [
        Policies.request("DescribeKey"),
        request("Encrypt", .encryptionAlgorithm, "SYMMETRIC_DEFAULT"),
      ],
      fails: [request("Encrypt", .encryptionAlgorithm, "RSAES_OAEP_SHA_256")])
  }

  @Test func grants() throws {
    try expect(
      action: #""kms:CreateGrant""#,
      condition: """
        {"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt", "ReEncryptTo"]},
         "ArnLike": {"kms:GranteePrincipal": "arn:aws:iam::*:user/limited-*"},
         "StringEquals": {"kms:RetiringPrincipal": "arn:aws:iam::000000000000:user/admin"}}
        """,
      passes: [
        Policies.request("CreateGrant") {
          $0[.grantOperations] = ["Encrypt"]
          $0[.granteePrincipal] = ["arn:aws:iam::000000000000:user/limited-1"]
          $0[.retiringPrincipal] = ["arn:aws:iam::000000000000:user/admin"]
        }
      ],
      fails: [
        Policies.request("CreateGrant") {
          $0[.grantOperations] = ["Encrypt", "Decrypt"]
          $0[.granteePrincipal] = ["arn:aws:iam::000000000000:user/limited-1"]
          $0[.retiringPrincipal] = ["arn:aws:iam::000000000000:user/admin"]
        },
        Policies.request("CreateGrant") {
          $0[.grantOperations] = ["Encrypt"]
          $0[.granteePrincipal] = ["arn:aws:iam::000000000000:user/other"]
          $0[.retiringPrincipal] = ["arn:aws:iam::000000000000:user/admin"]
        },
      ])
  }

  @Test func aliasesAndTags() throws {
    try expect(
      action: #""kms:Decrypt""#, condition: #"{"StringLike": {"kms:RequestAlias": "alias/read*"}}"#,
      passes: [request("Decrypt", .requestAlias, "alias/read-only")],
      fails: [request("Decrypt", .requestAlias, "alias/x"), Policies.request("Decrypt")])
    try expect(
      "Deny", action: #""kms:Decrypt""#,
      condition: #"{"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/restricted*"}}"#,
      passes: [request("Decrypt", .resourceAliases, "alias/x", "alias/restricted-1")],
      fails: [request("Decrypt", .resourceAliases, "alias/x"), Policies.request("Decrypt")])
    try expect(
      action: #""kms:TagResource""#,
      condition: """
        {"StringEquals": {"aws:RequestTag/Project": "Alpha", "aws:ResourceTag/owner": "${aws:username}"},
         "ForAllValues:StringEquals": {"aws:TagKeys": "Project"}}
        """,
      passes: [
        Policies.request("TagResource") {
          $0.setRequestTags([("Project", "Alpha")])
          $0.setResourceTags([("Owner", "alice")])
        }
      ],
      fails: [
        Policies.request("TagResource") {
          $0.setRequestTags([("Project", "Alpha"), ("Cost", "1")])
          $0.setResourceTags([("Owner", "alice")])
        },
        Policies.request("TagResource") {
          $0.setRequestTags([("Project", "Alpha")])
          $0.setResourceTags([("Owner", "bob")])
        },
      ])
  }

  @Test func callersAndTime() throws {
    let policy = try Policies.policy(
      Policies.statement(
        sid: "Everyone here", principal: #""*""#, action: #""kms:Encrypt""#,
        condition: """
          {"StringEquals": {"kms:CallerAccount": "000000000000", "aws:PrincipalType": "User"},
           "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::000000000000:user/guest*"},
           "DateGreaterThanEquals": {"aws:CurrentTime": "2026-11-24T12:00:00Z"},
           "DateLessThan": {"aws:CurrentTime": "2026-11-25"}}
          """))
    func isAllowed(_ user: String, _ seconds: Double) -> Bool {
      policy.decide(Policies.request("Encrypt", by: user, at: Policies.noon + seconds)).isAllowed
    }
    #expect(isAllowed("bob", 0))
    #expect(isAllowed("bob", 43_199.999))
    #expect(!isAllowed("bob", -0.001))
    #expect(!isAllowed("bob", 43_200))
    #expect(!isAllowed("guest-1", 0))
  }

  @Test func resources() throws {
    let policy = try Policies.policy(
      Policies.statement(
        resource: """
          ["arn:aws:kms:*:000000000000:key/1234abcd-*", "arn:aws:kms:local:000000000000:key/${aws:username}"]
          """))
    let keys = "arn:aws:kms:local:000000000000:key/"
    #expect(policy.decide(Policies.request("Sign")).isAllowed)
    #expect(policy.decide(Policies.request("Sign", of: keys + "alice")).isAllowed)
    #expect(!policy.decide(Policies.request("Sign", of: keys + "5678abcd-1")).isAllowed)
  }

  @Test func everythingExcept() throws {
    let policy = try Policies.policy(
      Policies.statement().replacing(#""Action": "kms:*""#, with: #""NotAction": ["KMS:put*"]"#))
    #expect(policy.decide(Policies.request("Encrypt")).isAllowed)
    #expect(!policy.decide(Policies.request("PutKeyPolicy")).isAllowed)
  }

  @Test func explanations() throws {
    let policy = try Policies.policy(
      Policies.statement(
        sid: "A", action: #""kms:Decrypt""#,
        resource: #""arn:aws:kms:local:000000000000:key/other""#,
        condition: """
          {"StringEquals": {"kms:KeySpec": ["RSA_2048", "RSA_4096"]},
           "Bool": {"kms:MultiRegion": false}}
          """), Policies.statement(effect: "Deny", principal: #""*""#))
    let explanation = policy.explain(
      Policies.request("Encrypt", by: "bob") {
        $0[.keySpec] = ["HMAC_256"]
      })
    let second = StatementReference(index: 2, sid: nil)
    #expect(explanation.decision == .explicitlyDenied(by: second))
    #expect(explanation.statements.map(\.applies) == [false, true])
    #expect(explanation.statements.map(\.effect) == [.allow, .deny])
    let bool = UnmetCondition(
      comparison: "Bool", key: "kms:MultiRegion", wanted: ["false"], found: [])
    let string = UnmetCondition(
      comparison: "StringEquals", key: "kms:KeySpec", wanted: ["RSA_2048", "RSA_4096"],
      found: ["HMAC_256"])
    #expect(
      explanation.statements[0].mismatches
        == [.principal, .action, .resource, .condition(bool), .condition(string)])
    #expect("\(bool)" == "Bool kms:MultiRegion: wanted 'false', found nothing")
    #expect(
      "\(string)" == "StringEquals kms:KeySpec: wanted 'RSA_2048', 'RSA_4096', found 'HMAC_256'")
    #expect("\(explanation.statements[0].statement)" == "statement 1 'A'")
  }

  @Test func lockout() throws {
    let admin = try Policies.policy(Policies.statement(action: #""kms:Put*""#))
    #expect(!admin.locksOut(Policies.request("CreateKey")))
    #expect(admin.locksOut(Policies.request("PutKeyPolicy", by: "me", isOwner: true)))
    #expect(!KeyPolicy.defaultPolicy.locksOut(Policies.request("", by: "me", isOwner: true)))
    #expect(KeyPolicy.defaultPolicy.locksOut(Policies.request("")))
    // A user who can put policies only by bypassing the check is locked out too.
    let bypassing = try Policies.policy(
      Policies.statement(condition: #"{"Bool": {"kms:BypassPolicyLockoutSafetyCheck": true}}"#))
    #expect(
      bypassing.locksOut(
        Policies.request("PutKeyPolicy") { $0[.bypassPolicyLockoutSafetyCheck] = ["true"] }))
    let denied = try Policies.policy(
      Policies.statement(), Policies.statement(effect: "Deny", action: #""kms:PutKeyPolicy""#))
    #expect(denied.locksOut(Policies.request("PutKeyPolicy")))
  }

  /// `key export` is not an operation of KMS, but policies decide about it.
  @Test(arguments: ["kms:ExportKey", "KMS:exportkey", "kms:Export*", "kms:ExportKy"])
  func theActionsOfCommandsAreKnown(action: String) throws {
    let policy = try Policies.policy(Policies.statement(action: #""\#(action)""#))
    let isKnown = action != "kms:ExportKy"
    #expect(policy.warnings().isEmpty == isKnown)
    if !isKnown {
      #expect(
        policy.warnings() == [
          .unknownAction(
            pattern: action, statement: StatementReference(index: 1, sid: nil),
            nearest: "kms:ExportKey")
        ])
    }
    #expect(PolicyActions.name(of: "KMS:exportkey") == "ExportKey")
  }

  @Test func warningsOfSetOperators() throws {
    let policy = try Policies.policy(
      Policies.statement(
        action: #"["kms:Sing", "kms:XYZ", "kms:Sign"]"#,
        condition: """
          {"StringEquals": {"aws:TagKeys": "x"}, "Null": {"aws:TagKeys": true},
           "ForAllValues:StringLike": {"kms:KeySpec": "x", "kms:GrantOperations": "x"}}
          """))
    let first = StatementReference(index: 1, sid: nil)
    #expect(
      policy.warnings() == [
        .unknownAction(pattern: "kms:Sing", statement: first, nearest: "kms:Sign"),
        .unknownAction(pattern: "kms:XYZ", statement: first, nearest: nil),
        .needlessSetOperator(
          comparison: "ForAllValues:StringLike", key: "kms:KeySpec", statement: first),
        .needsSetOperator(comparison: "StringEquals", key: "aws:TagKeys", statement: first),
      ])
  }

  @Test func contextByName() throws {
    var context = PolicyContext()
    try context.insert("IT", as: "kms:EncryptionContext:Dept")
    try context.insert("RSA_2048", as: "KMS:KEYSPEC")
    #expect(context[.keySpec] == ["RSA_2048"])
    var same = PolicyContext()
    same[.keySpec] = ["RSA_2048"]
    same.setEncryptionContext(try Policies.context(("dept", "IT")))
    same[.encryptionContextKeys] = []
    #expect(context == same)
    #expect(throws: PolicyError.unsupported("the condition key 'aws:SourceIp' is not supported")) {
      try context.insert("127.0.0.1", as: "aws:SourceIp")
    }
    #expect(
      throws: PolicyError.malformed(
        "'aws:username' cannot be set: it follows from the principal and the time of the request")
    ) { try context.insert("bob", as: "aws:username") }
  }
}
