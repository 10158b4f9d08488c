import Foundation
import GRDB

/// The record of the keystore itself. The table has one row.
struct KeystoreRecord: AuthenticatedRecord, Equatable {
  static let databaseTableName = "keystore"

  var id: String
  var creationDate: Int64
  /// The root of the ledger. Nil in stores of version 0.1.0 that were not unlocked since.
  var ledger: Data?
  /// 1 if no key is used unless the use can be recorded in the audit log; nil otherwise.
  var requiresAudit: Int64?
  /// The latest `foundDueDate` of everything that is due and not destroyed yet; nil if there is
  /// nothing. It shows commands that only use keys if there is something to do.
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

  /// Returns the only row; nil if there is none. Reads at most two rows, however many somebody
  /// added.
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
  init(_ row: StoredRow) throws {
    id = try row.text("id")
    creationDate = try row.date("creationDate")
    ledger = try row.bytesIfAny("ledger")
    requiresAudit = try row.integerIfAny("requiresAudit")
    foundDueDate = try row.dateIfAny("foundDueDate")
    authenticationCode = try row.bytes("authenticationCode")
  }
}
