import Foundation
import GRDB

/// A master key, without its material.
struct MasterKeyRecord: AuthenticatedRecord, LedgerRecord {
  static let databaseTableName = "masterKey"

  /// A UUID in lower case.
  var id: String
  var spec: KeySpec
  var usage: KeyUsage
  /// As it was when something last changed it. What time has brought about since is not written down before
  /// it is certain: the clock may be wrong.
  var storedState: KeyState
  var origin: KeyOrigin
  var manager: KeyManager
  var description: String
  var creationDate: Int64
  /// The version that wraps; all from 1 on unwrap. 0 before the first import.
  var currentVersion: Int64
  /// When the key goes, where it is pending deletion.
  var deletionDate: Int64?
  /// The days between automatic rotations, where they are on.
  var rotationPeriodInDays: Int64?
  var nextRotationDate: Int64?
  /// When the first of the imported materials expires.
  var validTo: Int64?
  /// SHA-256 of the key policy; nil for the standard one. So a policy cannot be taken away unnoticed.
  var policyDigest: Data?
  /// SHA-256 of the key's grants; nil where there are none.
  var grantsDigest: Data?
  /// When a command first found the key past its deletion date; nil if none has.
  var foundDueDate: Int64?
  var authenticationCode = Data()
  /// True if imported material has expired by the clock, as `asOf` found; no column.
  private(set) var isExpired = false

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
  init(row: Row) throws {
    id = try row.decode(forColumn: "id")
    spec = try row.decode(forColumn: "spec")
    usage = try row.decode(forColumn: "usage")
    storedState = try row.decode(forColumn: "state")
    origin = try row.decode(forColumn: "origin")
    manager = try row.decode(forColumn: "manager")
    description = try row.decode(forColumn: "description")
    creationDate = try row.decode(forColumn: "creationDate")
    currentVersion = try row.decode(forColumn: "currentVersion")
    deletionDate = try row.decode(forColumn: "deletionDate")
    rotationPeriodInDays = try row.decode(forColumn: "rotationPeriodInDays")
    nextRotationDate = try row.decode(forColumn: "nextRotationDate")
    validTo = try row.decode(forColumn: "validTo")
    policyDigest = try row.decode(forColumn: "policyDigest")
    grantsDigest = try row.decode(forColumn: "grantsDigest")
    foundDueDate = try row.decode(forColumn: "foundDueDate")
    authenticationCode = try row.decode(forColumn: "authenticationCode")
  }
}

extension MasterKeyRecord {
  /// The key's state now, if the record comes from `asOf`. To set it is to store it.
  var state: KeyState {
    get { isExpired ? .pendingImport : storedState }
    set {
      storedState = newValue
      isExpired = false
    }
  }

  /// The key as time has left it: nil from its deletion date on, and waiting for import if its material has
  /// expired, although nobody may have written that down yet.
  func asOf(_ now: Int64) -> MasterKeyRecord? {
    if let deletionDate, deletionDate <= now { return nil }
    guard let validTo, validTo <= now, storedState != .pendingDeletion else { return self }
    var record = self
    record.isExpired = true
    return record
  }

  func isDueForRotation(at now: Int64) -> Bool {
    state == .enabled && nextRotationDate.map { $0 <= now } ?? false
  }
}

extension KeySpec: DatabaseValueConvertible {}
extension KeyUsage: DatabaseValueConvertible {}
extension KeyState: DatabaseValueConvertible {}
extension KeyOrigin: DatabaseValueConvertible {}
extension KeyManager: DatabaseValueConvertible {}
