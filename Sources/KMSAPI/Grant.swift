import Foundation

/// A grant, as ListGrants and ListRetirableGrants return it.
package struct Grant: Codable, Equatable, Sendable {
  /// The key's ARN.
  package let keyID: String
  package let grantID: String
  package let name: String?
  package let creationDate: Date
  package let granteePrincipal: String
  package let retiringPrincipal: String?
  /// The account's ARN.
  package let issuingAccount: String
  package let operations: [GrantOperation]
  package let constraints: GrantConstraints?

  package init(
    keyID: String, grantID: String, name: String?, creationDate: Date, granteePrincipal: String,
    retiringPrincipal: String?, issuingAccount: String, operations: [GrantOperation],
    constraints: GrantConstraints?
  ) {
    self.keyID = keyID
    self.grantID = grantID
    self.name = name
    self.creationDate = creationDate
    self.granteePrincipal = granteePrincipal
    self.retiringPrincipal = retiringPrincipal
    self.issuingAccount = issuingAccount
    self.operations = operations
    self.constraints = constraints
  }
}
