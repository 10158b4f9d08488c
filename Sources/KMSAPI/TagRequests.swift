/// TagResource adds tags to a key. If the key already has a tag with the same tag key, the tag gets
/// the new value.
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

/// UntagResource removes tags from a key. It ignores a tag that the key does not have.
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

/// ListResourceTags lists the tags of a key, sorted by tag key.
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
