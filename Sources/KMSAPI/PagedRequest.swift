/// A request that is answered page by page.
package protocol PagedRequest: KeyServiceRequest where Response: PagedResponse {
  var limit: Int? { get set }
  var marker: String? { get set }
}

/// A page of an answer.
package protocol PagedResponse {
  var nextMarker: String? { get set }
  /// Whether there are more pages; nil where all of them are put together, as the AWS CLI does.
  var truncated: Bool? { get set }
  /// Adds the items of the page after this one.
  mutating func append(_ next: Self)
}
