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
  private let lock = NSLock()
  /// What is to be recorded when the transaction that operations share has ended.
  private var pendingRecords: (records: [AuditRecord], versions: [VersionUse])?
  /// Hears, once for each, of versions that have wrapped too much. To be set before any is used.
  public var tellWorn: @Sendable (WornVersion) -> Void = { _ in }

  /// `tellUnrecorded` hears of it, once, where the audit log cannot be written.
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

  /// Runs `body`, and records what became of it.
  func recording<Value>(
    _ call: OperationCall, _ body: (OperationCall) throws -> Value
  ) throws -> Value {
    do {
      let value = try body(call)
      call.finish(nil)
      return value
    } catch {
      call.finish(error)
      throw error
    }
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
  /// decided and recorded as ever, and all of them last, or none does.
  func transaction<Value>(
    _ call: OperationCall, _ body: (UnlockedKeystore, Database) throws -> Value
  ) throws -> Value {
    pendingRecords = ([], [])
    do {
      let value = try call.write { unlocked, db in
        try keystore.sharingTransaction(db) { try body(unlocked, db) }
      }
      recordPending()
      return value
    } catch {
      recordPending { $0.undo(because: error) }
      throw error
    }
  }

  // MARK: Audit

  /// Sends records on their way, at once or when the shared transaction has ended.
  func record(_ records: [AuditRecord], of versions: [VersionUse]) {
    if pendingRecords == nil {
      trail()?.add(records, of: versions)
    } else {
      pendingRecords!.records += records
      pendingRecords!.versions += versions
    }
  }

  private func recordPending(_ change: (inout AuditRecord) -> Void = { _ in }) {
    guard var pending = pendingRecords else { return }
    pendingRecords = nil
    for index in pending.records.indices { change(&pending.records[index]) }
    if !pending.records.isEmpty { trail()?.add(pending.records, of: pending.versions) }
  }

  /// The audit log, where this process has written to it.
  var trailIfOpen: AuditTrail? { openedTrail }

  /// The audit log at work; nil where the store is not unlocked.
  func trail() -> AuditTrail? {
    if let openedTrail { return openedTrail }
    guard let unlocked = keystore.unlockedStore, let log = try? keystore.auditLog(unlocked) else {
      return nil
    }
    let database = keystore.database
    let trail = AuditTrail(
      log, anchor: { try Keystore.auditAnchor(in: database, verifiedBy: unlocked) },
      tellFailure: tellUnrecorded, tellWorn: tellWorn)
    openedTrail = trail
    return trail
  }
}

/// The secrets that nobody has to be asked for.
private struct UnaskedSecrets: UnlockingSecrets {
  let keyFile: FilePath?

  func passphrase() -> SecretBytes? { nil }
}
