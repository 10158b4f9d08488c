import Foundation

/// A key policy document: who may do what with a key (KMS developer guide, "Key policies"; IAM user
/// guide, "Grammar of the IAM JSON policy language").
///
/// There are no IAM policies beside it: what the account itself may do, the keystore's owner may, and
/// nobody else through it.
public struct KeyPolicy: Equatable, Sendable {
  /// The most bytes of UTF-8 that a document can have.
  public static let maximumLength = 32768

  /// The document as it was given.
  public let text: String
  /// The document's own name, where it has one.
  public let id: String?
  let statements: [PolicyStatement]

  /// Throws `PolicyError` where the text is no policy, or asks for what a keystore does not have:
  /// nothing of a policy is passed over.
  public init(parsing text: String) throws(PolicyError) {
    guard text.utf8.count <= Self.maximumLength else {
      throw .limitExceeded(
        "a key policy of \(text.utf8.count) bytes, at most \(Self.maximumLength) fit")
    }
    try self.init(text, PolicyReader(text))
  }

  init(_ text: String, _ reader: PolicyReader) {
    self.text = text
    id = reader.id
    statements = reader.statements
  }

  /// An explicit denial wins over whatever allows, and what nothing allows is denied.
  public func decide(_ request: PolicyRequest) -> PolicyDecision {
    var allowing: StatementReference?
    for statement in statements {
      if statement.effect == .allow, allowing != nil { continue }
      guard statement.applies(to: request) else { continue }
      if statement.effect == .deny { return .explicitlyDenied(by: statement.reference) }
      allowing = statement.reference
    }
    return allowing.map { .allowed(by: $0) } ?? .implicitlyDenied
  }

  /// The decision with what each statement had to do with it.
  public func explain(_ request: PolicyRequest) -> PolicyExplanation {
    PolicyExplanation(
      decision: decide(request),
      statements: statements.map {
        PolicyExplanation.Entry(
          statement: $0.reference, effect: $0.effect, mismatches: $0.mismatches(with: request))
      })
  }

  /// Whether the caller of `request`, were this the key's policy, could not change it again: what
  /// PutKeyPolicy refuses unless it is told to bypass the policy lockout safety check. The action of
  /// `request` does not matter.
  public func locksOut(_ request: PolicyRequest) -> Bool {
    var request = request
    request.action = "kms:PutKeyPolicy"
    request.otherAction = nil
    request.context[.bypassPolicyLockoutSafetyCheck] = ["false"]
    return !decide(request).isAllowed
  }
}

extension KeyPolicy {
  /// The policy of a key for which nobody wrote one: the account may do everything.
  public static let defaultPolicy: KeyPolicy = {
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
          "AWS" : "arn:aws:iam::\(PolicyPrincipal.accountID):root"
        },
        "Action" : "kms:*",
        "Resource" : "*"
      } ]
    }
    """
}
