/// A tag of a key.
public struct Tag: Codable, Equatable, Sendable {
  public let tagKey: String
  public let tagValue: String

  public init(tagKey: String, tagValue: String) {
    self.tagKey = tagKey
    self.tagValue = tagValue
  }

  /// Byte by byte, as the keystore has them.
  public static func == (left: Tag, right: Tag) -> Bool {
    left.tagKey.utf8.elementsEqual(right.tagKey.utf8)
      && left.tagValue.utf8.elementsEqual(right.tagValue.utf8)
  }

  /// The most tags of one key.
  static let limit = 50
  private static let keyLengths = 1...128
  private static let valueLengths = 0...256

  /// Throws `validation` and `tag` unless these can be tags of one key.
  static func check(_ tags: [Tag]) throws(KeyServiceError) {
    for tag in tags {
      try check(key: tag.tagKey)
      try KeyServiceError.requireNoNUL(tag.tagValue, in: "a tag's value")
      guard valueLengths.contains(tag.tagValue.unicodeScalars.count) else {
        throw .validation(
          "a tag's value has at most \(valueLengths.upperBound) characters, that of "
            + "'\(tag.tagKey)' has \(tag.tagValue.unicodeScalars.count)")
      }
    }
    guard Set(tags.map { Array($0.tagKey.utf8) }).count == tags.count else {
      throw .tag("two tags of a key cannot have the same key")
    }
  }

  static func check(key: String) throws(KeyServiceError) {
    try KeyServiceError.requireNoNUL(key, in: "a tag's key")
    guard keyLengths.contains(key.unicodeScalars.count) else {
      throw .validation(
        "a tag's key has \(keyLengths.lowerBound) to \(keyLengths.upperBound) characters, not "
          + "\(key.unicodeScalars.count)")
    }
    guard !key.lowercased().hasPrefix("aws:") else {
      throw .tag("tag keys that begin with aws: are reserved: '\(key)'")
    }
  }

  /// Adds the tag, or gives it its new value.
  func store(forKey keyID: String, _ transaction: KeystoreTransaction) throws {
    try transaction.save(TagRecord(keyID: keyID, tagKey: tagKey, tagValue: tagValue))
    guard try transaction.tagCount(ofKey: keyID) <= Self.limit else {
      throw KeyServiceError.limitExceeded("a key has at most \(Self.limit) tags")
    }
  }
}

/// TagResource: adds tags, and gives those that are there new values.
public struct TagResourceRequest: KeyServiceRequest {
  public typealias Response = EmptyResponse
  public static let operation = KeyServiceOperation.tagResource

  public var keyID: String
  public var tags: [Tag]

  public init(keyID: String, tags: [Tag]) {
    self.keyID = keyID
    self.tags = tags
  }

  public func perform(in call: OperationCall) throws -> EmptyResponse {
    try Tag.check(tags)
    var conditions = RequestConditions.none
    conditions.values.setRequestTags(tags.map { ($0.tagKey, $0.tagValue) })
    try call.write { transaction in
      let key = try call.admit(keyID, conditions, in: transaction).record
      for tag in tags { try tag.store(forKey: key.id, transaction) }
    }
    return EmptyResponse()
  }
}

/// UntagResource. A tag that is not there is no error.
public struct UntagResourceRequest: KeyServiceRequest {
  public typealias Response = EmptyResponse
  public static let operation = KeyServiceOperation.untagResource

  public var keyID: String
  public var tagKeys: [String]

  public init(keyID: String, tagKeys: [String]) {
    self.keyID = keyID
    self.tagKeys = tagKeys
  }

  public func perform(in call: OperationCall) throws -> EmptyResponse {
    for key in tagKeys { try Tag.check(key: key) }
    var conditions = RequestConditions.none
    conditions.values.setTagKeys(tagKeys)
    try call.write { transaction in
      let key = try call.admit(keyID, conditions, in: transaction).record
      for tagKey in tagKeys {
        try transaction.delete(TagRecord(keyID: key.id, tagKey: tagKey, tagValue: ""))
      }
    }
    return EmptyResponse()
  }
}

/// ListResourceTags, by key.
public struct ListResourceTagsRequest: PagedRequest {
  public struct Response: PagedResponse, Codable, Sendable {
    public private(set) var tags: [Tag]
    public var nextMarker: String?
    public var truncated: Bool?

    public mutating func append(_ next: Self) { tags += next.tags }
  }
  public static let operation = KeyServiceOperation.listResourceTags

  public var keyID: String
  public var limit: Int?
  public var marker: String?

  public init(keyID: String, limit: Int? = nil, marker: String? = nil) {
    self.keyID = keyID
    self.limit = limit
    self.marker = marker
  }

  public func perform(in call: OperationCall) throws -> Response {
    let page = try Page(limit: limit, marker: marker, standard: 50)
    let records = try call.read { view in
      let key = try call.admit(keyID, .none, in: view).record
      return try view.tags(ofKey: key.id, after: page.after ?? "", limit: page.limit + 1)
    }
    let (items, nextMarker, truncated) = page.cut(records) { $0.tagKey }
    return Response(
      tags: items.map { Tag(tagKey: $0.tagKey, tagValue: $0.tagValue) }, nextMarker: nextMarker,
      truncated: truncated)
  }
}
