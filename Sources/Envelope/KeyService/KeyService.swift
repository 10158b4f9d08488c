import Foundation
import GRDB
import SystemPackage

/// The KMS operations over a keystore. Used by one thread at a time; its keyrings, which several threads use, take care
/// of that themselves.
public final class KeyService {
  public let keystore: Keystore
  public let caller: Caller
  /// One for everything that this process asks.
  let requestID: [UInt8]
  private let secrets: any UnlockingSecrets
  private let now: @Sendable () -> Date
  private let tellUnrecorded: @Sendable (any Error) -> Void
  private var openedTrail: AuditTrail?
  private var leftovers: Leftovers?
  private let lock = NSLock()
  /// Records of operations that share a transaction, to be appended when all of them are done.
  private var pendingRecords: (records: [AuditRecord], versions: [VersionUse])?
  /// Hears, once for each, of versions that have wrapped too much. To be set before any is used.
  public var tellWorn: @Sendable (WornVersion) -> Void = { _ in }
  /// Hears, once, that the clock went back since a key was found due to be destroyed.
  public var tellClockSetBack: @Sendable (ClockSetBack) -> Void = { _ in }
  private var hasToldClockSetBack = false
  /// True after this run has looked after what waits to be destroyed.
  var hasSeenToWhatWaits = false

  /// `tellUnrecorded` hears of it, once, if the audit log cannot be written.
  public convenience init(
    _ keystore: Keystore, secrets: any UnlockingSecrets,
    now: @escaping @Sendable () -> Date = { Date() },
    tellUnrecorded: @escaping @Sendable (any Error) -> Void = { _ in }
  ) throws {
    try self.init(
      keystore, secrets: secrets, caller: .current(keystoreOwner: keystore.owner), now: now,
      tellUnrecorded: tellUnrecorded)
  }

  init(
    _ keystore: Keystore, secrets: any UnlockingSecrets, caller: Caller,
    now: @escaping @Sendable () -> Date,
    tellUnrecorded: @escaping @Sendable (any Error) -> Void = { _ in }
  ) throws {
    self.keystore = keystore
    self.secrets = secrets
    self.caller = caller
    self.now = now
    self.tellUnrecorded = tellUnrecorded
    requestID = try Random.bytes(16)
  }

  /// Does what a request of the API asks for. Throws `KeyServiceError`, `KeystoreError`,
  /// `CryptoError`, `IOError`.
  @discardableResult
  public func perform<Request: KeyServiceRequest>(
    _ request: Request
  ) throws -> Request.Response {
    try recording(begin(Request.operation)) { try request.perform(in: $0) }
  }

  /// Records what time has brought about. It stays, whatever becomes of the operation that found it. Throws
  /// `UnrecordedError` if the keystore requires the record.
  func record(_ events: [ServiceEvent], at time: Int64) throws {
    if events.isEmpty { return }
    try trail()?.add(events.map { AuditRecord($0, time: time, requestID: requestID) })
  }

  /// Tells, once, of a clock that was set back.
  func tell(_ due: DueChanges, at time: Int64) {
    guard let setBack = due.clockSetBack, !hasToldClockSetBack else { return }
    hasToldClockSetBack = true
    tellClockSetBack(setBack)
  }

  /// Runs `body`, and records what became of it.
  func recording<Value>(
    _ call: OperationCall, _ body: (OperationCall) throws -> Value
  ) throws -> Value {
    let value: Value
    do {
      value = try body(call)
    } catch {
      try call.finish(error)
      throw error
    }
    try call.finish(nil)
    return value
  }

  /// An operation under way, now. The audit log has it under `name` where that is none of the API's.
  func begin(_ operation: KeyServiceOperation, name: String? = nil) -> OperationCall {
    OperationCall(operation, of: self, now: now(), name: name)
  }

  /// A file's data key about to be wrapped, now.
  func beginWrapping() -> OperationCall {
    OperationCall(.generateDataKey, of: self, now: now(), isWrapping: true, isForMessages: true)
  }

  /// Messages' data keys about to be unwrapped, now.
  func beginUnwrapping() -> OperationCall {
    OperationCall(.decrypt, of: self, now: now(), isForMessages: true)
  }

