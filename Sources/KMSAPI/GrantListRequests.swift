/// ListGrants: of a key, the oldest first.
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

/// ListRetirableGrants: those of every key that a principal may retire, the oldest first.
package struct ListRetirableGrantsRequest: PagedRequest {
  package typealias Response = GrantsResponse
  package static let operation = KeyServiceOperation.listRetirableGrants

  package var retiringPrincipal: String
  package var limit: Int?
  package var marker: String?

  package init(retiringPrincipal: String) { self.retiringPrincipal = retiringPrincipal }
}
