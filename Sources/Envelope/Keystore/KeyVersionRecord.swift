import Foundation
import GRDB

/// One version of a master key, with its material wrapped.
struct KeyVersionRecord: AuthenticatedRecord, LedgerRecord {
  static let databaseTableName = "keyVersion"

  var keyID: String
  var version: Int64
  /// The date on which the material was made or first imported. From version 2 on, the date of the
  /// rotation to it.
  var creationDate: Int64
  /// DER SubjectPublicKeyInfo of an asymmetric key.
  var publicKey: Data?
  /// Lower-case hexadecimal SHA-256 of `publicKey`.
  var fingerprint: String?
  /// The provider ID under which messages of other programs know an imported key. The name and the
  /// padding belong to it.
  var foreignProviderID: String?
  var foreignKeyName: String?
  var foreignPadding: String?
  /// Empty, like `wrappedMaterial`, if the material is deleted or expired.
  var nonce: Data
  var wrappedMaterial: Data
  /// The API's KeyMaterialId; nil in versions from before it was stored.
  var materialID: String?
  /// The kind of rotation that made the version current. Nil for the first version, and for one
  /// that is not current yet.
  var rotationType: RotationType?
  /// The date on which imported material expires.
  var validTo: Int64?
  var materialDescription: String?
  /// The number of the last audit record before this version. The number of records after it is an
  /// upper bound of the version's uses. Nil in versions from before it was stored.
  var auditSequence: Int64?
  /// The date on which a command first found the material expired; nil if none has.
  var foundDueDate: Int64?
  var authenticationCode = Data()

  var hasMaterial: Bool { !wrappedMaterial.isEmpty }

  /// True if there is material and it has not expired.
  func isUsable(at now: Int64) -> Bool { hasMaterial && validTo.map { $0 > now } ?? true }

  /// Returns all versions of a key, oldest first.
  static func all(
    ofKey keyID: String, verifiedBy unlocked: UnlockedKeystore, _ db: Database
  ) throws -> [KeyVersionRecord] {
    let versions = try all(db, where: "keyID = ? ORDER BY version", [keyID])
    try unlocked.verify(versions, areAllOfKey: keyID, db)
    return versions
  }

  var ledgerName: LedgerName {
    LedgerName(table: Self.databaseTableName, keyID: keyID, name: "\(version)")
  }
  var columns: [(name: String, value: RecordField)] {
    [
      ("keyID", .text(keyID)),
      ("version", .integer(version)),
      ("creationDate", .integer(creationDate)),
      ("publicKey", .optional(publicKey)),
      ("fingerprint", .optional(fingerprint)),
      ("foreignProviderID", .optional(foreignProviderID)),
      ("foreignKeyName", .optional(foreignKeyName)),
      ("foreignPadding", .optional(foreignPadding)),
      ("nonce", .bytes(nonce)),
      ("wrappedMaterial", .bytes(wrappedMaterial)),
    ]
  }
  var laterColumns: [(name: String, value: RecordField)] {
    [
      ("materialID", .optional(materialID)),
      ("rotationType", .optional(rotationType?.rawValue)),
      ("validTo", .optional(validTo)),
      ("materialDescription", .optional(materialDescription)),
      ("auditSequence", .optional(auditSequence)),
      ("foundDueDate", .optional(foundDueDate)),
    ]
  }
}

extension KeyVersionRecord {
  init(row: Row) throws {
    keyID = try row.decode(forColumn: "keyID")
    version = try row.decode(forColumn: "version")
    creationDate = try row.decode(forColumn: "creationDate")
    publicKey = try row.decode(forColumn: "publicKey")
    fingerprint = try row.decode(forColumn: "fingerprint")
    foreignProviderID = try row.decode(forColumn: "foreignProviderID")
    foreignKeyName = try row.decode(forColumn: "foreignKeyName")
    foreignPadding = try row.decode(forColumn: "foreignPadding")
    nonce = try row.decode(forColumn: "nonce")
    wrappedMaterial = try row.decode(forColumn: "wrappedMaterial")
    materialID = try row.decode(forColumn: "materialID")
    rotationType = try row.decode(forColumn: "rotationType")
    validTo = try row.decode(forColumn: "validTo")
    materialDescription = try row.decode(forColumn: "materialDescription")
    auditSequence = try row.decode(forColumn: "auditSequence")
    foundDueDate = try row.decode(forColumn: "foundDueDate")
    authenticationCode = try row.decode(forColumn: "authenticationCode")
  }
}

extension RotationType: DatabaseValueConvertible {}
