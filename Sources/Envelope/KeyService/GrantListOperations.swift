import Foundation

/// A page of grants.
public struct GrantsResponse: PagedResponse, Codable, Sendable {
  public private(set) var grants: [Grant]
  public var nextMarker: String?
  public var truncated: Bool?

  public mutating func append(_ next: Self) { grants += next.grants }

  /// Cuts `records`, the oldest first, to the page.
  fileprivate init(_ records: [GrantRecord], _ page: Page) throws {
    let (items, nextMarker, truncated) = try page.cut(whole: records) { $0.id }
    grants = try items.map(Grant.init)
    self.nextMarker = nextMarker
    self.truncated = truncated
  }
}

/// ListGrants: of a key, the oldest first.
public struct ListGrantsRequest: PagedRequest {
  public typealias Response = GrantsResponse
  public static let operation = KeyServiceOperation.listGrants

  public var keyID: String
  public var grantID: String?
  public var granteePrincipal: String?
  public var limit: Int?
  public var marker: String?

  public init(keyID: String, granteePrincipal: String? = nil) {
    self.keyID = keyID
    self.granteePrincipal = granteePrincipal
  }

  public func perform(in call: OperationCall) throws -> Response {
    let page = try Page(limit: limit, marker: marker, standard: 50)
    if let grantID { try GrantName.check(id: grantID) }
    if let granteePrincipal {
      try CreateGrantRequest.check(principal: granteePrincipal, member: "GranteePrincipal")
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

/// ListRetirableGrants: those of every key that a principal may retire, the oldest first.
public struct ListRetirableGrantsRequest: PagedRequest {
  public typealias Response = GrantsResponse
  public static let operation = KeyServiceOperation.listRetirableGrants

  public var retiringPrincipal: String
  public var limit: Int?
  public var marker: String?

  public init(retiringPrincipal: String) { self.retiringPrincipal = retiringPrincipal }

  public func perform(in call: OperationCall) throws -> Response {
    let page = try Page(limit: limit, marker: marker, standard: 50)
    try CreateGrantRequest.check(principal: retiringPrincipal, member: "RetiringPrincipal")
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
