package struct CreateAliasRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.createAlias

  package var aliasName: String
  package var targetKeyID: String

  package init(aliasName: String, targetKeyID: String) {
    self.aliasName = aliasName
    self.targetKeyID = targetKeyID
  }
}

/// UpdateAlias gives an alias another target key. The policies of both keys must allow it. The old
/// target key may be in any state.
package struct UpdateAliasRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.updateAlias

  package var aliasName: String
  package var targetKeyID: String

  package init(aliasName: String, targetKeyID: String) {
    self.aliasName = aliasName
    self.targetKeyID = targetKeyID
  }
}

/// DeleteAlias deletes an alias, but not its target key.
package struct DeleteAliasRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.deleteAlias

  package var aliasName: String

  package init(aliasName: String) { self.aliasName = aliasName }
}

/// ListAliases lists aliases, sorted by name. With `keyID`, it lists only the aliases of that key.
package struct ListAliasesRequest: PagedRequest {
  package struct Response: PagedResponse, Codable, Sendable {
    package private(set) var aliases: [AliasListEntry]
    package var nextMarker: String?
    package var truncated: Bool?

    package init(aliases: [AliasListEntry], nextMarker: String? = nil, truncated: Bool? = nil) {
      self.aliases = aliases
      self.nextMarker = nextMarker
      self.truncated = truncated
    }

    package mutating func append(_ next: Self) { aliases += next.aliases }
  }
  package static let operation = KeyServiceOperation.listAliases

  package var keyID: String?
  package var limit: Int?
  package var marker: String?

  package init(keyID: String? = nil, limit: Int? = nil, marker: String? = nil) {
    self.keyID = keyID
    self.limit = limit
    self.marker = marker
  }
}
