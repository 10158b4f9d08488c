import Envelope
import Foundation
import GRDB
import KMSAPI

/// The changes that become due with time, and that the next command that writes makes: keys are
/// deleted when their waiting period is over, imported material is deleted when it expires, and
/// keys are rotated.
///
/// The clock may be wrong. Therefore a key or material that is due to be destroyed counts as gone,
/// but the first command that finds it due only makes a note: it stores the date in `foundDueDate`.
/// A command at least a day later destroys the key or material. If the clock shows an earlier date
/// in between, the note does not count.
package struct DueChanges {
  private let now: Int64
  /// True if the owner asks to destroy everything that is due without waiting.
  private let destroysAtOnce: Bool
  /// The rotations and destructions that were done, and the dates that were changed because the
  /// clock went back.
  package private(set) var events: [ServiceEvent] = []
  /// A report if the clock went back; nil if it did not.
  package private(set) var clockSetBack: ClockSetBack?
  /// True after a note was made or removed.
  private var changedNotes = false
  /// The keys whose notes were removed because their dates are in the future.
  private var keysSetBack: Set<String> = []

  /// The maximum number of records that each step changes, in addition to the command's own work.
  private let limit: Int
  /// The minimum time between the command that makes a note and the command that destroys the key
  /// or material.
  static let patience = millisecondsPerDay
  /// The tolerance when a stored date is compared with the time of a command. A command reads the
  /// clock at its start, and may then wait for a passphrase or for a lock, so a later command may
  /// already have stored a later date.
  static let slack = millisecondsPerDay / 24

  package init(now: Int64, destroysAtOnce: Bool = false, limit: Int = 1000) {
    self.now = now
    self.limit = limit
    self.destroysAtOnce = destroysAtOnce
  }

  package mutating func apply(in transaction: KeystoreTransaction) throws {
    let db = transaction.db
    let latest = try transaction.keys.foundDueDate(db)
    if let latest, latest > now + Self.slack { try startAgain(transaction) }
    try countRotationsFromNow(transaction)
    // The latest date of a note that counts: a day ago, or any date if the owner does not wait.
    let ripe = destroysAtOnce ? Int64.max : now - Self.patience
    let limit = destroysAtOnce ? -1 : self.limit
    let due = try Self.readable(
      MasterKeyRecord.self, db,
      where: """
        \(KeystoreSchema.dueDate) <= ? AND (foundDueDate IS NULL OR foundDueDate <= ?)
        ORDER BY \(KeystoreSchema.dueDate) LIMIT ?
        """, [now, ripe, limit])
    for record in due { try Self.unlessEdited(db) { try apply(to: record, transaction) } }
    let expired = try Self.readable(
      KeyVersionRecord.self, db,
      where: """
        validTo <= ? AND (foundDueDate IS NULL OR foundDueDate <= ?) ORDER BY validTo LIMIT ?
        """, [now, ripe, limit])
    for version in expired { try Self.unlessEdited(db) { try expire(version, transaction) } }
    // An operation such as CancelKeyDeletion may have removed the latest note.
    if changedNotes || latest.map({ Self.callsForChanges($0, at: now) }) ?? false {
      try transaction.keys.setFoundDueDate(Self.latestNote(db), db)
    }
  }

  /// True if a store whose latest note has this date needs a change: the clock went back, or the
  /// note is at least a day old.
  package static func callsForChanges(_ latest: Int64, at now: Int64) -> Bool {
    latest > now + slack || latest <= now - patience
  }

  /// True if the clock is before the keystore's creation. In that case, a date that seems to be far
  /// in the future does not show that the clock was ahead.
  static func isClockBehind(_ now: Int64, _ storeCreationDate: Int64) -> Bool {
    now + slack < storeCreationDate
  }

  private static func latestNote(_ db: Database) throws -> Int64? {
    try Int64.fetchOne(
      db,
      sql: """
        SELECT max(latest) FROM (
          SELECT max(foundDueDate) AS latest FROM masterKey
          UNION ALL SELECT max(foundDueDate) FROM keyVersion)
        """)
  }

  /// Returns the rows that meet a condition. Leaves out a row that cannot be read, so that the
  /// other rows can still be changed. Such a row stays, and is refused by name if it is used.
  private static func readable<Record: KeystoreRow>(
    _ type: Record.Type, _ db: Database, where condition: String, _ arguments: StatementArguments
  ) throws -> [Record] {
    try Record.readable(db, where: condition, with: arguments) { _, _ in }
  }

  /// Runs `body`. If `body` finds an edited record, rolls back and ignores the error: a record that
  /// somebody edited must neither destroy a key nor prevent changes to other records. Such a record
  /// stays, and is refused by name if it is used.
  private static func unlessEdited(_ db: Database, _ body: () throws -> Void) throws {
    do {
      try db.inSavepoint {
        try body()
        return .commit
      }
    } catch KeystoreError.editedRecord {
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
    }
  }

  private mutating func apply(
    to record: MasterKeyRecord, _ transaction: KeystoreTransaction
  ) throws {
    try transaction.keys.verify(record, transaction.db)
    guard var current = record.asOf(now) else {
      if isNoted(record.foundDueDate) {
        try transaction.delete(record)
        events.append(ServiceEvent(name: .deleteKey, keyID: record.id, version: 0))
      } else {
        var record = record
        record.foundDueDate = now
        try transaction.update(record)
      }
      changedNotes = true
      return
    }
    guard current.isDueForRotation(at: now) else { return }
    let event = try transaction.rotate(&current, .automatic, at: now)
    try transaction.update(current)
    events.append(event)
  }

  /// Destroys expired material. A key that lacks one of its materials is then pending import. If
  /// the key has not been rotated to the expired version yet, deletes the whole record of that
  /// version.
  private mutating func expire(
    _ version: KeyVersionRecord, _ transaction: KeystoreTransaction
  ) throws {
    let (keys, db) = (transaction.keys, transaction.db)
    try keys.verify(version, db)
    // An index of the file may lead to a version that has not expired.
    guard let validTo = version.validTo, validTo <= now else {
      throw KeystoreError.editedRecord(version.recordName)
    }
    guard var record = try MasterKeyRecord.find(version.keyID, db) else { return }
    try keys.verify(record, db)
    guard isNoted(version.foundDueDate) else {
      var version = version
      version.foundDueDate = now
      try transaction.update(version)
      changedNotes = true
      return
    }
    if version.version > record.currentVersion {
      try transaction.delete(version)
    } else {
      try transaction.deleteMaterial(of: version)
      if record.state != .pendingDeletion { record.state = .pendingImport }
      try transaction.noteExpiry(of: &record)
      try transaction.update(record)
    }
    changedNotes = true
    events.append(
      ServiceEvent(
        name: .deleteExpiredKeyMaterial, keyID: version.keyID, version: version.version))
  }

  /// True if a key or material with this note may be destroyed now. The queries leave out notes
  /// that are less than a day old.
  private func isNoted(_ foundDueDate: Int64?) -> Bool { destroysAtOnce || foundDueDate != nil }

  // MARK: A clock that went back

  /// Removes the notes whose dates are in the future.
  private mutating func startAgain(_ transaction: KeystoreTransaction) throws {
    let (keys, db) = (transaction.keys, transaction.db)
    changedNotes = true
    let ahead = now + Self.slack
    let isAhead = "foundDueDate > ?"
    for record in try Self.readable(MasterKeyRecord.self, db, where: isAhead, [ahead]) {
      try Self.unlessEdited(db) {
        try keys.verify(record, db)
        var cleared = record
        cleared.foundDueDate = nil
        try transaction.update(cleared)
        note(keyID: record.id, record.foundDueDate)
        events.append(ServiceEvent(name: .restartDeletionWait, keyID: record.id, version: 0))
      }
    }
    for version in try Self.readable(KeyVersionRecord.self, db, where: isAhead, [ahead]) {
      try Self.unlessEdited(db) {
        try keys.verify(version, db)
        var cleared = version
        cleared.foundDueDate = nil
        try transaction.update(cleared)
        note(keyID: version.keyID, version.foundDueDate)
        events.append(
          ServiceEvent(
            name: .restartDeletionWait, keyID: version.keyID, version: version.version))
      }
    }
  }

  /// Counts the next rotation of a key from now if it was counted from a date in the future.
  /// Otherwise a key that one command with a wrong clock rotated would not be rotated again for
  /// years.
  private mutating func countRotationsFromNow(_ transaction: KeystoreTransaction) throws {
    let (keys, db) = (transaction.keys, transaction.db)
    let storeCreationDate = try keys.keystoreRecord(db).creationDate
    if Self.isClockBehind(now, storeCreationDate) { return }
    let postponed = try Self.readable(
      MasterKeyRecord.self, db,
      where: """
        nextRotationDate IS NOT NULL AND \(KeystoreSchema.rotationStart) > ?
        AND state <> 'PendingDeletion' LIMIT ?
        """, [now + Self.slack, limit])
    for record in postponed {
      try Self.unlessEdited(db) {
        try keys.verify(record, db)
        guard let period = record.rotationPeriodInDays, let old = record.nextRotationDate,
          record.isRotationPostponed(at: now, inStoreOf: storeCreationDate)
        else { return }
        var record = record
        let next = now + period * millisecondsPerDay
        record.nextRotationDate = next
        try transaction.update(record)
        noteRotation(keyID: record.id, from: old - period * millisecondsPerDay, to: next)
        events.append(ServiceEvent(name: .rescheduleRotation, keyID: record.id, version: 0))
      }
    }
  }

  private mutating func noteRotation(keyID: String, from start: Int64, to next: Int64) {
    if var told = clockSetBack {
      // The warning about destructions comes first.
      if told.nextRotationDate != nil { told.otherKeys += 1 }
      clockSetBack = told
    } else {
      clockSetBack = ClockSetBack(
        keyID: keyID, foundDueDate: Date(milliseconds: start), now: Date(milliseconds: now),
        nextRotationDate: Date(milliseconds: next))
    }
  }

  private mutating func note(keyID: String, _ foundDueDate: Int64?) {
    guard let foundDueDate, keysSetBack.insert(keyID).inserted else { return }
    clockSetBack =
      clockSetBack
      ?? ClockSetBack(
        keyID: keyID, foundDueDate: Date(milliseconds: foundDueDate), now: Date(milliseconds: now))
    clockSetBack?.otherKeys = keysSetBack.count - 1
  }
}

