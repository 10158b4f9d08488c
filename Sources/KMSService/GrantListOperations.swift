import Foundation
import KMSAPI
import KMSKeystore

extension ListGrantsRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    let page = try Page(limit: limit, marker: marker, standard: 50)
    if let grantID { try GrantName.check(id: grantID) }
    if let granteePrincipal {
      try CreateGrantRequest.check(principal: granteePrincipal)
    }
    let records = try call.read { view in
      try view.unverifiedGrants(ofKey: call.admit(keyID, .none, in: view).record.id)
    }
    return try Response(
      records.filter {
        (grantID ?? $0.id) == $0.id
          && (granteePrincipal ?? $0.granteePrincipal).utf8.elementsEqual($0.granteePrincipal.utf8)
      }, page)
  }
}

extension ListRetirableGrantsRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    let page = try Page(limit: limit, marker: marker, standard: 50)
    try CreateGrantRequest.check(principal: retiringPrincipal)
    let caller = call.service.caller
    guard caller.isOwner || caller.principal.isNamed(retiringPrincipal) else {
      throw KeyServiceError.accessDenied(
        "\(caller.arn) may not do kms:ListRetirableGrants of \(retiringPrincipal): only that "
          + "principal and the account may")
    }
    return try Response(
      try call.read { try $0.unverifiedGrants(retiredBy: retiringPrincipal) }, page)
  }
}

extension GrantsResponse {
  /// Makes the response from one page of `records`, which are sorted oldest first.
  fileprivate init(_ records: [GrantRecord], _ page: Page) throws {
    let (items, nextMarker, truncated) = try page.cut(whole: records) { $0.id }
    self.init(grants: try items.map(Grant.init), nextMarker: nextMarker, truncated: truncated)
  }
}
