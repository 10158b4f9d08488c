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
      db, where: "\(KeystoreSchema.dueDate) <= ? LIMIT ?", [now, Self.limit])
    // A date that somebody edited must not destroy a key: what does not verify stays, and is refused
    // by name where it is used.
    for record in due where isAuthentic(record) { try apply(to: record, db) }
  }

  private func apply(to record: MasterKeyRecord, _ db: Database) throws {
    guard var record = record.asOf(now) else {
      try record.delete(db)
      return
    }
    if let validTo = record.validTo, validTo <= now { try expireMaterial(of: &record, db) }
    if record.isDueForRotation(at: now) {
      try Self.rotate(&record, .automatic, now: now, unlocked, db)
    }
    try unlocked.authenticating(record).update(db)
  }

  private func expireMaterial(of record: inout MasterKeyRecord, _ db: Database) throws {
    for version in try KeyVersionRecord.all(db, where: "keyID = ?", [record.id])
    where version.validTo.map({ $0 <= now }) ?? false {
      try unlocked.verify(version)
      try Self.deleteMaterial(of: version, unlocked, db)
    }
    record.validTo = try Self.firstExpiry(ofKey: record.id, db)
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
