/// TagResource: adds tags, and gives those that are there new values.
package struct TagResourceRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.tagResource

  package var keyID: String
  package var tags: [Tag]

  package init(keyID: String, tags: [Tag]) {
    self.keyID = keyID
    self.tags = tags
  }
}

/// UntagResource. A tag that is not there is no error.
package struct UntagResourceRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.untagResource

  package var keyID: String
  package var tagKeys: [String]

  package init(keyID: String, tagKeys: [String]) {
    self.keyID = keyID
    self.tagKeys = tagKeys
  }
}

/// ListResourceTags, by key.
package struct ListResourceTagsRequest: PagedRequest {
  package struct Response: PagedResponse, Codable, Sendable {
    package private(set) var tags: [Tag]
    package var nextMarker: String?
    package var truncated: Bool?

    package init(tags: [Tag], nextMarker: String? = nil, truncated: Bool? = nil) {
      self.tags = tags
      self.nextMarker = nextMarker
      self.truncated = truncated
    }

    package mutating func append(_ next: Self) { tags += next.tags }
  }
  package static let operation = KeyServiceOperation.listResourceTags

  package var keyID: String
  package var limit: Int?
  package var marker: String?

  package init(keyID: String, limit: Int? = nil, marker: String? = nil) {
    self.keyID = keyID
    self.limit = limit
    self.marker = marker
  }
}
