@testable import KMSAPI
@testable import KMSPolicy
@testable import KMSService
@testable import KMSTemplates

extension KeyService {
  /// Gives a key with an alias a tag, a policy and a grant, and adds a stack. So every table of the
  /// keystore has a row.
  func fillEveryTable(key: String) throws {
    try perform(TagResourceRequest(keyID: key, tags: [Tag(tagKey: "a", tagValue: "b")]))
    try perform(
      PutKeyPolicyRequest(
        keyID: key, policy: KeyPolicy.defaultPolicy.text, bypassPolicyLockoutSafetyCheck: true))
    try perform(
      CreateGrantRequest(
        keyID: key, granteePrincipal: "arn:aws:iam::000000000000:user/b", operations: [.decrypt]))
    let template = "Resources: {Key: {Type: AWS::KMS::Key, Properties: {}}}"
    _ = try applyStack(
      StackRequest(template: try Template(parsing: Array(template.utf8)), stackName: "s"))
  }
}
