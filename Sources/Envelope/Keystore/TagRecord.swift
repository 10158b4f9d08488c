import Foundation
import GRDB

/// A tag of a master key.
struct TagRecord: AuthenticatedRecord, LedgerRecord {
  static let databaseTableName = "tag"

  var keyID: String
  var tagKey: String
  var tagValue: String
  var authenticationCode = Data()

  var ledgerName: LedgerName {
    LedgerName(table: Self.databaseTableName, keyID: keyID, name: tagKey)
  }
  var columns: [(name: String, value: RecordField)] {
    [("keyID", .text(keyID)), ("tagKey", .text(tagKey)), ("tagValue", .text(tagValue))]
  }
}

extension TagRecord {
  init(_ row: StoredRow) throws {
    keyID = try row.text("keyID")
    tagKey = try row.text("tagKey")
    tagValue = try row.text("tagValue")
    authenticationCode = try row.bytes("authenticationCode")
  }
}