extension KeystoreTransaction {
  // MARK: Steps that operations use, too

  /// Gives the key a new version, which wraps from now on. The caller stores the key.
  @discardableResult
  package func rotate(
    _ record: inout MasterKeyRecord, _ type: RotationType, at now: Int64
  ) throws -> ServiceEvent {
    let material = try NewKeyVersion(generating: record.spec)
    record.currentVersion += 1
    try insert(
      material.record(
        ofKey: record.id, version: record.currentVersion, creationDate: now, rotationType: type,
        auditSequence: auditSequence(), keys))
    if type == .automatic, let period = record.rotationPeriodInDays {
      record.nextRotationDate = now + period * millisecondsPerDay
    }
    return ServiceEvent(name: .rotateKey, keyID: record.id, version: record.currentVersion)
  }

  /// Destroys the material of an imported version. The rest of its record stays.
  package func deleteMaterial(of version: KeyVersionRecord) throws {
    var version = version
    version.nonce = Data()
    version.wrappedMaterial = Data()
    version.validTo = nil
    version.foundDueDate = nil
    try update(version)
  }

  /// Stores in `record` the earliest expiry date of the versions up to the current one, which may
  /// have encrypted something. Returns true if all of these versions have their material, expired
  /// or not.
  @discardableResult
  package func noteExpiry(of record: inout MasterKeyRecord) throws -> Bool {
    let current = record.currentVersion
    let versions = try versions(ofKey: record.id).filter { $0.version <= current }
    record.validTo = versions.compactMap(\.validTo).min()
    return !versions.isEmpty && versions.allSatisfy(\.hasMaterial)
  }
}
