import Foundation
import GRDB
import KMSAPI

/// The records of a keystore as one transaction sees them.
///
/// If the keystore is unlocked, every record is verified when it is read. If it is locked, nothing
/// is verified: the records may only be shown.
package class KeystoreView {
  let db: Database
  /// Nil if the keystore is locked.
  let unlocked: UnlockedKeystore?

  init(_ db: Database, _ unlocked: UnlockedKeystore?) {
    self.db = db
    self.unlocked = unlocked
  }

  // MARK: Keys

  package func masterKey(_ id: String) throws -> MasterKeyRecord? {
    try verified(MasterKeyRecord.find(id, db))
  }

  /// Returns at most `limit` keys whose IDs begin with `prefix`, sorted by ID.
  package func masterKeys(idPrefix prefix: String, limit: Int) throws -> [MasterKeyRecord] {
    // 'g' comes after every character of a key ID.
    try verified(
      MasterKeyRecord.all(
        db, where: "id >= ? AND id < ? ORDER BY id LIMIT ?", [prefix, prefix + "g", limit]))
  }

  /// Returns the keys that are not past their deletion date, the oldest first, beginning after a
  /// date and ID.
  package func masterKeys(
    after place: (creationDate: Int64, id: String)?, at now: Int64, limit: Int
  ) throws -> [MasterKeyRecord] {
    let records = try verified(
      MasterKeyRecord.all(
        db,
        where: """
          (creationDate, id) > (?, ?) AND (deletionDate IS NULL OR deletionDate > ?)
          ORDER BY creationDate, id LIMIT ?
          """, [place?.creationDate ?? Int64.min, place?.id ?? "", now, limit]))
    let places = (place.map { [$0] } ?? []) + records.map { ($0.creationDate, $0.id) }
    try requireAscending(places) { one, other in
      one.0 == other.0 ? Self.isBefore(one.1, other.1) : one.0 < other.0
    }
    return records
  }

  /// Throws `SQLITE_CORRUPT` if a row comes twice or in the wrong place, as from a damaged index. A
  /// list that is read page by page might never end.
  private func requireAscending<Place>(
    _ places: [Place], _ isBefore: (Place, Place) -> Bool
  ) throws {
    guard zip(places, places.dropFirst()).allSatisfy(isBefore) else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT)
    }
  }

  /// True if SQLite sorts the first text before the second.
  private static func isBefore(_ one: String, _ other: String) -> Bool {
    one.utf8.lexicographicallyPrecedes(other.utf8)
  }

  /// Returns all keys, in no order.
  package func masterKeys() throws -> [MasterKeyRecord] { try verified(MasterKeyRecord.all(db)) }

  /// Returns all keys that are as the program wrote them, the oldest first, and the names of those
  /// that are not, or that are missing.
  package func allMasterKeys() throws -> (keys: [MasterKeyRecord], damaged: [String]) {
    var damaged: [String] = []
    var keys: [MasterKeyRecord] = []
    var names: Set<LedgerName> = []
    for key in try MasterKeyRecord.readable(db, { name, _ in damaged.append(name) }) {
      names.insert(key.ledgerName)
      do {
        try unlocked?.verify(key, db)
        keys.append(key)
      } catch KeystoreError.editedRecord(let name) {
        damaged.append(name)
      }
    }
    let listed = try unlocked?.ledgerNames(inTable: MasterKeyRecord.databaseTableName, db) ?? []
    for name in listed where !names.contains(name) && !damaged.contains(name.recordName) {
      damaged.append(name.recordName)
    }
    keys.sort {
      $0.creationDate == $1.creationDate
        ? Self.isBefore($0.id, $1.id) : $0.creationDate < $1.creationDate
    }
    return (keys, damaged)
  }

  /// Returns the keys that are past their deletion date.
  package func masterKeysToDelete(at now: Int64) throws -> [MasterKeyRecord] {
    try verified(
      MasterKeyRecord.all(
        db, where: "\(KeystoreSchema.dueDate) <= ? AND deletionDate <= ?", [now, now]))
  }

  /// Counts the keys that are not past their deletion date, and the aliases of those.
  package func counts(at now: Int64) throws -> (keys: Int, aliases: Int) {
    func count(_ sql: StaticString) throws -> Int {
      try Int.fetchOne(db, sql: "\(sql)", arguments: [now]) ?? 0
    }
    return (
      try count("SELECT count(*) FROM masterKey WHERE deletionDate IS NULL OR deletionDate > ?"),
      try count(
        """
        SELECT count(*) FROM alias WHERE targetKeyID NOT IN (
          SELECT id FROM masterKey WHERE deletionDate <= ?)
        """)
    )
  }

  // MARK: Versions

  package func version(_ number: Int64, ofKey keyID: String) throws -> KeyVersionRecord? {
    try verified(KeyVersionRecord.first(db, where: "keyID = ? AND version = ?", [keyID, number]))
  }

  /// Returns all versions of a key, the oldest first.
  package func versions(ofKey keyID: String) throws -> [KeyVersionRecord] {
    try complete(
      KeyVersionRecord.all(db, where: "keyID = ? ORDER BY version", [keyID]), ofKey: keyID)
  }

  /// Returns the versions whose imported material has expired.
  package func versionsToExpire(at now: Int64) throws -> [KeyVersionRecord] {
    try verified(KeyVersionRecord.all(db, where: "validTo <= ?", [now]))
  }

  /// Counts the versions that RotateKeyOnDemand has made.
  package func onDemandRotationCount(ofKey keyID: String) throws -> Int {
    try KeyVersionRecord.filter(
      Column("keyID") == keyID && Column("rotationType") == RotationType.onDemand
    ).fetchCount(db)
  }

  /// Returns the versions with that fingerprint of their public key, unverified.
  package func unverifiedVersions(fingerprint: String) throws -> [KeyVersionRecord] {
    try KeyVersionRecord.all(db, where: "fingerprint = ?", [fingerprint])
  }

  /// Returns the versions that have that name in messages of other programs, unverified.
  package func unverifiedVersions(foreignProviderID: String, keyName: String) throws
    -> [KeyVersionRecord]
  {
    try KeyVersionRecord.all(
      db, where: "foreignProviderID = ? AND foreignKeyName = ?", [foreignProviderID, keyName])
  }

  // MARK: Aliases

  package func alias(named name: String) throws -> AliasRecord? {
    try verified(AliasRecord.first(db, where: "name = ?", [name]))
  }

  /// Returns all aliases of a key, by name.
  package func aliases(ofKey keyID: String) throws -> [AliasRecord] {
    try complete(
      AliasRecord.all(db, where: "targetKeyID = ? ORDER BY name", [keyID]), ofKey: keyID)
  }

  package func aliasCount(ofKey keyID: String) throws -> Int {
    try AliasRecord.filter(Column("targetKeyID") == keyID).fetchCount(db)
  }

  /// Returns the aliases after a name, sorted by name: the aliases of one key, or of all keys that
  /// are not past their deletion date.
  package func aliases(
    after name: String, ofKey keyID: String?, at now: Int64, limit: Int
  ) throws -> [AliasRecord] {
    if let keyID {
      let records = try verified(
        AliasRecord.all(
          db, where: "targetKeyID = ? AND name > ? ORDER BY name LIMIT ?", [keyID, name, limit]))
      for record in records { try record.requireKey(keyID) }
      try requireAscending([name] + records.map(\.name), Self.isBefore)
      return records
    }
    let records = try verified(
      AliasRecord.all(
        db,
        where: """
          name > ? AND NOT EXISTS (
            SELECT 1 FROM masterKey WHERE id = targetKeyID AND deletionDate <= ?)
          ORDER BY name LIMIT ?
          """, [name, now, limit]))
    try requireAscending([name] + records.map(\.name), Self.isBefore)
    return records
  }

  // MARK: Tags

  /// Returns all tags of a key.
  package func tags(ofKey keyID: String) throws -> [TagRecord] {
    try complete(TagRecord.all(db, where: "keyID = ?", [keyID]), ofKey: keyID)
  }

  /// Returns the tags of a key after a tag key, by tag key.
  package func tags(ofKey keyID: String, after tagKey: String, limit: Int) throws -> [TagRecord] {
    try verified(
      TagRecord.all(
        db, where: "keyID = ? AND tagKey > ? ORDER BY tagKey LIMIT ?", [keyID, tagKey, limit]))
  }

  package func tagCount(ofKey keyID: String) throws -> Int {
    try TagRecord.filter(Column("keyID") == keyID).fetchCount(db)
  }

  // MARK: Policies and grants

  /// Returns the policy of a key; nil if it has the default policy. The result is as authentic as
  /// `key`.
  package func policy(of key: MasterKeyRecord) throws -> String? {
    try KeyPolicyRecord.policy(of: key, db)
  }

  /// Returns the grants of a key, sorted by ID. The result is as authentic as `key`.
  package func grants(of key: MasterKeyRecord) throws -> [GrantRecord] {
    try GrantRecord.grants(of: key, db)
  }

  /// Returns the grants of a key, the oldest first, unverified.
  package func unverifiedGrants(ofKey keyID: String) throws -> [GrantRecord] {
    try GrantRecord.all(db, where: "keyID = ? ORDER BY creationDate, id", [keyID])
  }

  /// Returns the grants that a principal may retire, the oldest first, unverified.
  package func unverifiedGrants(retiredBy principal: String) throws -> [GrantRecord] {
    // An index of the file may lead to other rows.
    try GrantRecord.all(
      db, where: "retiringPrincipal = ? ORDER BY creationDate, id", [principal]
    ).filter { $0.retiringPrincipal.map { $0.utf8.elementsEqual(principal.utf8) } ?? false }
  }

  /// True if there is such a grant. Nothing is verified.
  package func hasGrant(_ grantID: String, ofKey keyID: String) throws -> Bool {
    try GrantRecord.first(db, where: "keyID = ? AND id = ?", [keyID, grantID]) != nil
  }

  // MARK: Stacks

  /// Returns all stacks, by name.
  package func stacks() throws -> [StackRecord] {
    try complete(StackRecord.all(db, where: "TRUE ORDER BY name", []), ofKey: "")
  }

  package func hasStack(named name: String) throws -> Bool {
    try StackRecord.first(db, where: "name = ?", [name]) != nil
  }

  // MARK: The audit log

  /// Returns the number of the last audit record that the keystore knows of; nil if it knows of
  /// none, or is locked.
  package func auditSequence() throws -> Int64? {
    try unlocked.flatMap { try AuditAnchorRecord.sequence(verifiedBy: $0, db) }
  }

  // MARK: Verifying

  private func verified<Record: AuthenticatedRecord & LedgerRecord>(
    _ record: Record?
  ) throws -> Record? {
    if let record { try unlocked?.verify(record, db) }
    return record
  }

  private func verified<Record: AuthenticatedRecord & LedgerRecord>(
    _ records: [Record]
  ) throws -> [Record] {
    for record in records { try unlocked?.verify(record, db) }
    return records
  }

  private func complete<Record: AuthenticatedRecord & LedgerRecord>(
    _ records: [Record], ofKey keyID: String
  ) throws -> [Record] {
    try unlocked?.verify(records, areAllOfKey: keyID, db)
    return records
  }
}
