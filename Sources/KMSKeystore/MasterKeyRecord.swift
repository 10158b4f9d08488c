import Envelope
import Foundation
import GRDB
import KMSAPI

/// A master key, without its material.
package struct MasterKeyRecord: AuthenticatedRecord, LedgerRecord {
  package static let databaseTableName = "masterKey"

  /// A UUID in lower case.
  package var id: String
  package var spec: KeySpec
  package var usage: KeyUsage
  /// The stored state. A change that only the passing of time causes is not stored before it is
  /// certain, because the clock may be wrong. `state` shows such a change.
  var storedState: KeyState
  package var origin: KeyOrigin
  package var manager: KeyManager
  package var description: String
  package var creationDate: Int64
  /// The version that wraps. All versions from 1 on unwrap. 0 before the first import.
  package var currentVersion: Int64
  /// The date on which a key that is pending deletion is deleted.
  package var deletionDate: Int64?
  /// The days between automatic rotations; nil if automatic rotation is off.
  package var rotationPeriodInDays: Int64?
  package var nextRotationDate: Int64?
  /// The date on which the first of the imported materials expires.
  package var validTo: Int64?
  /// SHA-256 of the key policy; nil for the default policy. It detects that a policy was removed.
  package var policyDigest: Data?
  /// SHA-256 of the key's grants; nil if there are none.
  package var grantsDigest: Data?
  /// The date on which a command first found the key past its deletion date; nil if none has.
  package var foundDueDate: Int64?
  var authenticationCode = Data()
  /// True if `asOf` found that imported material has expired. Not a column.
  private(set) var isExpired = false

  package init(
    id: String, spec: KeySpec, usage: KeyUsage, storedState: KeyState, origin: KeyOrigin,
    manager: KeyManager, description: String, creationDate: Int64, currentVersion: Int64,
    deletionDate: Int64? = nil, rotationPeriodInDays: Int64? = nil, nextRotationDate: Int64? = nil,
    validTo: Int64? = nil, policyDigest: Data? = nil, grantsDigest: Data? = nil,
    foundDueDate: Int64? = nil, authenticationCode: Data = Data(), isExpired: Bool = false
  ) {
    self.id = id
    self.spec = spec
    self.usage = usage
    self.storedState = storedState
    self.origin = origin
    self.manager = manager
    self.description = description
    self.creationDate = creationDate
    self.currentVersion = currentVersion
    self.deletionDate = deletionDate
    self.rotationPeriodInDays = rotationPeriodInDays
    self.nextRotationDate = nextRotationDate
    self.validTo = validTo
    self.policyDigest = policyDigest
    self.grantsDigest = grantsDigest
    self.foundDueDate = foundDueDate
    self.authenticationCode = authenticationCode
    self.isExpired = isExpired
  }

  var ledgerName: LedgerName { LedgerName(table: Self.databaseTableName, keyID: id) }
  var columns: [(name: String, value: RecordField)] {
    [
      ("id", .text(id)),
      ("spec", .text(spec.rawValue)),
      ("usage", .text(usage.rawValue)),
      ("state", .text(storedState.rawValue)),
      ("origin", .text(origin.rawValue)),
      ("manager", .text(manager.rawValue)),
      ("description", .text(description)),
      ("creationDate", .integer(creationDate)),
      ("currentVersion", .integer(currentVersion)),
    ]
  }
  var laterColumns: [(name: String, value: RecordField)] {
    [
      ("deletionDate", .optional(deletionDate)),
      ("rotationPeriodInDays", .optional(rotationPeriodInDays)),
      ("nextRotationDate", .optional(nextRotationDate)),
      ("validTo", .optional(validTo)),
      ("policyDigest", .optional(policyDigest)), ("grantsDigest", .optional(grantsDigest)),
      ("foundDueDate", .optional(foundDueDate)),
    ]
  }
}

extension MasterKeyRecord {
  package init(_ row: StoredRow) throws {
    id = try row.text("id")
    spec = try row.name("spec")
    usage = try row.name("usage")
    storedState = try row.name("state")
    origin = try row.name("origin")
    manager = try row.name("manager")
    description = try row.text("description")
    creationDate = try row.date("creationDate")
    currentVersion = try row.integer("currentVersion")
    deletionDate = try row.dateIfAny("deletionDate")
    rotationPeriodInDays = try row.integerIfAny("rotationPeriodInDays")
    nextRotationDate = try row.dateIfAny("nextRotationDate")
    validTo = try row.dateIfAny("validTo")
    policyDigest = try row.bytesIfAny("policyDigest")
    grantsDigest = try row.bytesIfAny("grantsDigest")
    foundDueDate = try row.dateIfAny("foundDueDate")
    authenticationCode = try row.bytes("authenticationCode")
  }
}

extension MasterKeyRecord {
  /// Returns the key with that ID; nil if there is none. Throws `editedRecord` if an index of the
  /// file leads to another key's row: the code of that row may be valid.
  static func find(_ id: String, _ db: Database) throws -> MasterKeyRecord? {
    guard let record = try first(db, where: "id = ?", [id]) else { return nil }
    guard record.id.utf8.elementsEqual(id.utf8) else {
      throw KeystoreError.editedRecord("key \(id)")
    }
    return record
  }

  /// True if there is a row with that ID, whatever else is in it.
  static func exists(_ id: String, _ db: Database) throws -> Bool {
    let statement = try db.cachedStatement(sql: "SELECT 1 FROM masterKey WHERE id = ?")
    return try Int.fetchOne(statement, arguments: [id]) != nil
  }
}

extension MasterKeyRecord {
  /// The state of the key now, if the record comes from `asOf`. Setting it changes `storedState`.
  package var state: KeyState {
    get { isExpired ? .pendingImport : storedState }
    set {
      storedState = newValue
      isExpired = false
    }
  }

  /// Returns the key as it is at `now`, even if that is not stored yet: nil from its deletion date
  /// on, and pending import if its material has expired.
  package func asOf(_ now: Int64) -> MasterKeyRecord? {
    if let deletionDate, deletionDate <= now { return nil }
    guard let validTo, validTo <= now, storedState != .pendingDeletion else { return self }
    var record = self
    record.isExpired = true
    return record
  }

  package func isDueForRotation(at now: Int64) -> Bool {
    state == .enabled && nextRotationDate.map { $0 <= now } ?? false
  }

  /// True if the next rotation is further away than one period: the clock was ahead when the date
  /// was set. False if the clock is before the keystore's creation, because it is behind then.
  package func isRotationPostponed(at now: Int64, inStoreOf storeCreationDate: Int64) -> Bool {
    guard let nextRotationDate, let rotationPeriodInDays, state != .pendingDeletion,
      !DueChanges.isClockBehind(now, storeCreationDate)
    else { return false }
    return nextRotationDate - rotationPeriodInDays * millisecondsPerDay > now + DueChanges.slack
  }
}

extension KeySpec: DatabaseValueConvertible {}
extension KeyUsage: DatabaseValueConvertible {}
extension KeyState: DatabaseValueConvertible {}
extension KeyOrigin: DatabaseValueConvertible {}
extension KeyManager: DatabaseValueConvertible {}
