import Foundation

/// A tag of a master key.
package struct TagRecord: AuthenticatedRecord, LedgerRecord {
  package static let databaseTableName = "tag"

  var keyID: String
  package var tagKey: String
  package var tagValue: String
  var authenticationCode = Data()

  package init(keyID: String, tagKey: String, tagValue: String, authenticationCode: Data = Data()) {
    self.keyID = keyID
    self.tagKey = tagKey
    self.tagValue = tagValue
    self.authenticationCode = authenticationCode
  }

  var ledgerName: LedgerName {
    LedgerName(table: Self.databaseTableName, keyID: keyID, name: tagKey)
  }
  var columns: [(name: String, value: RecordField)] {
    [("keyID", .text(keyID)), ("tagKey", .text(tagKey)), ("tagValue", .text(tagValue))]
  }
}

extension TagRecord {
  package init(_ row: StoredRow) throws {
    keyID = try row.text("keyID")
    tagKey = try row.text("tagKey")
    tagValue = try row.text("tagValue")
    authenticationCode = try row.bytes("authenticationCode")
  }
}
