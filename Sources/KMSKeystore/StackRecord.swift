import Foundation

/// A stack: the resources that a template made.
package struct StackRecord: AuthenticatedRecord, LedgerRecord {
  package static let databaseTableName = "stack"

  package var name: String
  package var creationDate: Int64
  package var lastUpdatedDate: Int64?
  /// The stack as JSON.
  package var contents: String
  var authenticationCode = Data()

  package init(
    name: String, creationDate: Int64, lastUpdatedDate: Int64? = nil, contents: String,
    authenticationCode: Data = Data()
  ) {
    self.name = name
    self.creationDate = creationDate
    self.lastUpdatedDate = lastUpdatedDate
    self.contents = contents
    self.authenticationCode = authenticationCode
  }

  var ledgerName: LedgerName { LedgerName(table: Self.databaseTableName, name: name) }
  var columns: [(name: String, value: RecordField)] {
    [
      ("name", .text(name)),
      ("creationDate", .integer(creationDate)),
      ("lastUpdatedDate", .optional(lastUpdatedDate)),
      ("contents", .text(contents)),
    ]
  }
}

extension StackRecord {
  package init(_ row: StoredRow) throws {
    name = try row.text("name")
    creationDate = try row.date("creationDate")
    lastUpdatedDate = try row.dateIfAny("lastUpdatedDate")
    contents = try row.text("contents")
    authenticationCode = try row.bytes("authenticationCode")
  }
}

extension StackRecord {
  /// The error for contents that the program did not write.
  package var edited: KeystoreError { .editedRecord(recordName) }
}
