import Foundation
import GRDB

/// The keystore itself: one row.
struct KeystoreRecord: AuthenticatedRecord, Equatable {
  static let databaseTableName = "keystore"

  var id: String
  var creationDate: Int64
  /// The digest of the ledger's root; nil in stores of 0.1.0 that nobody has unlocked since.
  var ledgerDigest: Data?
  var authenticationCode = Data()

  var recordName: String { "keystore \(id)" }
  var columns: [(name: String, value: RecordField)] {
    [
      ("id", .text(id)),
      ("creationDate", .integer(creationDate)),
    ]
  }
  var laterColumns: [(name: String, value: RecordField)] {
    [("ledgerDigest", .optional(ledgerDigest))]
  }

  func requireLedgerDigest() throws(KeystoreError) -> Data {
    guard let ledgerDigest else { throw .editedRecord(recordName) }
    return ledgerDigest
  }
}

extension KeystoreRecord {
  init(row: Row) throws {
    id = try row.decode(forColumn: "id")
    creationDate = try row.decode(forColumn: "creationDate")
    ledgerDigest = try row.decode(forColumn: "ledgerDigest")
    authenticationCode = try row.decode(forColumn: "authenticationCode")
  }
}
