import Foundation

/// A name for a master key.
package struct AliasRecord: AuthenticatedRecord, LedgerRecord {
  package static let databaseTableName = "alias"

  package var name: String
  package var targetKeyID: String
  package var creationDate: Int64
  package var lastUpdatedDate: Int64
  var authenticationCode = Data()

  package init(
    name: String, targetKeyID: String, creationDate: Int64, lastUpdatedDate: Int64,
    authenticationCode: Data = Data()
  ) {
    self.name = name
    self.targetKeyID = targetKeyID
    self.creationDate = creationDate
    self.lastUpdatedDate = lastUpdatedDate
    self.authenticationCode = authenticationCode
  }

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
  package init(_ row: StoredRow) throws {
    name = try row.text("name")
    targetKeyID = try row.text("targetKeyID")
    creationDate = try row.date("creationDate")
    lastUpdatedDate = try row.date("lastUpdatedDate")
    authenticationCode = try row.bytes("authenticationCode")
  }
}
