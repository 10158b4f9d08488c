import Foundation
import GRDB

/// A name for a master key.
struct AliasRecord: AuthenticatedRecord, LedgerRecord {
  static let databaseTableName = "alias"

  var name: String
  var targetKeyID: String
  var creationDate: Int64
  var lastUpdatedDate: Int64
  var authenticationCode = Data()

  /// The ledger lists an alias together with its target key.
  var ledgerName: LedgerName {
    LedgerName(table: Self.databaseTableName, keyID: targetKeyID, name: name)
  }
  var columns: [(name: String, value: RecordField)] {
    [
      ("name", .text(name)),
      ("targetKeyID", .text(targetKeyID)),
      ("creationDate", .integer(creationDate)),
      ("lastUpdatedDate", .integer(lastUpdatedDate)),
    ]
  }
}

extension AliasRecord {
  init(_ row: StoredRow) throws {
    name = try row.text("name")
    targetKeyID = try row.text("targetKeyID")
    creationDate = try row.integer("creationDate")
    lastUpdatedDate = try row.integer("lastUpdatedDate")
    authenticationCode = try row.bytes("authenticationCode")
  }
}
