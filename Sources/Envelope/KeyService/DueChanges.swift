import Foundation
import GRDB

/// What time brings about, done by the next command that writes: keys go when their waiting period is
/// over, imported material when it expires, and keys are rotated.
struct DueChanges {
  private let unlocked: UnlockedKeystore
  private let now: Int64
  /// The most keys that one command rotates beside its own work.
  private static let rotationLimit = 1000

  init(_ unlocked: UnlockedKeystore, now: Int64) {
    self.unlocked = unlocked
    self.now = now
  }

  func apply(_ db: Database) throws {
    try deleteKeys(db)
    try expireMaterial(db)
    try rotateKeys(db)
  }

  // A date that somebody edited must not destroy a key: what does not verify stays, and is refused
  // by name where it is used.

  private func deleteKeys(_ db: Database) throws {
    let due = try MasterKeyRecord.all(db, where: "deletionDate <= ?", [now])
    for record in due where isAuthentic(record) { try record.delete(db) }
  }

  private func expireMaterial(_ db: Database) throws {
    let due = try MasterKeyRecord.all(db, where: "validTo <= ?", [now])
    for var record in due where isAuthentic(record) {
      for version in try KeyVersionRecord.all(db, where: "keyID = ?", [record.id])
      where version.validTo.map({ $0 <= now }) ?? false {
        try unlocked.verify(version)
        try Self.deleteMaterial(of: version, unlocked, db)
      }
      if record.state != .pendingDeletion { record.state = .pendingImport }
      record.validTo = try Self.firstExpiry(ofKey: record.id, db)
      try unlocked.authenticating(record).update(db)
    }
  }

  private func rotateKeys(_ db: Database) throws {
    let due = try MasterKeyRecord.all(
      db, where: "nextRotationDate <= ? ORDER BY nextRotationDate LIMIT ?",
      [now, Self.rotationLimit])
    for var record in due where record.state == .enabled && isAuthentic(record) {
      try Self.rotate(&record, .automatic, now: now, unlocked, db)
      try unlocked.authenticating(record).update(db)
    }
  }

  private func isAuthentic(_ record: MasterKeyRecord) -> Bool {
    (try? unlocked.verify(record)) != nil
  }

  // MARK: Steps that operations take too

  /// Gives the key a new version, which wraps from now on.
  static func rotate(
    _ record: inout MasterKeyRecord, _ type: RotationType, now: Int64,
    _ unlocked: UnlockedKeystore, _ db: Database
  ) throws {
    let material = try NewKeyVersion(generating: record.spec)
    record.currentVersion += 1
    try material.record(
      ofKey: record.id, version: record.currentVersion, creationDate: now, rotationType: type,
      unlocked
    ).insert(db)
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
    try unlocked.authenticating(version).update(db)
  }

  /// When the first material of the key expires that is still there.
  static func firstExpiry(ofKey keyID: String, _ db: Database) throws -> Int64? {
    try Int64.fetchOne(
      db, sql: "SELECT min(validTo) FROM keyVersion WHERE keyID = ?", arguments: [keyID])
  }
}

/// A day, as the store counts time.
let millisecondsPerDay: Int64 = 86_400_000
