import Foundation
import GRDB

/// The end of the audit log when the keystore was last changed. The table has at most one row.
struct AuditAnchorRecord: AuthenticatedRecord, LedgerRecord {
  static let databaseTableName = "auditAnchor"

  /// Always 1.
  var id: Int64 = 1
  var sequence: Int64
  var code: Data
  var authenticationCode = Data()

  package init(id: Int64 = 1, sequence: Int64, code: Data, authenticationCode: Data = Data()) {
    self.id = id
    self.sequence = sequence
    self.code = code
    self.authenticationCode = authenticationCode
  }

  var ledgerName: LedgerName { LedgerName(table: Self.databaseTableName) }
  var columns: [(name: String, value: RecordField)] {
    [("id", .integer(id)), ("sequence", .integer(sequence)), ("code", .bytes(code))]
  }
}

extension AuditAnchorRecord {
  /// Returns the number of the last audit record that the keystore knows of. Nil if it knows of
  /// none, or if the anchor was edited or removed.
  static func sequence(verifiedBy unlocked: UnlockedKeystore, _ db: Database) throws -> Int64? {
    do {
      return try last(verifiedBy: unlocked, db)?.sequence
    } catch KeystoreError.editedRecord {
      return nil
    }
  }

  /// Returns the anchor; nil if there never was one. Throws `editedRecord` if the anchor was edited
  /// or removed.
  static func last(
    verifiedBy unlocked: UnlockedKeystore, _ db: Database
  ) throws -> AuditAnchorRecord? {
    if let record = try first(db, where: "id = 1", []) {
      try unlocked.verify(record, db)
      return record
    }
    let name = LedgerName(table: databaseTableName)
    if try unlocked.isListed(name, db) { throw KeystoreError.editedRecord(name.recordName) }
    return nil
  }

  init(_ row: StoredRow) throws {
    id = try row.integer("id")
    sequence = try row.integer("sequence")
    code = try row.bytes("code")
    authenticationCode = try row.bytes("authenticationCode")
  }
}
