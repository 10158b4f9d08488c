import KMSAPI
import KMSKeystore

extension TagResourceRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> EmptyResponse {
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

extension UntagResourceRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> EmptyResponse {
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

extension ListResourceTagsRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
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

extension Tag {
  /// The maximum number of tags of one key.
  package static let limit = 50
  private static let keyLengths = 1...128
  private static let valueLengths = 0...256

  /// Throws `validation` or `tag` unless one key can have all these tags.
  package static func check(_ tags: [Tag]) throws(KeyServiceError) {
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

  /// Adds the tag, or changes its value.
  func store(forKey keyID: String, _ transaction: KeystoreTransaction) throws {
    try transaction.save(TagRecord(keyID: keyID, tagKey: tagKey, tagValue: tagValue))
    guard try transaction.tagCount(ofKey: keyID) <= Self.limit else {
      throw KeyServiceError.limitExceeded("a key has at most \(Self.limit) tags")
    }
  }
}
