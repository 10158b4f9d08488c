import Foundation
import GRDB

/// What time brings about, done by the next command that writes: keys go when their waiting period is
/// over, imported material when it expires, and keys are rotated.
struct DueChanges {
  private let unlocked: UnlockedKeystore
  private let now: Int64
  /// The most keys that one command sees to beside its own work.
  private static let limit = 1000

  init(_ unlocked: UnlockedKeystore, now: Int64) {
    self.unlocked = unlocked
    self.now = now
  }

  func apply(_ db: Database) throws {
    let due = try MasterKeyRecord.all(
      db,
      where: "\(KeystoreSchema.dueDate) <= ? ORDER BY \(KeystoreSchema.dueDate) LIMIT ?",
      [now, Self.limit])
    for record in due { try unlessEdited(db) { try apply(to: record, db) } }
    let expired = try KeyVersionRecord.all(
      db, where: "validTo <= ? ORDER BY validTo LIMIT ?", [now, Self.limit])
    for version in expired { try unlessEdited(db) { try expire(version, db) } }
  }

  /// Does one thing, or nothing of it: a record that somebody edited must neither destroy a key nor
  /// keep others from being changed. It stays, and is refused by name where it is used.
  private func unlessEdited(_ db: Database, _ body: () throws -> Void) throws {
    do {
      try db.inSavepoint {
        try body()
        return .commit
      }
    } catch KeystoreError.editedRecord {
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
    }
  }

  private func apply(to record: MasterKeyRecord, _ db: Database) throws {
    try unlocked.verify(record, db)
    guard var record = record.asOf(now) else {
      try unlocked.delete(record, db)
      return
    }
    guard record.isDueForRotation(at: now) else { return }
    try Self.rotate(&record, .automatic, now: now, unlocked, db)
    try unlocked.update(record, db)
  }

  /// Destroys expired material. A key without any of its materials waits for it; what only waited to
  /// be rotated to goes without a trace.
  private func expire(_ version: KeyVersionRecord, _ db: Database) throws {
    try unlocked.verify(version, db)
    guard var record = try MasterKeyRecord.first(db, where: "id = ?", [version.keyID]) else {
      return
    }
    try unlocked.verify(record, db)
    if version.version > record.currentVersion {
      try unlocked.delete(version, db)
      return
    }
    try Self.deleteMaterial(of: version, unlocked, db)
    if record.state != .pendingDeletion { record.state = .pendingImport }
    try record.noteExpiry(at: now, unlocked, db)
    try unlocked.update(record, db)
  }

  // MARK: Steps that operations take too

  /// Gives the key a new version, which wraps from now on.
  static func rotate(
    _ record: inout MasterKeyRecord, _ type: RotationType, now: Int64,
    _ unlocked: UnlockedKeystore, _ db: Database
  ) throws {
    let material = try NewKeyVersion(generating: record.spec)
    record.currentVersion += 1
    try unlocked.insert(
      material.record(
        ofKey: record.id, version: record.currentVersion, creationDate: now, rotationType: type,
        auditSequence: AuditAnchorRecord.sequence(verifiedBy: unlocked, db), unlocked), db)
    if type == .automatic, let period = record.rotationPeriodInDays {
      record.nextRotationDate = now + period * millisecondsPerDay
    }
  }

  /// Destroys the material of an imported version; what is known of it stays.
  static func deleteMaterial(
    of version: KeyVersionRecord, _ unlocked: UnlockedKeystore, _ db: Database
  ) throws {
    var version = version
    version.nonce = Data()
    version.wrappedMaterial = Data()
    version.validTo = nil
    try unlocked.update(version, db)
  }
}

extension MasterKeyRecord {
  /// Notes when the first of the materials that have encrypted something expires. Returns whether all
  /// of them are there.
  @discardableResult
  mutating func noteExpiry(
    at now: Int64, _ unlocked: UnlockedKeystore, _ db: Database
  ) throws -> Bool {
    let versions = try KeyVersionRecord.all(ofKey: id, verifiedBy: unlocked, db)
      .filter { $0.version <= currentVersion }
    validTo = versions.compactMap(\.validTo).min()
    return !versions.isEmpty && versions.allSatisfy { $0.isUsable(at: now) }
  }
}

/// A day, as the store counts time.
let millisecondsPerDay: Int64 = 86_400_000
