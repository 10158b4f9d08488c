import Foundation
import GRDB

/// One transaction over an unlocked keystore, which holds the write lock. Every record that it
/// stores is authenticated, and listed in the ledger.
package final class KeystoreTransaction: KeystoreView {
  package let keys: UnlockedKeystore

  init(_ db: Database, _ keys: UnlockedKeystore) {
    self.keys = keys
    super.init(db, keys)
  }

  // MARK: Records

  package func insert(_ version: KeyVersionRecord) throws { try keys.insert(version, db) }
  package func insert(_ alias: AliasRecord) throws { try keys.insert(alias, db) }

  /// Replaces the stored record of a key. Returns the record with its new code.
  @discardableResult
  package func update(_ key: MasterKeyRecord) throws -> MasterKeyRecord {
    try keys.update(key, db)
  }

  package func update(_ version: KeyVersionRecord) throws { try keys.update(version, db) }

  /// Inserts a tag, or replaces the key's tag of the same name.
  package func save(_ tag: TagRecord) throws { try keys.save(tag, db) }

  /// Inserts a stack, or replaces the stack of the same name.
  package func save(_ stack: StackRecord) throws { try keys.save(stack, db) }

  /// Deletes a key with all that belongs to it.
  package func delete(_ key: MasterKeyRecord) throws { try keys.delete(key, db) }
  package func delete(_ version: KeyVersionRecord) throws { try keys.delete(version, db) }
  package func delete(_ alias: AliasRecord) throws { try keys.delete(alias, db) }
  package func delete(_ tag: TagRecord) throws { try keys.delete(tag, db) }
  package func delete(_ stack: StackRecord) throws { try keys.delete(stack, db) }

  /// Inserts a key. Deletes all other rows that a lost key with the same ID left, but throws
  /// `editedRecord` if that key left a version.
  package func insert(_ key: MasterKeyRecord, policy: KeyPolicyRecord?) throws {
    if let left = try KeyVersionRecord.first(db, where: "keyID = ?", [key.id]) {
      throw KeystoreError.editedRecord(left.recordName)
    }
    for (table, column) in [
      ("keyPolicy", "keyID"), ("keyGrant", "keyID"), ("tag", "keyID"), ("alias", "targetKeyID"),
    ] {
      try db.cachedStatement(sql: "DELETE FROM \(table) WHERE \(column) = ?")
        .execute(arguments: [key.id])
    }
    try keys.unlistAll(ofKey: key.id, db)
    try keys.insert(key, db)
    try policy?.insert(db)
  }

  /// Makes an alias refer to another key.
  package func move(_ alias: AliasRecord, to keyID: String, at now: Int64) throws {
    var alias = alias
    let listed = alias.ledgerName
    alias.targetKeyID = keyID
    alias.lastUpdatedDate = now
    if alias.ledgerName != listed { try keys.unlist(listed, db) }
    try keys.update(alias, db)
  }

  // MARK: Policies and grants

  /// Stores a policy. `key` lists it, and is stored by the caller.
  package func store(policy text: String, of key: inout MasterKeyRecord) throws {
    let stored = KeyPolicyRecord(keyID: key.id, policy: text)
    key.policyDigest = try stored.digest()
    try stored.save(db)
  }

  /// Gives a key the default policy again.
  package func removePolicy(of key: MasterKeyRecord) throws {
    var key = key
    key.policyDigest = nil
    try update(key)
    try KeyPolicyRecord.deleteOne(db, key: key.id)
  }

  /// Stores a grant. `key` lists it, and is stored by the caller.
  package func insert(_ grant: GrantRecord, of key: inout MasterKeyRecord) throws {
    try grant.insert(db)
    key.grantsDigest = try GrantRecord.digest(ofKey: key.id, db)
  }

  package func remove(_ grant: GrantRecord, of key: MasterKeyRecord) throws {
    try GrantRecord.deleteOne(db, key: ["keyID": grant.keyID, "id": grant.id])
    var key = key
    key.grantsDigest = try GrantRecord.digest(ofKey: grant.keyID, db)
    try update(key)
  }

  // MARK: Protectors

  /// Adds a protector and returns its description. Throws `tooManyProtectors`.
  package func add(_ protector: ProtectorRecord) throws -> ProtectorDescription {
    guard try ProtectorRecord.oldestFirst(db).count < ProtectorRecord.mostProtectors else {
      throw KeystoreError.tooManyProtectors(limit: ProtectorRecord.mostProtectors)
    }
    try keys.insert(protector, db)
    return protector.description
  }

  /// Removes a protector. Throws `noProtector` if there is no such protector, and `lastProtector`
  /// if no other valid one is left.
  package func removeProtector(_ protectorID: String) throws {
    let record = try protector(protectorID)
    let others = try ProtectorRecord.all(db).filter { other in
      other.id != protectorID && (try? keys.verifyListed(other, db)) != nil
    }
    guard !others.isEmpty else { throw KeystoreError.lastProtector(protectorID) }
    try keys.delete(record, db)
  }

  /// Replaces a protector with a new one, which gets its label. Returns the description of the new
  /// one. Throws `noProtector` if there is no such protector.
  package func replaceProtector(
    _ protectorID: String, with new: ProtectorRecord
  ) throws -> ProtectorDescription {
    let old = try protector(protectorID)
    try keys.verifyListed(old, db)
    var new = new
    new.label = old.label
    try keys.delete(old, db)
    try keys.insert(new, db)
    return new.description
  }

  private func protector(_ protectorID: String) throws -> ProtectorRecord {
    guard let record = try ProtectorRecord.first(db, where: "id = ?", [protectorID]) else {
      throw KeystoreError.noProtector(protectorID)
    }
    // An index of the file may lead to another protector.
    guard record.id.utf8.elementsEqual(protectorID.utf8) else {
      throw KeystoreError.editedRecord("protector \(protectorID)")
    }
    return record
  }

  // MARK: The keystore itself

  /// Returns the root of the ledger, which changes with every record. Throws `editedRecord` if
  /// there is no ledger.
  package func ledgerRoot() throws -> Data { try keys.keystoreRecord(db).requireLedger() }

  /// Stores the present end of the audit log. Does not replace an anchor that somebody edited or
  /// removed, so that `check` continues to report it.
  package func note(_ anchor: AuditAnchor) throws {
    do {
      let last = try AuditAnchorRecord.last(verifiedBy: keys, db)
      if let last, last.sequence > anchor.sequence { return }
      if let last, last.sequence == anchor.sequence, Array(last.code) == anchor.code { return }
    } catch KeystoreError.editedRecord {
      return
    }
    try keys.save(AuditAnchorRecord(sequence: Int64(anchor.sequence), code: Data(anchor.code)), db)
  }

  /// Stores in the keystore's own record whether a use of a key that cannot be recorded is refused.
  package func require(audit isRequired: Bool) throws {
    try keys.require(audit: isRequired, db)
  }

  /// Accepts the records that are in the file as the latest ones.
  package func acceptRecords() throws { try keys.acceptRecords(db) }

  /// Runs `body`, and rolls back its writes if it throws. Returns the error, unless SQLite itself
  /// has failed: SQLite may then have rolled back the whole transaction, so its error is thrown.
  package func attempt<Value>(
    _ body: (KeystoreTransaction) throws -> Value
  ) throws -> Result<Value, any Error> {
    do {
      return .success(try Keystore.savepoint(db) { try body(self) })
    } catch let error as DatabaseError {
      throw error
    } catch {
      return .failure(error)
    }
  }
}

extension Keystore {
  /// Runs `body` in one transaction. With `unlocked`, every record that it reads is verified.
  package func view<Value>(
    verifiedBy unlocked: UnlockedKeystore? = nil, _ body: (KeystoreView) throws -> Value
  ) throws -> Value {
    try read { try body(KeystoreView($0, unlocked)) }
  }

  /// Returns a view that verifies every record that it reads, if the keystore is unlocked.
  package func verifying(_ view: KeystoreView) -> KeystoreView {
    view.unlocked == nil ? KeystoreView(view.db, unlockedStore) : view
  }

  /// Runs `body` in one transaction that holds the write lock from its start.
  package func change<Value>(
    _ unlocked: UnlockedKeystore, _ body: (KeystoreTransaction) throws -> Value
  ) throws -> Value {
    try write { try body(KeystoreTransaction($0, unlocked)) }
  }

  /// Runs `body` as a part of a transaction, and rolls back its writes if it throws.
  package func join<Value>(
    _ transaction: KeystoreTransaction, _ body: () throws -> Value
  ) throws -> Value {
    try Self.translatingErrors(of: path, isWriting: true) {
      try Self.savepoint(transaction.db, body)
    }
  }
}
