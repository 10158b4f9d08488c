import Foundation
import GRDB

/// One operation under way: its name, its time, and the only way to the keys it names.
///
/// Every operation of the API, and every file that is encrypted or decrypted, comes to a key through
/// `admit`: whether this caller may do this with that key is decided there. What became of it goes to
/// the audit log in `finish`, which `KeyService.recording` calls, and for files in `RecordedKeyring`.
public final class OperationCall {
  private(set) var operation: KeyServiceOperation
  let service: KeyService
  /// Whether a file's data key is to be wrapped. What that is to the API, the kind of the key says:
  /// GenerateDataKey of a symmetric key, Encrypt under a public one.
  private let isWrapping: Bool
  /// Whether it is a run over messages, of which each is decided on.
  private let isForMessages: Bool
  /// Milliseconds since 1970. One operation has one time.
  let now: Int64
  /// What the audit log calls it: an operation of the API, or a command beside it.
  let name: String
  /// The keys that it came to, with the versions it used, 0 for none.
  private var touched: [(keyID: String, version: Int64)] = []
  /// What else the request says, for the conditions of policies.
  var conditions = PolicyContext()
  private var uses: [VersionUse] = []
  /// The grants by which the last key was admitted; none where its policy allowed it.
  var reliedGrants: [Grant] = []
  /// The encryption context, serialized, of an operation that has one.
  var context: [UInt8] = []

  /// Notes the encryption context of a request.
  func note(_ context: EncryptionContext?) throws {
    self.context = try EncryptionContext(ofRequest: context).serialized()
  }

  init(
    _ operation: KeyServiceOperation, of service: KeyService, now: Date, isWrapping: Bool = false,
    isForMessages: Bool = false, name: String? = nil
  ) {
    self.operation = operation
    self.name = name ?? operation.rawValue
    self.isWrapping = isWrapping
    self.isForMessages = isForMessages
    self.service = service
    self.now = now.milliseconds
  }

  /// A key that may be used now, verified.
  struct UsableKey {
    let record: MasterKeyRecord
    let version: KeyVersionRecord
    let unlocked: UnlockedKeystore
    /// The moment at which it was found. Nil unless files are to be encrypted under the key.
    let moment: KeystoreMoment?

    func material() throws -> SecretBytes { try unlocked.unwrap(version) }

    func materialID() throws -> String? {
      guard record.spec == .symmetricDefault else { return nil }
      return try version.materialID
        ?? unlocked.materialID(try material(), keyID: record.id)
    }
  }

  // MARK: Reaching keys

