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
  init(_ row: StoredRow) throws {
    keyID = try row.text("keyID")
    version = try row.integer("version")
    creationDate = try row.integer("creationDate")
    publicKey = try row.bytesIfAny("publicKey")
    fingerprint = try row.textIfAny("fingerprint")
    foreignProviderID = try row.textIfAny("foreignProviderID")
    foreignKeyName = try row.textIfAny("foreignKeyName")
    foreignPadding = try row.textIfAny("foreignPadding")
    nonce = try row.bytes("nonce")
    wrappedMaterial = try row.bytes("wrappedMaterial")
    materialID = try row.textIfAny("materialID")
    rotationType = try row.nameIfAny("rotationType")
    validTo = try row.integerIfAny("validTo")
    materialDescription = try row.textIfAny("materialDescription")
    auditSequence = try row.integerIfAny("auditSequence")
    foundDueDate = try row.integerIfAny("foundDueDate")
    authenticationCode = try row.bytes("authenticationCode")
  }
}

extension RotationType: DatabaseValueConvertible {}
