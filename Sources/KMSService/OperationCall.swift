import Envelope
import Foundation
import KMSAPI
import KMSKeystore
import KMSPolicy

/// An operation that is being carried out: its name, its time, and the only way to the keys that it
/// names.
///
/// Every operation of the API gets its keys through `admit`, which decides if the caller may do the
/// operation with the key. Only RetireGrant does not, because the grant itself decides. A command
/// that encrypts or decrypts files gets its keys through `messageKey`, which prepares a decision
/// for each file. `finish` writes the result to the audit log.
package final class OperationCall {
  /// The way in which an operation uses keys.
  enum Use {
    /// A request of the API, or a command that the API does not have.
    case request
    /// Wrapping data keys of messages. The API calls this GenerateDataKey if the key is symmetric,
    /// and Encrypt if the key is public.
    case wrapping
    /// Unwrapping data keys of messages.
    case unwrapping
  }

  private(set) var operation: KeyServiceOperation
  let service: KeyService
  private let use: Use
  /// The transaction that the operation shares with others; nil if it has its own.
  private let enclosing: ServiceTransaction?
  /// The time at which the operation began, in milliseconds since 1970.
  package let now: Int64
  /// The name in the audit log: that of an operation of the API or of another command.
  let name: String
  /// The keys that the operation got, with the versions that it used. The version is 0 if it used
  /// none.
  private var touched: [(keyID: String, version: Int64)] = []
  private var uses: [VersionUse] = []
  /// Changes that the keystore made by itself as a part of the operation.
  private var events: [ServiceEvent] = []
  /// True after the operation was recorded as done.
  private var isRecorded = false
  /// The serialized encryption context for the audit log.
  private var context: [UInt8] = []

  init(
    _ operation: KeyServiceOperation, of service: KeyService, use: Use = .request,
    name: String? = nil, within enclosing: ServiceTransaction? = nil
  ) {
    self.operation = operation
    self.service = service
    self.use = use
    self.enclosing = enclosing
    self.name = name ?? operation.rawValue
    now = service.host.clock().milliseconds
  }

  // MARK: The request

  /// Collects the values that the conditions of policies need from the request, and notes its
  /// encryption context for the audit log. Throws `validation` if the context is too long.
  func conditions(
    _ encryptionContext: EncryptionContext?, _ values: [PolicyConditionKey: [String]] = [:]
  ) throws -> RequestConditions {
    let context = try EncryptionContext(ofRequest: encryptionContext)
    self.context = try context.serialized()
    var conditions = RequestConditions(encryptionContext: context)
    for (key, values) in values { conditions.values[key] = values }
    return conditions
  }

  /// Notes a message's encryption context for the audit log.
  func note(messageContext: [UInt8]) { context = messageContext }

  /// Notes the parameters of an operation on the keystore itself for the audit log.
  package func note(parameters: [(name: String, value: String)]) throws {
    context = try EncryptionContext(parameters.map { (key: $0.name, value: $0.value) }).serialized()
  }

  /// The name of the operation in policies.
  private var action: String { use == .request ? name : operation.rawValue }

  // MARK: Finding keys

  /// Runs `body` in one transaction. The records that it reads are verified only if the operation
  /// is part of a larger transaction. Use records that are not verified only to show them.
  package func read<Value>(_ body: (KeystoreView) throws -> Value) throws -> Value {
    if let enclosing { return try body(enclosing.transaction) }
    return try service.keystore.view(body)
  }

  /// Unlocks the keystore, and runs `body` in one transaction that verifies everything it reads.
  package func readVerified<Value>(_ body: (KeystoreView) throws -> Value) throws -> Value {
    if let enclosing { return try body(enclosing.transaction) }
    return try service.keystore.view(verifiedBy: try service.unlock(), body)
  }

  /// Finds a key as it is now. Does not decide if the caller may use it.
  func resolve(_ name: String, in view: KeystoreView) throws -> MasterKeyRecord {
    try find(name, in: view).record
  }

  private func find(
    _ name: String, in view: KeystoreView
  ) throws -> (record: MasterKeyRecord, alias: String?) {
    let keyID: String
    var alias: String?
    switch try keyName(name, in: view) {
    case .keyID(let id): keyID = id
    case .alias(let named):
      guard let record = try view.alias(named: named) else { throw missing(name, in: view) }
      keyID = record.targetKeyID
      alias = named
    }
    guard let record = try view.masterKey(keyID)?.asOf(now) else {
      throw KeyServiceError.notFound(name)
    }
    return (record, alias)
  }

  /// A key with which the caller may do the operation.
  struct AdmittedKey {
    var record: MasterKeyRecord
    /// The grants that allow the operation. Empty if the key's policy allows it.
    let grants: [Grant]
  }

  /// Finds a key as it is now, and decides if the caller may do the operation with it, and if the
  /// key's state allows it. Requests get keys only through this function. Messages get them through
  /// `admitForMessages`.
  func admit(
    _ name: String, _ conditions: RequestConditions, in view: KeystoreView,
    under rule: StateRule? = nil, as action: String? = nil
  ) throws -> AdmittedKey {
    precondition(use == .request, "each message is decided by itself")
    let (record, alias) = try find(name, in: view)
    touch(record.id)
    try requireNotManaged(record)
    var conditions = conditions
    if let alias { conditions.values[.requestAlias] = [alias] }
    let grants = try decide(action ?? self.action, on: record, conditions, in: view)
    try (rule ?? operation.stateRule).check(record)
    return AdmittedKey(record: record, grants: grants)
  }

  /// Finds a key for messages, and checks if its state allows that. Returns the key, and the
  /// decision that is made later for each message.
  private func admitForMessages(
    _ name: String, in view: KeystoreView
  ) throws -> (record: MasterKeyRecord, authorization: Authorization) {
    let (record, alias) = try find(name, in: view)
    if use == .wrapping, record.spec.isAsymmetric { operation = .encrypt }
    touch(record.id)
    try requireNotManaged(record)
    try operation.stateRule.check(record)
    var conditions = RequestConditions.none
    if let alias { conditions.values[.requestAlias] = [alias] }
    return (record, try authorization(of: action, on: record, conditions, in: view))
  }

  private func requireNotManaged(_ record: MasterKeyRecord) throws(KeyServiceError) {
    if record.manager == .aws, operation.changesManagedKey {
      throw .accessDenied(
        "\(operation.rawValue) of key \(record.id): the keystore manages this key by itself")
    }
  }

  // MARK: Using keys

  /// Finds the current version of a key, to use it. Rotates the key first if it is due for
  /// rotation.
  func usableKey(
    named name: String, for usage: KeyUsage? = nil, _ conditions: RequestConditions,
    as action: String? = nil
  ) throws -> UsableKey {
    try findAfterDueRotation {
      try usableKey(named: name, for: usage, conditions, as: action, version: \.currentVersion)
    }
  }

  /// Finds the version of a key that `version` chooses, to use it.
  func usableKey(
    named name: String, for usage: KeyUsage? = nil, _ conditions: RequestConditions,
    as action: String? = nil, version: (MasterKeyRecord) throws -> Int64
  ) throws -> UsableKey {
    makeDueChanges()
    return try readVerified { view in
      let record = try admit(name, conditions, in: view, as: action).record
      return try usable(try version(record), of: record, for: usage, in: view)
    }
  }

  /// Finds the current version of a key, to wrap data keys of messages.
  func messageKey(named name: String) throws -> KeyForMessages {
    try findAfterDueRotation { try messageKey(named: name, version: nil) }
  }

  /// Finds a version of a key, to wrap or unwrap data keys of messages.
  func messageKey(named name: String, version: Int64?) throws -> KeyForMessages {
    makeDueChanges()
    return try readVerified { view in
      let (record, authorization) = try admitForMessages(name, in: view)
      let key = try usable(version ?? record.currentVersion, of: record, for: nil, in: view)
      return KeyForMessages(
        key: key, authorization: authorization,
        moment: try KeystoreMoment(of: service.keystore, view))
    }
  }

  /// Calls `find`, which finds the current version of a key, and returns its result. If the key is
  /// due for rotation, or the date of its next rotation is wrong, makes that change and calls
  /// `find` again.
  private func findAfterDueRotation<Key: KeyInUse>(_ find: () throws -> Key) throws -> Key {
    let key = try find()
    let created = service.keystore.creationDate.milliseconds
    guard
      key.record.isDueForRotation(at: now)
        || key.record.isRotationPostponed(at: now, inStoreOf: created),
      (try? write(isWholeOperation: false) { _ in }) != nil
    else { return key }
    return try find()
  }

  /// Makes the changes that are due (`DueChanges`), once per process. Otherwise they would wait for
  /// a command that writes, and some keystores are used for months without such a command.
  private func makeDueChanges() {
    guard let latest = service.keystore.foundDueDate, !service.host.hasBegunDueChanges,
      DueChanges.callsForChanges(latest, at: now), service.host.beginDueChanges()
    else { return }
    try? write(isWholeOperation: false) { _ in }
  }

  private func usable(
    _ number: Int64, of record: MasterKeyRecord, for usage: KeyUsage?, in view: KeystoreView
  ) throws -> UsableKey {
    // A version after the current one is imported material that waits for rotation. It has
    // encrypted nothing yet.
    guard number <= record.currentVersion else {
      throw KeyServiceError.notFound("\(record.id)/\(number)")
    }
    if let usage, record.usage != usage {
      throw KeyServiceError.invalidKeyUsage(
        "key \(record.id) is for \(record.usage.rawValue), and \(operation.rawValue) takes "
          + "keys for \(usage.rawValue)")
    }
    let version = try version(number, of: record, in: view)
    guard version.isUsable(at: now) else {
      throw KeyServiceError.invalidState(keyID: record.id, state: .pendingImport)
    }
    touch(record.id, version: version.version)
    if let use = VersionUse(version, of: record) { uses.append(use) }
    return UsableKey(record: record, version: version, keys: try service.unlock())
  }

  func version(
    _ number: Int64, of record: MasterKeyRecord, in view: KeystoreView
  ) throws -> KeyVersionRecord {
    guard let version = try view.version(number, ofKey: record.id) else {
      throw KeystoreError.editedRecord("version \(number) of key \(record.id)")
    }
    return version
  }

  // MARK: Changing keys

  /// Makes the changes that are due, and runs `body`, in one transaction. If `body` throws, the
  /// changes that are due are committed all the same. Records the operation before the commit if
  /// `isWholeOperation`.
  func write<Value>(
    isWholeOperation: Bool = true, _ body: (KeystoreTransaction) throws -> Value
  ) throws -> Value {
    // The operation that began the transaction has made the due changes, and commits.
    if let enclosing {
      return try service.keystore.join(enclosing.transaction) { try body(enclosing.transaction) }
    }
    return try write(after: DueChanges(now: now)) { transaction, _ in
      let value = try body(transaction)
      if isWholeOperation { try recordAsDone() }
      return value
    }
  }

  /// Destroys all keys and key material that were due at `time`. Usually this takes two commands
  /// with a day between them. Returns an event for each destruction.
  func destroyDue(at time: Int64) throws -> [ServiceEvent] {
    try write(after: DueChanges(now: time, destroysAtOnce: true)) { _, events in
      let destroyed = events.filter(\.name.isDestruction)
      for event in destroyed { touch(event.keyID, version: event.version) }
      try recordAsDone()
      return destroyed
    }
  }

  private func write<Value>(
    after due: DueChanges, _ body: (KeystoreTransaction, [ServiceEvent]) throws -> Value
  ) throws -> Value {
    let unlocked = try service.unlock()
    var due = due
    let result = try service.keystore.change(unlocked) { transaction in
      try due.apply(in: transaction)
      // Record these changes before they are committed.
      try service.record(due.events, at: now)
      let result = try transaction.attempt { try body($0, due.events) }
      try noteRecords(in: transaction)
      return result
    }
    service.host.tell(due.clockSetBack)
    return try result.get()
  }

  /// Stores the present end of the audit log in the keystore. So `keystore check` notices if
  /// somebody removes the records of a change from the log. The end of the log is on the disk
  /// before it is stored.
  func noteRecords(in transaction: KeystoreTransaction) throws {
    if let anchor = try service.host.trail()?.anchorToNote() { try transaction.note(anchor) }
  }

  /// Records that the operation is done. Does nothing if this was recorded already.
  func recordAsDone() throws {
    if isRecorded { return }
    try record(nil)
    isRecorded = true
  }

  /// Lets `body` change a key, and stores the key.
  @discardableResult
  func change<Value>(
    _ name: String, _ conditions: RequestConditions,
    _ body: (inout MasterKeyRecord, KeystoreTransaction) throws -> Value
  ) throws -> (record: MasterKeyRecord, value: Value) {
    try write { transaction in
      var record = try admit(name, conditions, in: transaction).record
      let value = try body(&record, transaction)
      return (try transaction.update(record), value)
    }
  }

  // MARK: Recording

  /// Notes a change that the keystore makes by itself as a part of the operation. It is recorded
  /// only if the operation succeeds.
  func note(_ event: ServiceEvent) { events.append(event) }

  /// Notes that the operation got a key.
  func touch(_ keyID: String, version: Int64 = 0) {
    if let index = touched.firstIndex(where: { $0.keyID == keyID }) {
      touched[index].version = max(touched[index].version, version)
    } else {
      touched.append((keyID, version))
    }
  }

  /// Records the result of the operation. Does nothing while the keystore is locked: there is no
  /// key to authenticate the record with, and the operation has not done anything. Throws
  /// `UnrecordedError` if the keystore requires the record and the record cannot be written.
  func finish(_ error: (any Error)?) throws {
    switch error {
    case nil: try recordAsDone()
    // The error says that nothing can be recorded.
    case is UnrecordedError: break
    case let error?: try record(error)
    }
  }

  /// Adds one record for each key that the operation got, or one record if it got none.
  private func record(_ error: (any Error)?) throws {
    guard operation.isRecorded || name != operation.rawValue else { return }
    let keys = touched.isEmpty ? [(keyID: "", version: 0)] : touched
    var records = keys.map { key in
      AuditRecord(
        time: now, operation: name, caller: service.caller.arn, keyID: key.keyID,
        keyVersion: UInt32(key.version), context: context, requestID: service.requestID,
        error: error)
    }
    if error == nil {
      records += events.map { AuditRecord($0, time: now, requestID: service.requestID) }
    }
    if let enclosing {
      enclosing.add(records, of: uses)
    } else {
      try service.host.trail()?.add(records, of: uses)
    }
  }
}

/// The values that the conditions of policies need from a request. `OperationCall.conditions` makes
/// them.
struct RequestConditions {
  let encryptionContext: EncryptionContext
  var values = PolicyContext()

  fileprivate init(encryptionContext: EncryptionContext = EncryptionContext()) {
    self.encryptionContext = encryptionContext
  }

  /// The conditions of a request that has no encryption context and sets no condition key.
  static let none = RequestConditions()
}
