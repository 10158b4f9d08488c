import Foundation
import GRDB

/// The last day on which a master key was used, which its owner is told before it is deleted.
struct LastUseRecord: AuthenticatedRecord {
  static let databaseTableName = "lastUse"

  var keyID: String
  /// The first use of that day.
  var date: Int64
  /// The API's name of what was done with it.
  var operation: String
  var authenticationCode = Data()

  var recordName: String { "last use of key \(keyID)" }
  var columns: [(name: String, value: RecordField)] {
    [("keyID", .text(keyID)), ("date", .integer(date)), ("operation", .text(operation))]
  }
}

extension LastUseRecord {
  init(row: Row) throws {
    keyID = try row.decode(forColumn: "keyID")
    date = try row.decode(forColumn: "date")
    operation = try row.decode(forColumn: "operation")
    authenticationCode = try row.decode(forColumn: "authenticationCode")
  }
}
