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
  init(row: Row) throws {
    name = try row.decode(forColumn: "name")
    creationDate = try row.decode(forColumn: "creationDate")
    lastUpdatedDate = try row.decode(forColumn: "lastUpdatedDate")
    contents = try row.decode(forColumn: "contents")
    authenticationCode = try row.decode(forColumn: "authenticationCode")
  }
}
