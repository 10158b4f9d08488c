import GRDB

/// The note of the last copy of a keystore's keys: a backup, or an export of every key.
///
/// SQLite's `user_version` holds it: the number of the last audit record that the keystore knew of
/// when the copy was made. 0 means that there was no copy. Each key version has such a number too,
/// so the versions that the copy lacks are known, whatever the clock says.
///
/// Nothing authenticates the note, because a backup unlocks nothing. It decides only about
/// reminders.
extension Keystore {
  /// Returns the number of key versions that were made after the last copy; nil if there was none.
  package func versionsSinceCopy() throws -> Int? {
    try read { db in
      guard let noted = try Self.notedCopy(db) else { return nil }
      let sql = "SELECT count(*) FROM keyVersion WHERE auditSequence >= ?"
      return try Int.fetchOne(db.cachedStatement(sql: sql), arguments: [Int64(noted)])
    }
  }

  /// True if there was a copy.
  package func wasCopied() throws -> Bool { try read { try Self.notedCopy($0) != nil } }

  /// Notes a copy that has all key versions of the moment at which `copyMoment` returned
  /// `sequence`. Does nothing if the keystore cannot be written.
  package func noteCopy(_ sequence: UInt32) {
    try? write { db in
      if let noted = try Self.notedCopy(db), noted >= sequence { return }
      try db.execute(sql: "PRAGMA user_version = \(Int32(bitPattern: sequence))")
    }
  }

  /// Returns the moment of the present transaction for `noteCopy`.
  static func copyMoment(_ db: Database) throws -> UInt32 {
    let sql = "SELECT sequence FROM auditAnchor WHERE id = 1"
    let sequence = try Int64.fetchOne(db.cachedStatement(sql: sql)) ?? 0
    return max(1, UInt32(clamping: sequence))
  }

  private static func notedCopy(_ db: Database) throws -> UInt32? {
    let noted = try Int32.fetchOne(db.cachedStatement(sql: "PRAGMA user_version")) ?? 0
    return noted == 0 ? nil : UInt32(bitPattern: noted)
  }
}

extension KeystoreView {
  /// Returns the moment of this transaction for `Keystore.noteCopy`.
  package func copyMoment() throws -> UInt32 { try Keystore.copyMoment(db) }
}
