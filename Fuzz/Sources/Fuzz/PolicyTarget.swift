import Foundation

@testable import Envelope
@testable import KMSPolicy

extension FuzzTarget {
  /// A key policy document. An accepted policy decides every request in the same way, with or
  /// without an explanation.
  static let policy = FuzzTarget("policy") { bytes in
    let policy = try KeyPolicy(parsing: String(decoding: bytes, as: UTF8.self))
    require(try KeyPolicy(parsing: policy.text) == policy, "a policy is read in two ways")
    _ = policy.warnings()
    var context = PolicyContext()
    context.setEncryptionContext(try EncryptionContext([(key: "purpose", value: "backup")]))
    for (userName, isOwner) in [("root", true), ("backup", false)] {
      for action in ["kms:Decrypt", "kms:PutKeyPolicy"] {
        let request = PolicyRequest(
          principal: PolicyPrincipal(userName: userName, isOwner: isOwner), action: action,
          resource: "arn:aws:kms:local:000000000000:key/1", context: context,
          time: Date(timeIntervalSince1970: 1_700_000_000))
        let explanation = policy.explain(request)
        require(explanation.decision == policy.decide(request), "two decisions about one request")
        let applying = explanation.statements.filter(\.applies)
        let isAllowed = !applying.isEmpty && applying.allSatisfy { $0.effect == .allow }
        require(explanation.decision.isAllowed == isAllowed, "no statement says so")
      }
    }
  }
}
