import Foundation
import GRDB

/// A stack: the resources that a template made.
struct StackRecord: AuthenticatedRecord, LedgerRecord {
  static let databaseTableName = "stack"

  var name: String
  var creationDate: Int64
  var lastUpdatedDate: Int64?
  /// The stack as JSON.
  var contents: String
  var authenticationCode = Data()

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
  init(_ row: StoredRow) throws {
    name = try row.text("name")
    creationDate = try row.integer("creationDate")
    lastUpdatedDate = try row.integerIfAny("lastUpdatedDate")
    contents = try row.text("contents")
    authenticationCode = try row.bytes("authenticationCode")
  }
}
