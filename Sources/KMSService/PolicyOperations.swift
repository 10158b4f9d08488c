import Foundation
import KMSAPI
import KMSKeystore
import KMSPolicy

extension PutKeyPolicyRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> EmptyResponse {
    try PolicyName.check(policyName)
    let document = try KeyPolicy(apiText: policy)
    let conditions = try call.conditions(
      nil,
      [.bypassPolicyLockoutSafetyCheck: ["\(bypassPolicyLockoutSafetyCheck == true)"]])
    try call.change(keyID, conditions) { record, transaction in
      if bypassPolicyLockoutSafetyCheck != true {
        try document.requireNoLockout(of: call, record: record, conditions, in: transaction)
      }
      try transaction.store(policy: document.text, of: &record)
    }
    return EmptyResponse()
  }
}

extension GetKeyPolicyRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    try PolicyName.check(policyName)
    let policy = try call.read { view in
      try view.policy(of: call.admit(keyID, .none, in: view).record)
    }
    return Response(policy: policy ?? KeyPolicy.defaultPolicy.text, policyName: PolicyName.only)
  }
}

extension ListKeyPoliciesRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    let page = try Page(limit: limit, marker: marker, standard: 100)
    _ = try call.read { try call.admit(keyID, .none, in: $0) }
    let (names, nextMarker, truncated) = try page.cut(whole: [PolicyName.only]) { $0 }
    return Response(policyNames: names, nextMarker: nextMarker, truncated: truncated)
  }
}

private enum PolicyName {
  static let only = "default"

  static func check(_ name: String?) throws(KeyServiceError) {
    guard name == nil || name == only else { throw .notFound(name ?? "") }
  }
}

extension KeyPolicy {
  /// Parses the policy document of a request. Throws `malformedPolicyDocument`,
  /// `unsupportedOperation`, `limitExceeded`.
  init(apiText text: String) throws(KeyServiceError) {
    do throws(PolicyError) {
      try self.init(parsing: text)
    } catch {
      switch error {
      case .malformed(let reason): throw .malformedPolicyDocument(reason)
      case .unsupported(let reason): throw .unsupportedOperation(reason)
      case .limitExceeded(let reason): throw .limitExceeded(reason)
      }
    }
  }

  /// Throws `malformedPolicyDocument` if the caller could not replace this policy with another one.
  func requireNoLockout(
    of call: OperationCall, record: MasterKeyRecord, _ conditions: RequestConditions,
    in view: KeystoreView
  ) throws {
    let request = try call.policyRequest("PutKeyPolicy", on: record, conditions, in: view)
    guard locksOut(request) else { return }
    throw KeyServiceError.malformedPolicyDocument(
      "the policy would not let \(call.service.caller.arn) change it later; allow "
        + "kms:PutKeyPolicy, or set BypassPolicyLockoutSafetyCheck "
        + "(--bypass-policy-lockout-safety-check)")
  }
}

extension KeyService {
  /// Gives a key the default policy again. The account may do this whatever the policy says. If the
  /// policy locks everybody out, nobody else could help.
  package func resetKeyPolicy(_ name: String) throws {
    try managing(.resetKeyPolicy) { call in
      try call.write { transaction in
        let record = try call.resolve(name, in: transaction)
        call.touch(record.id)
        try transaction.removePolicy(of: record)
      }
    }
  }
}
