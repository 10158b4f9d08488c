import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSPolicy
@testable import TestSupport

@Suite struct GrantConstraintsTests {
  static let rows:
    [(
      subset: EncryptionContext?, equals: EncryptionContext?, context: EncryptionContext,
      isAllowed: Bool
    )] = [
      (nil, nil, [:], true),
      (["Dept": "IT"], nil, ["Dept": "IT", "Path": "/"], true),
      (["Dept": "IT"], nil, ["dept": "IT"], true),
      (["Dept": "IT"], nil, ["Dept": "it"], false),
      (["Dept": "IT"], nil, [:], false),
      (["Dept": "IT", "Path": "/"], nil, ["Dept": "IT"], false),
      ([:], nil, [:], true),
      (nil, ["Dept": "IT"], ["Dept": "IT"], true),
      (nil, ["Dept": "IT"], ["DEPT": "IT"], true),
      (nil, ["Dept": "IT"], ["Dept": "IT", "Path": "/"], false),
      (nil, ["Dept": "IT"], ["Dept": "IT", "dept": "IT"], false),
      (nil, ["Dept": "IT"], ["Dept": "HR"], false),
      (nil, [:], [:], true),
      (nil, [:], ["Dept": "IT"], false),
      (["Dept": "IT"], ["Dept": "IT", "Path": "/"], ["Dept": "IT"], false),
    ]

  @Test(arguments: rows)
  func constraintsOfTheContext(
    row: (
      subset: EncryptionContext?, equals: EncryptionContext?, context: EncryptionContext,
      isAllowed: Bool
    )
  ) throws {
    let grant = GrantPermissions(
      operations: [.decrypt, .describeKey],
      constraints: GrantConstraints(
        encryptionContextSubset: row.subset, encryptionContextEquals: row.equals))
    #expect(grant.allow(.decrypt, context: row.context) == row.isAllowed)
    #expect(grant.allow(.describeKey, context: row.context))
    #expect(!grant.allow(.encrypt, context: row.context))
  }

  @Test(arguments: GrantOperation.allCases)
  func constraintsAreForOperationsWithAContext(operation: GrantOperation) {
    let grant = GrantPermissions(
      operations: [operation],
      constraints: GrantConstraints(encryptionContextSubset: ["a": "b"]))
    let name = operation.rawValue
    let hasContext =
      name.hasPrefix("GenerateDataKey") || name.hasPrefix("ReEncrypt")
      || ["Encrypt", "Decrypt"].contains(name)
    #expect(grant.allow(operation, context: EncryptionContext()) == !hasContext)
    #expect(PolicyActions.all.contains("kms:\(name)"))
  }

  static let children: [(parent: GrantConstraints?, child: GrantConstraints?, isNoWider: Bool)] = {
    let it = GrantConstraints(encryptionContextSubset: ["Dept": "IT"])
    let both = GrantConstraints(encryptionContextSubset: ["dept": "IT", "Path": "/"])
    let exactly = GrantConstraints(encryptionContextEquals: ["Dept": "IT"])
    let exactlyBoth = GrantConstraints(encryptionContextEquals: ["Dept": "IT", "Path": "/"])
    return [
      (nil, nil, true), (nil, it, true), (it, nil, false), (it, it, true), (it, both, true),
      (both, it, false), (it, exactly, true), (it, exactlyBoth, true), (exactly, it, false),
      (exactly, exactly, true), (exactly, exactlyBoth, false), (exactly, nil, false),
      (both, exactly, false),
    ]
  }()

  @Test(arguments: children)
  func childrenAreNoWider(
    row: (parent: GrantConstraints?, child: GrantConstraints?, isNoWider: Bool)
  ) {
    let parent = GrantPermissions(operations: [.encrypt, .createGrant], constraints: row.parent)
    let child = GrantPermissions(operations: [.encrypt], constraints: row.child)
    #expect(child.isNoWider(than: parent) == row.isNoWider)
    let more = GrantPermissions(operations: [.encrypt, .decrypt], constraints: row.child)
    #expect(!more.isNoWider(than: parent))
  }
}
