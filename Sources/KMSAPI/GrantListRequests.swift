/// ListGrants lists the grants of a key, oldest first.
package struct ListGrantsRequest: PagedRequest {
  package typealias Response = GrantsResponse
  package static let operation = KeyServiceOperation.listGrants

  package var keyID: String
  package var grantID: String?
  package var granteePrincipal: String?
  package var limit: Int?
  package var marker: String?

  package init(keyID: String, granteePrincipal: String? = nil) {
    self.keyID = keyID
    self.granteePrincipal = granteePrincipal
  }
}

/// ListRetirableGrants lists the grants of all keys that a principal may retire, oldest first.
package struct ListRetirableGrantsRequest: PagedRequest {
  package typealias Response = GrantsResponse
  package static let operation = KeyServiceOperation.listRetirableGrants

  package var retiringPrincipal: String
  package var limit: Int?
  package var marker: String?

  package init(retiringPrincipal: String) { self.retiringPrincipal = retiringPrincipal }
}
