/// A page of grants.
package struct GrantsResponse: PagedResponse, Codable, Sendable {
  package private(set) var grants: [Grant]
  package var nextMarker: String?
  package var truncated: Bool?

  package init(grants: [Grant], nextMarker: String? = nil, truncated: Bool? = nil) {
    self.grants = grants
    self.nextMarker = nextMarker
    self.truncated = truncated
  }

  package mutating func append(_ next: Self) { grants += next.grants }
}
