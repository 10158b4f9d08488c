import Envelope
import Foundation
import GRDB

/// A grant. The key's own record has a digest of all grants of the key, so that adding, altering or
/// removing one, or putting a revoked one back, is detected.
package struct GrantRecord: KeystoreRow, Equatable {
  package static let databaseTableName = "keyGrant"

  package var keyID: String
  /// 64 hexadecimal digits.
  package var id: String
  package var name: String?
  package var creationDate: Int64
  /// The ARN of a user, like `retiringPrincipal`.
  package var granteePrincipal: String
  package var retiringPrincipal: String?
  /// Names of API operations, in the order of the API, separated by one space.
  package var operations: String
  /// `GrantConstraints` as JSON, with sorted names.
  package var constraints: String?

  package init(
    keyID: String, id: String, name: String? = nil, creationDate: Int64, granteePrincipal: String,
    retiringPrincipal: String? = nil, operations: String, constraints: String? = nil
  ) {
    self.keyID = keyID
    self.id = id
    self.name = name
    self.creationDate = creationDate
    self.granteePrincipal = granteePrincipal
    self.retiringPrincipal = retiringPrincipal
    self.operations = operations
    self.constraints = constraints
  }

  /// Returns the grants of `key`, sorted by ID. Throws `editedRecord` if their digest is not the
  /// one in the key's record.
  static func grants(of key: MasterKeyRecord, _ db: Database) throws -> [GrantRecord] {
    let records = try all(db, where: "keyID = ? ORDER BY id", [key.id])
    guard try digest(of: records) == key.grantsDigest else {
      throw KeystoreError.editedRecord("grants of key \(key.id)")
    }
    return records
  }

  /// Returns the digest of a key's grants as they are now, for the key's record; nil if there are
  /// none.
  static func digest(ofKey keyID: String, _ db: Database) throws -> Data? {
    try digest(of: all(db, where: "keyID = ? ORDER BY id", [keyID]))
  }

  private static func digest(of records: [GrantRecord]) throws -> Data? {
    if records.isEmpty { return nil }
    var message: [UInt8] = []
    for record in records { for field in record.fields { field.value.append(to: &message) } }
    return Data(try Digest.sha256.hash(message))
  }

  private var fields: [(name: String, value: RecordField)] {
    [
      ("keyID", .text(keyID)), ("id", .text(id)), ("name", .optional(name)),
      ("creationDate", .integer(creationDate)), ("granteePrincipal", .text(granteePrincipal)),
      ("retiringPrincipal", .optional(retiringPrincipal)), ("operations", .text(operations)),
      ("constraints", .optional(constraints)),
    ]
  }
}

extension GrantRecord {
  package init(_ row: StoredRow) throws {
    keyID = try row.text("keyID")
    id = try row.text("id")
    name = try row.textIfAny("name")
    creationDate = try row.date("creationDate")
    granteePrincipal = try row.text("granteePrincipal")
    retiringPrincipal = try row.textIfAny("retiringPrincipal")
    operations = try row.text("operations")
    constraints = try row.textIfAny("constraints")
  }

  package func encode(to container: inout PersistenceContainer) {
    for (name, value) in fields { container[name] = value.databaseValue }
  }
}
