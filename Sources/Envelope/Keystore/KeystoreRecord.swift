import Foundation
import GRDB

/// The keystore itself: one row.
struct KeystoreRecord: AuthenticatedRecord {
  static let databaseTableName = "keystore"

  var id: String
  var creationDate: Int64
  var authenticationCode = Data()

  var recordName: String { "keystore \(id)" }
  var columns: [(name: String, value: RecordField)] {
    [
      ("id", .text(id)),
      ("creationDate", .integer(creationDate)),
    ]
  }
}

extension KeystoreRecord {
  init(row: Row) throws {
    id = try row.decode(forColumn: "id")
    creationDate = try row.decode(forColumn: "creationDate")
    authenticationCode = try row.decode(forColumn: "authenticationCode")
  }
}
