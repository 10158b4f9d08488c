/// PutKeyPolicy is refused if the caller could not do it again under the new policy.
package struct PutKeyPolicyRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.putKeyPolicy

  package var keyID: String
  package var policyName: String?
  package var policy: String
  package var bypassPolicyLockoutSafetyCheck: Bool?

  package var newKeyPolicy: String? { policy }

  package init(keyID: String, policy: String, bypassPolicyLockoutSafetyCheck: Bool? = nil) {
    self.keyID = keyID
    self.policy = policy
    self.bypassPolicyLockoutSafetyCheck = bypassPolicyLockoutSafetyCheck
  }
}

package struct GetKeyPolicyRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let policy: String
    package let policyName: String

    package init(policy: String, policyName: String) {
      self.policy = policy
      self.policyName = policyName
    }
  }
  package static let operation = KeyServiceOperation.getKeyPolicy

  package var keyID: String
  package var policyName: String?

  package init(keyID: String) { self.keyID = keyID }
}

/// ListKeyPolicies always lists one policy: a key has exactly one, and its name is "default".
package struct ListKeyPoliciesRequest: PagedRequest {
  package struct Response: PagedResponse, Codable, Sendable {
    package private(set) var policyNames: [String]
    package var nextMarker: String?
    package var truncated: Bool?

    package init(policyNames: [String], nextMarker: String? = nil, truncated: Bool? = nil) {
      self.policyNames = policyNames
      self.nextMarker = nextMarker
      self.truncated = truncated
    }

    package mutating func append(_ next: Self) { policyNames += next.policyNames }
  }
  package static let operation = KeyServiceOperation.listKeyPolicies

  package var keyID: String
  package var limit: Int?
  package var marker: String?

  package init(keyID: String) { self.keyID = keyID }
}
