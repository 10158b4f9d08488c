package struct CreateKeyRequest: KeyServiceRequest {
  package typealias Response = DescribeKeyRequest.Response
  package static let operation = KeyServiceOperation.createKey

  package var description: String?
  package var keyUsage: KeyUsage?
  package var keySpec: KeySpec?
  /// `keySpec` under the older name of the member.
  package var customerMasterKeySpec: KeySpec?
  package var origin: String?
  package var tags: [Tag]?
  package var policy: String?
  package var bypassPolicyLockoutSafetyCheck: Bool?
  package var multiRegion: Bool?
  package var customKeyStoreID: String?
  package var xksKeyID: String?

  package var newKeyPolicy: String? { policy }

  package init(
    keySpec: KeySpec? = nil, keyUsage: KeyUsage? = nil, description: String? = nil,
    origin: KeyOrigin? = nil, tags: [Tag]? = nil
  ) {
    self.keySpec = keySpec
    self.keyUsage = keyUsage
    self.description = description
    self.origin = origin?.rawValue
    self.tags = tags
  }
}

package struct DescribeKeyRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyMetadata: KeyMetadata

    package init(keyMetadata: KeyMetadata) { self.keyMetadata = keyMetadata }
  }
  package static let operation = KeyServiceOperation.describeKey

  package var keyID: String
  package var grantTokens: [String]?

  package init(keyID: String) { self.keyID = keyID }
}

/// ListKeys lists the keys, oldest first.
package struct ListKeysRequest: PagedRequest {
  package struct Entry: Codable, Equatable, Sendable {
    package let keyID: String
    package let keyARN: String

    package init(keyID: String, keyARN: String) {
      self.keyID = keyID
      self.keyARN = keyARN
    }
  }
  package struct Response: PagedResponse, Codable, Sendable {
    package private(set) var keys: [Entry]
    package var nextMarker: String?
    package var truncated: Bool?

    package init(keys: [Entry], nextMarker: String? = nil, truncated: Bool? = nil) {
      self.keys = keys
      self.nextMarker = nextMarker
      self.truncated = truncated
    }

    package mutating func append(_ next: Self) { keys += next.keys }
  }
  package static let operation = KeyServiceOperation.listKeys

  package var limit: Int?
  package var marker: String?

  package init(limit: Int? = nil, marker: String? = nil) {
    self.limit = limit
    self.marker = marker
  }
}

package struct UpdateKeyDescriptionRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.updateKeyDescription

  package var keyID: String
  package var description: String

  package init(keyID: String, description: String) {
    self.keyID = keyID
    self.description = description
  }
}

package struct EnableKeyRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.enableKey

  package var keyID: String

  package init(keyID: String) { self.keyID = keyID }
}

package struct DisableKeyRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.disableKey

  package var keyID: String

  package init(keyID: String) { self.keyID = keyID }
}
