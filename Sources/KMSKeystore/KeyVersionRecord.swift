import Foundation
import GRDB
import KMSAPI

/// One version of a master key, with its material wrapped.
package struct KeyVersionRecord: AuthenticatedRecord, LedgerRecord {
  package static let databaseTableName = "keyVersion"

  package var keyID: String
  package var version: Int64
  /// The date on which the material was made or first imported. From version 2 on, the date of the
  /// rotation to it.
  package var creationDate: Int64
  /// DER SubjectPublicKeyInfo of an asymmetric key.
  package var publicKey: Data?
  /// Lower-case hexadecimal SHA-256 of `publicKey`.
  package var fingerprint: String?
  /// The provider ID that messages of other programs have for an imported key. The next two columns
  /// are the key's name and padding in these messages.
  package var foreignProviderID: String?
  package var foreignKeyName: String?
  package var foreignPadding: String?
  /// Empty, like `wrappedMaterial`, if the material is deleted or expired.
  var nonce: Data
  var wrappedMaterial: Data
  /// The API's KeyMaterialId; nil in versions from before it was stored.
  package var materialID: String?
  /// The kind of rotation that made the version current. Nil for the first version, and for one
  /// that is not current yet.
  package var rotationType: RotationType?
  /// The date on which imported material expires.
  package var validTo: Int64?
  package var materialDescription: String?
  /// The number of the last audit record before this version. The number of records after it is an
  /// upper bound of the version's uses. Nil in versions from before it was stored.
  package var auditSequence: Int64?
  /// The date on which a command first found the material expired; nil if none has.
  package var foundDueDate: Int64?
  var authenticationCode = Data()

  package init(
    keyID: String, version: Int64, creationDate: Int64, publicKey: Data? = nil,
    fingerprint: String? = nil, foreignProviderID: String? = nil, foreignKeyName: String? = nil,
    foreignPadding: String? = nil, nonce: Data, wrappedMaterial: Data, materialID: String? = nil,
    rotationType: RotationType? = nil, validTo: Int64? = nil, materialDescription: String? = nil,
    auditSequence: Int64? = nil, foundDueDate: Int64? = nil, authenticationCode: Data = Data()
  ) {
    self.keyID = keyID
    self.version = version
    self.creationDate = creationDate
    self.publicKey = publicKey
    self.fingerprint = fingerprint
    self.foreignProviderID = foreignProviderID
    self.foreignKeyName = foreignKeyName
    self.foreignPadding = foreignPadding
    self.nonce = nonce
    self.wrappedMaterial = wrappedMaterial
    self.materialID = materialID
    self.rotationType = rotationType
    self.validTo = validTo
    self.materialDescription = materialDescription
    self.auditSequence = auditSequence
    self.foundDueDate = foundDueDate
    self.authenticationCode = authenticationCode
  }

  package var hasMaterial: Bool { !wrappedMaterial.isEmpty }

  /// True if there is material and it has not expired.
  package func isUsable(at now: Int64) -> Bool { hasMaterial && validTo.map { $0 > now } ?? true }

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
  package init(_ row: StoredRow) throws {
    keyID = try row.text("keyID")
    version = try row.integer("version")
    creationDate = try row.date("creationDate")
    publicKey = try row.bytesIfAny("publicKey")
    fingerprint = try row.textIfAny("fingerprint")
    foreignProviderID = try row.textIfAny("foreignProviderID")
    foreignKeyName = try row.textIfAny("foreignKeyName")
    foreignPadding = try row.textIfAny("foreignPadding")
    nonce = try row.bytes("nonce")
    wrappedMaterial = try row.bytes("wrappedMaterial")
    materialID = try row.textIfAny("materialID")
    rotationType = try row.nameIfAny("rotationType")
    validTo = try row.dateIfAny("validTo")
    materialDescription = try row.textIfAny("materialDescription")
    auditSequence = try row.integerIfAny("auditSequence")
    foundDueDate = try row.dateIfAny("foundDueDate")
    authenticationCode = try row.bytes("authenticationCode")
  }
}

extension RotationType: DatabaseValueConvertible {}