  /// Runs `body` while no other thread of the run uses the service.
  func alone<Value>(_ body: () throws -> Value) rethrows -> Value {
    lock.lock()
    defer { lock.unlock() }
    return try body()
  }

  /// The clock, for who records on other threads.
  var clock: @Sendable () -> Date { now }

  func unlock() throws -> UnlockedKeystore { try keystore.unlock(with: secrets) }

  /// Unlocks if no passphrase is needed.
  func unlockWithoutAsking() throws -> UnlockedKeystore {
    try keystore.unlock(with: UnaskedSecrets(keyFile: secrets.keyFile))
  }

  /// Unlocks for who only looks what is wrong.
  func unlockForCheck() throws -> UnlockedKeystore {
    try keystore.unlock(with: secrets, anyProtector: true)
  }

  /// Asks for the passphrase again, where there is one.
  func reauthenticate() throws { try keystore.reauthenticate(with: secrets) }

  /// Runs `body`, the operation `call`, and the operations that it performs in one transaction: each is
  /// decided and recorded as ever, and all of them last, or none does. They are recorded before the
  /// transaction ends.
  func transaction<Value>(
    _ call: OperationCall, _ body: (UnlockedKeystore, Database) throws -> Value
  ) throws -> Value {
    pendingRecords = ([], [])
    var recorded: [AuditRecord] = []
    do {
      return try call.write { unlocked, db in
        let value = try keystore.sharingTransaction(db) { try body(unlocked, db) }
        recorded = try recordPending()
        return value
      }
    } catch {
      // The records are there already, but nothing of it has come about.
      if pendingRecords == nil { pendingRecords = (recorded, []) }
      try recordPending { $0.undo(because: error) }
      throw error
    }
  }

  // MARK: Audit

  /// Keeps the records of a run over many files back for a moment, so that they are appended together: until
  /// `finishRecords`, or until a signal ends the process, which `leftovers` has to watch for.
  public func keepRecordsBack(until leftovers: Leftovers) {
    self.leftovers = leftovers
    openedTrail?.keepBack(until: leftovers)
  }

  /// Writes the records that wait, to be called before the process ends. False if some that this process
  /// made are not in the audit log, which `tellUnrecorded` has heard. That nothing can be written next to a
  /// keystore on a read-only medium is no such loss.
  public func finishRecords() -> Bool {
    guard let loss = openedTrail?.finish() else { return true }
    return (loss as? IOError)?.errno == .readOnlyFileSystem && keystore.isOnReadOnlyMedium
  }

  /// Records what was done, or was not: at once, or with the transaction that operations share. Throws
  /// `UnrecordedError` if the keystore requires that it be recorded, and it cannot be.
  func record(_ records: [AuditRecord], of versions: [VersionUse]) throws {
    if pendingRecords == nil {
      try trail()?.add(records, of: versions)
    } else {
      pendingRecords!.records += records
      pendingRecords!.versions += versions
    }
  }

  @discardableResult
  private func recordPending(
    _ change: (inout AuditRecord) -> Void = { _ in }
  ) throws -> [AuditRecord] {
    guard var pending = pendingRecords else { return [] }
    pendingRecords = nil
    for index in pending.records.indices { change(&pending.records[index]) }
    if !pending.records.isEmpty { try trail()?.add(pending.records, of: pending.versions) }
    return pending.records
  }

  /// The audit log, where this process has written to it.
  var trailIfOpen: AuditTrail? { openedTrail }

  /// The audit log at work; nil if the store is not unlocked.
  func trail() throws -> AuditTrail? {
    if let openedTrail { return openedTrail }
    guard let unlocked = keystore.unlockedStore else { return nil }
    let database = keystore.database
    let trail = AuditTrail(
      try keystore.auditLog(unlocked), isRequired: keystore.requiresAudit,
      anchor: { try Keystore.auditAnchor(in: database, verifiedBy: unlocked) },
      tellLoss: tellUnrecorded, tellWorn: tellWorn)
    if let leftovers { trail.keepBack(until: leftovers) }
    openedTrail = trail
    return trail
  }
}

/// The secrets that nobody has to be asked for.
private struct UnaskedSecrets: UnlockingSecrets {
  let keyFile: FilePath?

  func passphrase() -> SecretBytes? { nil }
}
