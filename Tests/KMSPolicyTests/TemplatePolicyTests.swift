import Foundation
import Testing

@testable import KMSAPI
@testable import KMSPolicy
@testable import TestSupport

/// A key policy with an administrator and a user, as people write it for AWS, including
/// misspellings.
@Suite struct TemplatePolicyTests {
  static let text = """
    {
      "Version": "2012-10-17",
      "Id": "key-example-1",
      "Statement": [
        {
          "Sid": "Enable IAM User Permissions",
          "Effect": "Allow",
          "Principal": { "AWS": "arn:aws:iam::000000000000:root" },
          "Action": "kms:*",
          "Resource": "*"
        },
        {
          "Sid": "Allow administration of the key",
          "Effect": "Allow",
          "Principal": { "AWS": "arn:aws:iam::000000000000:user/key-admin" },
          "Action": [
            "kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*",
            "kms:Revoke*", "kms:Disable*", "kms:Get*", "kms:Delete*", "kms:TagResourse*",
            "kms:UntagResourse*", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"
          ],
          "Resource": "*"
        },
        {
          "Sid": "Allow use of the key",
          "Effect": "Allow",
          "Principal": { "AWS": "arn:aws:iam::000000000000:user/backup" },
          "Action": [
            "kms:DescribeKey", "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*",
            "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"
          ],
          "Resource": "*"
        }
      ]
    }
    """

  /// The permissions of the two users for each operation. The owner has all permissions.
  static let table: [(operation: String, admin: Bool, backup: Bool)] = [
    ("CreateKey", true, false),
    ("DescribeKey", true, true),
    ("ListKeys", true, false),
    ("UpdateKeyDescription", true, false),
    ("EnableKey", true, false),
    ("DisableKey", true, false),
    ("ScheduleKeyDeletion", true, false),
    ("CancelKeyDeletion", true, false),
    ("CreateAlias", true, false),
    ("UpdateAlias", true, false),
    ("DeleteAlias", true, false),
    ("ListAliases", true, false),
    ("TagResource", false, false),
    ("UntagResource", false, false),
    ("ListResourceTags", true, false),
    ("Encrypt", false, true),
    ("Decrypt", false, true),
    ("ReEncrypt", false, true),
    ("GenerateDataKey", false, true),
    ("GenerateDataKeyWithoutPlaintext", false, true),
    ("GenerateDataKeyPair", false, false),
    ("GenerateDataKeyPairWithoutPlaintext", false, false),
    ("GenerateRandom", false, false),
    ("EnableKeyRotation", true, false),
    ("DisableKeyRotation", true, false),
    ("GetKeyRotationStatus", true, false),
    ("RotateKeyOnDemand", false, false),
    ("ListKeyRotations", true, false),
    ("GetParametersForImport", true, false),
    ("ImportKeyMaterial", false, false),
    ("DeleteImportedKeyMaterial", true, false),
    ("GetPublicKey", true, false),
    ("Sign", false, false),
    ("Verify", false, false),
    ("GenerateMac", false, false),
    ("VerifyMac", false, false),
    ("DeriveSharedSecret", false, false),
    ("PutKeyPolicy", true, false),
    ("GetKeyPolicy", true, false),
    ("ListKeyPolicies", true, false),
    ("CreateGrant", true, false),
    ("ListGrants", true, false),
    ("ListRetirableGrants", true, false),
    ("RetireGrant", false, false),
    ("RevokeGrant", true, false),
    ("GetKeyLastUsage", true, false),
  ]

  @Test func tableHasEveryOperation() {
    let names = Set(Self.table.map(\.operation))
    #expect(names.count == Self.table.count)
    #expect(KeyServiceOperation.allCases.filter { !names.contains($0.rawValue) } == [])
  }

  @Test(arguments: table)
  func everyOperationByEveryone(row: (operation: String, admin: Bool, backup: Bool)) throws {
    let policy = try KeyPolicy(parsing: Self.text)
    let actions = PolicyActions.actions(ofOperation: row.operation)
    func decisions(_ user: String, isOwner: Bool = false) -> [PolicyDecision] {
      actions.map {
        policy.decide(
          PolicyRequest(
            principal: PolicyPrincipal(userName: user, isOwner: isOwner), action: $0,
            resource: Policies.key, time: Policies.noon))
      }
    }
    func expected(_ isAllowed: Bool, by index: Int, _ sid: String) -> [PolicyDecision] {
      actions.map { _ in
        isAllowed ? .allowed(by: StatementReference(index: index, sid: sid)) : .implicitlyDenied
      }
    }
    #expect(
      decisions("me", isOwner: true) == expected(true, by: 1, "Enable IAM User Permissions"))
    #expect(
      decisions("key-admin") == expected(row.admin, by: 2, "Allow administration of the key"))
    #expect(decisions("backup") == expected(row.backup, by: 3, "Allow use of the key"))
    #expect(decisions("stranger") == expected(false, by: 0, ""))
  }

  @Test func misspeltActionsAreWarnedOf() throws {
    let statement = StatementReference(index: 2, sid: "Allow administration of the key")
    #expect(
      try KeyPolicy(parsing: Self.text).warnings() == [
        .unknownAction(
          pattern: "kms:TagResourse*", statement: statement, nearest: "kms:TagResource"),
        .unknownAction(
          pattern: "kms:UntagResourse*", statement: statement, nearest: "kms:UntagResource"),
      ])
  }

  @Test func actionsAreTheOperationsOfTheAPI() {
    var names = Set(KeyServiceOperation.allCases.map(\.rawValue))
      .union(KeyServiceOperation.unsupported.keys)
    #expect(names.count == 56)
    names.remove("ReEncrypt")
    names.formUnion(["ReEncryptFrom", "ReEncryptTo", "SynchronizeMultiRegionKey"])
    #expect(Set(PolicyActions.all) == Set(names.map { "kms:\($0)" }))
    #expect(PolicyActions.all == PolicyActions.all.sorted())
  }
}
