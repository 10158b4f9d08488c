/// A request that is answered page by page.
package protocol PagedRequest: KeyServiceRequest where Response: PagedResponse {
  var limit: Int? { get set }
  var marker: String? { get set }
}

/// One page of an answer.
package protocol PagedResponse {
  var nextMarker: String? { get set }
  /// True if there are more pages. Nil if all pages were put together, as the AWS CLI does.
  var truncated: Bool? { get set }
  /// Adds the items of the next page.
  mutating func append(_ next: Self)
}
