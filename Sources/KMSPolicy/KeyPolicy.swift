import Foundation
import KMSAPI

/// A key policy document: the rules that say which principals may use a key for which actions (KMS
/// developer guide, "Key policies"; IAM user guide, "Grammar of the IAM JSON policy language").
///
/// There are no IAM policies in addition. A permission of the account is a permission of the
/// keystore's owner only; other users cannot get it through the account.
package struct KeyPolicy: Equatable, Sendable {
  /// The most bytes of UTF-8 that a document can have.
  package static let maximumLength = 32768

  /// The document exactly as it was given.
  package let text: String
  /// The ID of the document, if it has one.
  package let id: String?
  let statements: [PolicyStatement]

  /// Parses a document. Throws `PolicyError` if the text is not a policy, or if it uses a feature
  /// that a keystore does not have. No part of a policy is ignored.
  package init(parsing text: String) throws(PolicyError) {
    guard text.utf8.count <= Self.maximumLength else {
      throw .limitExceeded(
        "a key policy of \(text.utf8.count) bytes, more than the limit of \(Self.maximumLength)")
    }
    try self.init(text, PolicyReader(text))
  }

  init(_ text: String, _ reader: PolicyReader) {
    self.text = text
    id = reader.id
    statements = reader.statements
  }

  /// Decides on a request. An explicit denial overrides every allowing statement. A request that no
  /// statement allows is denied.
  package func decide(_ request: PolicyRequest) -> PolicyDecision {
    var allowing: StatementReference?
    for statement in statements {
      if statement.effect == .allow, allowing != nil { continue }
      guard statement.applies(to: request) else { continue }
      if statement.effect == .deny { return .explicitlyDenied(by: statement.reference) }
      allowing = statement.reference
    }
    return allowing.map { .allowed(by: $0) } ?? .implicitlyDenied
  }

  /// Returns the decision, and how each statement contributed to it.
  package func explain(_ request: PolicyRequest) -> PolicyExplanation {
    PolicyExplanation(
      decision: decide(request),
      statements: statements.map {
        PolicyExplanation.Entry(
          statement: $0.reference, effect: $0.effect, mismatches: $0.mismatches(with: request))
      })
  }

  /// True if the caller of `request` could not change this policy again after it became the key's
  /// policy. PutKeyPolicy refuses such a policy unless it is told to bypass the policy lockout
  /// safety check. The action of `request` does not matter.
  package func locksOut(_ request: PolicyRequest) -> Bool {
    var request = request
    request.action = "kms:PutKeyPolicy"
    request.otherAction = nil
    request.context[.bypassPolicyLockoutSafetyCheck] = ["false"]
    return !decide(request).isAllowed
  }
}

extension KeyPolicy {
  /// The policy of a key that was created without one: the account may do everything.
  package static let defaultPolicy: KeyPolicy = {
    do {
      return try KeyPolicy(parsing: defaultText)
    } catch {
      preconditionFailure("\(error)")
    }
  }()

  private static let defaultText = """
    {
      "Version" : "2012-10-17",
      "Id" : "key-default-1",
      "Statement" : [ {
        "Sid" : "Enable IAM User Permissions",
        "Effect" : "Allow",
        "Principal" : {
          "AWS" : "arn:aws:iam::\(Account.id):root"
        },
        "Action" : "kms:*",
        "Resource" : "*"
      } ]
    }
    """
}
