/// CreateGrant makes a grant, which takes effect at once.
package struct CreateGrantRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let grantToken: String
    package let grantID: String

    package init(grantToken: String, grantID: String) {
      self.grantToken = grantToken
      self.grantID = grantID
    }
  }
  package static let operation = KeyServiceOperation.createGrant

  package var keyID: String
  package var granteePrincipal: String
  package var retiringPrincipal: String?
  package var operations: [GrantOperation]
  package var constraints: GrantConstraints?
  package var grantTokens: [String]?
  package var name: String?
  package var dryRun: Bool?

  package init(
    keyID: String, granteePrincipal: String, operations: [GrantOperation],
    constraints: GrantConstraints? = nil
  ) {
    self.keyID = keyID
    self.granteePrincipal = granteePrincipal
    self.operations = operations
    self.constraints = constraints
  }
}

/// RetireGrant removes a grant. The account may do this, and so may a principal whom the grant
/// allows to do it, unless the key's policy denies it.
package struct RetireGrantRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.retireGrant

  package var grantToken: String?
  package var keyID: String?
  package var grantID: String?
  package var dryRun: Bool?

  package init(grantToken: String) { self.grantToken = grantToken }

  package init(keyID: String, grantID: String) {
    self.keyID = keyID
    self.grantID = grantID
  }
}

package struct RevokeGrantRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.revokeGrant

  package var keyID: String
  package var grantID: String
  package var dryRun: Bool?

  package init(keyID: String, grantID: String) {
    self.keyID = keyID
    self.grantID = grantID
  }
}