  func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try service.keystore.read(body)
  }

  /// The key of that name as it is now, admitted to the operation. Without `unlocked` nothing is
  /// verified: good for showing it.
  func key(
    named name: String, _ db: Database, verifiedBy unlocked: UnlockedKeystore? = nil,
    under rule: StateRule? = nil, as action: String? = nil
  ) throws -> MasterKeyRecord {
    let record = try resolve(name, db, verifiedBy: unlocked)
    if isWrapping, record.spec.isAsymmetric { operation = .encrypt }
    touch(record.id)
    try admit(record, under: rule ?? operation.stateRule, as: action ?? self.action, db)
    return record
  }

  /// The key of that name as it is now, for who does nothing with it.
  func resolve(
    _ name: String, _ db: Database, verifiedBy unlocked: UnlockedKeystore? = nil
  ) throws -> MasterKeyRecord {
    let keyID: String
    switch try KeyName(parsing: name) {
    case .keyID(let id): keyID = id
    case .alias(let alias):
      guard let record = try AliasRecord.first(db, where: "name = ?", [alias]) else {
        throw KeyServiceError.notFound(name)
      }
      try unlocked?.verify(record, db)
      keyID = record.targetKeyID
      conditions[.requestAlias] = [alias]
    }
    guard let stored = try MasterKeyRecord.first(db, where: "id = ?", [keyID]) else {
      throw KeyServiceError.notFound(name)
    }
    try unlocked?.verify(stored, db)
    guard let record = stored.asOf(now) else { throw KeyServiceError.notFound(name) }
    return record
  }

  /// Decides whether the operation may go on with this key.
  private func admit(
    _ record: MasterKeyRecord, under rule: StateRule, as action: String, _ db: Database
  ) throws {
    if record.manager == .aws, operation.changesManagedKey {
      throw KeyServiceError.accessDenied(
        "\(operation.rawValue) of key \(record.id): the keystore manages this key by itself")
    }
    // Whether a message may be wrapped or unwrapped depends on its context: `KeyUse` decides.
    if !isForMessages { try authorize(action, on: record, db) }
    try rule.check(record)
  }

  /// What policies call the operation.
  private var action: String { isForMessages ? operation.rawValue : name }

  /// The key of that name with its current version, to be used. Rotates first what is due, and notes
  /// the day.
  func usableKey(
    named name: String, for usage: KeyUsage? = nil, as action: String? = nil
  ) throws -> UsableKey {
    let unlocked = try service.unlock()
    var key = try find(named: name, version: nil, as: action, unlocked)
    if key.record.isDueForRotation(at: now), (try? write { _, _ in }) != nil {
      key = try find(named: name, version: nil, as: action, unlocked)
    }
    return try checked(key, for: usage)
  }

  /// One version of a key, to be used.
  func usableVersion(
    _ version: Int64, ofKey name: String, for usage: KeyUsage? = nil, as action: String? = nil
  ) throws -> UsableKey {
    try checked(
      try find(named: name, version: version, as: action, try service.unlock()), for: usage)
  }

  private func find(
    named name: String, version: Int64?, as action: String?, _ unlocked: UnlockedKeystore
  ) throws -> UsableKey {
    try read { db in
      let record = try key(named: name, db, verifiedBy: unlocked, as: action)
      let number = version ?? record.currentVersion
      // Material that waits to be rotated to has encrypted nothing.
      guard number <= record.currentVersion else {
        throw KeyServiceError.notFound("\(record.id)/\(number)")
      }
      return UsableKey(
        record: record, version: try self.version(number, of: record, unlocked, db),
        unlocked: unlocked,
        moment: isWrapping ? try KeystoreMoment(of: service.keystore, db) : nil)
    }
  }

  private func checked(_ key: UsableKey, for usage: KeyUsage?) throws -> UsableKey {
    if let usage, key.record.usage != usage {
      throw KeyServiceError.invalidKeyUsage(
        "key \(key.record.id) is for \(key.record.usage.rawValue), and \(operation.rawValue) takes "
          + "keys for \(usage.rawValue)")
    }
    guard key.version.isUsable(at: now) else {
      throw KeyServiceError.invalidState(keyID: key.record.id, state: .pendingImport)
    }
    touch(key.record.id, version: key.version.version)
    if let use = VersionUse(key.version, of: key.record) { uses.append(use) }
    return key
  }

  /// One version of a key, verified.
  func version(
    _ number: Int64, of record: MasterKeyRecord, _ unlocked: UnlockedKeystore, _ db: Database
  ) throws -> KeyVersionRecord {
    guard
      let version = try KeyVersionRecord.first(
        db, where: "keyID = ? AND version = ?", [record.id, number])
    else {
      throw KeystoreError.editedRecord("version \(number) of key \(record.id)")
    }
    try unlocked.verify(version, db)
    return version
  }

  // MARK: Changing keys

  /// Runs `body` in one transaction, after what has become due is done, which stays also where `body`
  /// fails.
  func write<Value>(_ body: (UnlockedKeystore, Database) throws -> Value) throws -> Value {
    let unlocked = try service.unlock()
    // The operation that began the transaction has done the rest.
    if service.keystore.isSharingTransaction {
      return try service.keystore.write { try body(unlocked, $0) }
    }
    // What is recorded before a change of the keystore cannot be taken out of the log unnoticed.
    let anchor = try? service.trail()?.anchorAfterFlush()
    return try service.keystore.write { db in
      try DueChanges(unlocked, now: now).apply(db)
      if let anchor { try Self.note(anchor, unlocked, db) }
      do {
        return Result<Value, any Error>.success(
          try Keystore.savepoint(db) { try body(unlocked, db) })
      } catch let error as DatabaseError {
        // The store itself has failed, and SQLite may have taken back all of the transaction.
        throw error
      } catch {
        return .failure(error)
      }
    }.get()
  }

  /// Keeps where the log is now. What the keystore knew of it is not forgotten because somebody took
  /// that away: `check` goes on naming it.
  private static func note(
    _ anchor: AuditAnchor, _ unlocked: UnlockedKeystore, _ db: Database
  ) throws {
    do {
      let last = try AuditAnchorRecord.last(verifiedBy: unlocked, db)
      if let last, last.sequence > anchor.sequence { return }
    } catch KeystoreError.editedRecord {
      return
    }
    try unlocked.save(
      AuditAnchorRecord(sequence: Int64(anchor.sequence), code: Data(anchor.code)), db)
  }

  /// Lets `body` change the key of that name, and stores it.
  @discardableResult
  func change<Value>(
    _ name: String, _ body: (inout MasterKeyRecord, UnlockedKeystore, Database) throws -> Value
  ) throws -> (record: MasterKeyRecord, value: Value) {
    try write { unlocked, db in
      var record = try key(named: name, db, verifiedBy: unlocked)
      let value = try body(&record, unlocked, db)
      return (try unlocked.update(record, db), value)
    }
  }

  // MARK: Afterwards

  /// Notes a key that the operation has come to.
  func touch(_ keyID: String, version: Int64 = 0) {
    if let index = touched.firstIndex(where: { $0.keyID == keyID }) {
      touched[index].version = max(touched[index].version, version)
    } else {
      touched.append((keyID, version))
    }
  }

  /// Records what became of the operation: for each key it came to, or for none. Without the root key
  /// there is nothing to record with, and nothing was done.
  func finish(_ error: (any Error)?) {
    guard operation.isRecorded || name != operation.rawValue else { return }
    let keys = touched.isEmpty ? [(keyID: "", version: 0)] : touched
    service.record(
      keys.map { key in
        AuditRecord(
          time: now, operation: name, caller: service.caller.arn, keyID: key.keyID,
          keyVersion: UInt32(key.version), context: context, requestID: service.requestID,
          error: error)
      }, of: uses)
  }
}

