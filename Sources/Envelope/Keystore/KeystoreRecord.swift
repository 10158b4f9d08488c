import Foundation
import GRDB

/// The keystore itself: one row.
struct KeystoreRecord: AuthenticatedRecord, Equatable {
  static let databaseTableName = "keystore"

  var id: String
  var creationDate: Int64
  /// The root of the ledger; nil in stores of 0.1.0 that nobody has unlocked since.
  var ledger: Data?
  /// 1 if no key is used unless the use can be recorded in the audit log; nil otherwise.
  var requiresAudit: Int64?
  /// The latest `foundDueDate` of what is not destroyed yet; nil if nothing waits. Commands that only use keys
  /// see by it that there is something to do.
  var foundDueDate: Int64?
  var authenticationCode = Data()

  var recordName: String { "keystore \(id)" }
  var columns: [(name: String, value: RecordField)] {
    [
      ("id", .text(id)),
      ("creationDate", .integer(creationDate)),
    ]
  }
  var laterColumns: [(name: String, value: RecordField)] {
    [
      ("ledger", .optional(ledger)), ("requiresAudit", .optional(requiresAudit)),
      ("foundDueDate", .optional(foundDueDate)),
    ]
  }

  /// The one row; nil if there is none. However many somebody added, no more than two are read.
  static func only(_ db: Database) throws -> KeystoreRecord? {
    let records = try all(db, where: "true LIMIT 2", [])
    guard records.count <= 1 else {
      throw KeystoreError.editedRecord("the keystore's own record, of which there are several,")
    }
    return records.first
  }

  func requireLedger() throws(KeystoreError) -> Data {
    guard let ledger else { throw .editedRecord(recordName) }
    return ledger
  }
}

extension KeystoreRecord {
  init(row: Row) throws {
    id = try row.decode(forColumn: "id")
    creationDate = try row.decode(forColumn: "creationDate")
    ledger = try row.decode(forColumn: "ledger")
    requiresAudit = try row.decode(forColumn: "requiresAudit")
    foundDueDate = try row.decode(forColumn: "foundDueDate")
    authenticationCode = try row.decode(forColumn: "authenticationCode")
  }
}