extension AuditRecord {
  /// What the log says in place of success where an operation was undone with those around it.
  static let undone = "RolledBack"

  /// Notes that what succeeded was undone, because another operation of the transaction failed.
  mutating func undo(because error: any Error) {
    guard errorCode.isEmpty else { return }
    errorCode = Self.undone
    let name = (error as? any RecordedError)?.name ?? "\(error)"
    errorMessage = String("undone with the operations around it: \(name)".prefix(512))
  }

  init(
    time: Int64, operation: String, caller: String, keyID: String, keyVersion: UInt32,
    context: [UInt8], requestID: [UInt8], error: (any Error)?
  ) {
    self.time = time
    self.operation = operation
    self.caller = caller
    self.keyID = keyID
    self.keyVersion = keyVersion
    self.context = context
    self.requestID = requestID
    switch error {
    case nil:
      errorCode = ""
      errorMessage = ""
    case let error as any RecordedError:
      errorCode = error.name
      errorMessage = error.detail
    case let error?:
      errorCode = "KMSInternalException"
      errorMessage = "\(error)"
    }
  }
}

extension MasterKeyRecord {
  /// The key as time has left it: nil from its deletion date on, and waiting for import when its
  /// material has expired, although nobody may have written that down yet.
  func asOf(_ now: Int64) -> MasterKeyRecord? {
    if let deletionDate, deletionDate <= now { return nil }
    guard let validTo, validTo <= now, state != .pendingDeletion else { return self }
    var record = self
    record.state = .pendingImport
    return record
  }

  func isDueForRotation(at now: Int64) -> Bool {
    state == .enabled && nextRotationDate.map { $0 <= now } ?? false
  }
}
