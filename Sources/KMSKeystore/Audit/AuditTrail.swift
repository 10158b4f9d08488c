import Envelope
import Foundation
import Synchronization

/// The audit records of this process, before and while they are appended to the audit log.
///
/// `add` appends a record before the result of its operation is returned. If the keystore does not
/// require this, a run over many files may delay records, so that it appends many at once: at most
/// 256 records, for at most 100 ms. `finish` appends the delayed records, and must be called
/// before the process ends. If a signal ends the process, the records are appended before that.
package final class AuditTrail: Sendable {
  private struct State {
    /// True if an operation is refused if its record cannot be written.
    var isRequired: Bool
    /// Records that are not appended yet.
    var pending: [AuditRecord] = []
    /// The handler of signals. If it is set, records may be delayed until it sees a signal.
    var leftovers: Leftovers?
    /// True if records are delayed.
    var isBatching = false
    /// The end of the log after the last append; nil before the first.
    var appended: AuditAnchor?
    /// The number of waiting records at which they are appended.
    var batchLength = AuditTrail.batch
    var hasTimer = false
    /// The reason why records of this process are missing in the log.
    var loss: (any Error)?
    /// True if a signal is about to end the process.
    var isEnding = false
    /// The versions of symmetric keys that the records of this process are about.
    var versions: [VersionUse] = []
    /// The versions that were reported as worn (`WornVersion`).
    var worn: [VersionUse] = []
  }

  private let log: AuditLog
  private let anchor: @Sendable () throws -> AuditAnchor
  private let tellLoss: @Sendable (any Error) -> Void
  private let tellWorn: @Sendable (WornVersion) -> Void
  private let state: Mutex<State>

  /// The maximum number of records that wait for others, and the maximum wait in microseconds.
  static let batch = 256
  static let patience: useconds_t = 100_000
  /// The maximum number of records that wait if the log cannot be written. More are lost.
  static let limit = 100_000

  /// If `isRequired`, an operation is refused if its record cannot be written. `anchor` returns the
  /// end of the log that the keystore knows. `tellLoss` is called once if records could not be
  /// written, and `tellWorn` once for each worn version.
  package init(
    _ log: AuditLog, isRequired: Bool = false,
    anchor: @escaping @Sendable () throws -> AuditAnchor,
    tellLoss: @escaping @Sendable (any Error) -> Void,
    tellWorn: @escaping @Sendable (WornVersion) -> Void = { _ in }
  ) {
    self.log = log
    state = Mutex(State(isRequired: isRequired))
    self.anchor = anchor
    self.tellLoss = tellLoss
    self.tellWorn = tellWorn
  }

  /// If the keystore does not require records, lets `add` delay them until `leftovers` sees a
  /// signal that ends the process.
  package func keepBack(until leftovers: Leftovers) {
    state.withLock { if !$0.isRequired { $0.leftovers = leftovers } }
  }

  /// From now on this process refuses operations whose records cannot be written, even if the
  /// keystore does not require records.
  package func requireRecords() {
    state.withLock { state in
      state.isRequired = true
      state.isBatching = false
      state.leftovers = nil
    }
  }

  /// Appends records, or delays them. `versions` are the versions of symmetric keys that the
  /// records are about. Throws `UnrecordedError` if records are required and these cannot be
  /// written.
  package func add(_ records: [AuditRecord], of versions: [VersionUse] = []) throws {
    let next = state.withLock { state -> Next in
      if state.isEnding { return .end }
      for version in versions where !state.versions.contains(version) {
        state.versions.append(version)
      }
      if let leftovers = state.leftovers, !state.isBatching {
        state.isBatching = leftovers.beforeSignalEnds { [self] in end() }
      }
      guard state.isBatching else { return .appendThese }
      state.pending += records
      return isDue(&state) ? .appendBatch : .wait
    }
    switch next {
    case .wait: break
    case .appendBatch:
      let known = knownEnd()
      state.withLock { appendBatch(&$0, after: known) }
    case .appendThese:
      let known = knownEnd()
      try state.withLock { state in
        state.pending += records
        try appendNow(&state, after: known)
      }
    case .end:
      // A signal is about to end the process. Never return, so that no result is given without a
      // record.
      while true { pause() }
    }
  }

  /// The next step for records that were added.
  private enum Next { case wait, appendBatch, appendThese, end }

  /// Appends the waiting records. If they cannot be written now, they stay.
  package func flush() {
    if state.withLock({ $0.pending.isEmpty }) { return }
    let known = knownEnd()
    state.withLock { state in
      if !state.pending.isEmpty { try? append(&state, waiting: true, after: known) }
    }
  }

  /// Appends the waiting records, and reports if that failed. Returns the reason why records of
  /// this process are missing in the log; nil if none are.
  package func finish() -> (any Error)? {
    let known = state.withLock { $0.pending.isEmpty } ? nil : knownEnd()
    return state.withLock { state in
      finish(&state, after: known)
      return state.loss
    }
  }

  /// Appends the waiting records before a signal ends the process. Does not read the end of the log
  /// from the keystore, because that may wait for a transaction of another thread.
  private func end() {
    state.withLock { state in
      finish(&state, after: nil)
      state.isEnding = true
    }
  }

  /// Appends the waiting records, and brings the log to the disk. Returns its end; nil if there is
  /// no log.
  package func anchorAfterFlush() throws -> AuditAnchor? {
    flush()
    let known = try knownEnd().get()
    guard let anchor = try log.anchor() else { return state.withLock { $0.appended } }
    if known.sequence <= anchor.sequence { return anchor }
    // Somebody replaced the log by an older one. Its next entries must not get numbers that were
    // used already. If the log cannot be locked now, the keystore notes this end anyway.
    try? log.advance(to: known)
    return known
  }

  /// Like `anchorAfterFlush`, for a change of the keystore. If the log cannot be read, returns nil,
  /// and the change is made without a new anchor. If records are required, throws `UnrecordedError`
  /// instead.
  package func anchorToNote() throws -> AuditAnchor? {
    do {
      return try anchorAfterFlush()
    } catch  where (error is IOError || error is AuditError) && state.withLock({ $0.isRequired }) {
      throw UnrecordedError(reason: error)
    } catch is IOError {
      return nil
    } catch is AuditError {
      return nil
    } catch KeystoreError.editedRecord {
      // `keystore check` reports the edited anchor.
      return nil
    }
  }

  /// Returns the last end of the log that the keystore or this process knows. Do not call this
  /// while `state` is locked: it may wait for a transaction of the keystore, whose thread may wait
  /// for `state`.
  private func knownEnd() -> Result<AuditAnchor, any Error> {
    let appended = state.withLock { $0.appended }
    return Result {
      let known = try anchor()
      guard let appended, appended.sequence > known.sequence else { return known }
      return appended
    }
  }

  // MARK: Appending

  private func appendNow(
    _ state: inout State, after known: Result<AuditAnchor, any Error>
  ) throws {
    do {
      try append(&state, waiting: true, after: known)
    } catch {
      state.pending.removeAll(keepingCapacity: true)
      if state.isRequired { throw UnrecordedError(reason: error) }
      noteLoss(error, &state)
    }
  }

  /// True if the waiting records must be appended now: they are the first of this process or a
  /// whole batch, or there is no timer. Otherwise starts the timer.
  private func isDue(_ state: inout State) -> Bool {
    state.appended == nil || state.pending.count >= state.batchLength || !startTimer(&state)
  }

  /// Appends the waiting records. If they cannot be written now, they stay, unless there are too
  /// many.
  private func appendBatch(_ state: inout State, after known: Result<AuditAnchor, any Error>) {
    // Another thread may have appended the records.
    if state.pending.isEmpty { return }
    do {
      try append(&state, waiting: false, after: known)
      state.batchLength = Self.batch
    } catch {
      state.batchLength = state.pending.count + Self.batch
      if state.pending.count >= Self.limit {
        state.pending.removeAll()
        noteLoss(error, &state)
      }
    }
  }

  /// Starts a thread that appends the waiting records after a moment. Returns false if the system
  /// does not allow another thread.
  private func startTimer(_ state: inout State) -> Bool {
    if state.hasTimer { return true }
    state.hasTimer = startThread { [self] in
      repeat { usleep(Self.patience) } while !appendForTimer()
    }
    return state.hasTimer
  }

  /// Appends the waiting records. Returns true if none wait now, so that the timer can end.
  private func appendForTimer() -> Bool {
    let known = knownEnd()
    return state.withLock { state in
      if !state.pending.isEmpty { try? append(&state, waiting: false, after: known) }
      state.hasTimer = !state.pending.isEmpty
      return state.pending.isEmpty
    }
  }

  private func finish(_ state: inout State, after known: Result<AuditAnchor, any Error>?) {
    if !state.pending.isEmpty {
      do {
        try append(&state, waiting: true, after: known)
      } catch {
        state.pending.removeAll()
        noteLoss(error, &state)
      }
    }
  }

  /// Appends the waiting records. If that fails, throws, and the records stay. `known` is the end
  /// of the log that the keystore knows; nil if it was not read.
  private func append(
    _ state: inout State, waiting: Bool, after known: Result<AuditAnchor, any Error>?
  ) throws {
    let appended = state.appended
    let end = try log.append(state.pending, waiting: waiting) {
      guard let known else { return appended ?? .none }
      let anchor = try known.get()
      // Another thread may have appended records in the meantime.
      return appended.map { $0.sequence > anchor.sequence ? $0 : anchor } ?? anchor
    }
    state.pending.removeAll(keepingCapacity: true)
    state.appended = end
    noteWear(at: end.sequence, &state)
  }

  private func noteLoss(_ error: any Error, _ state: inout State) {
    if state.loss == nil { tellLoss(error) }
    state.loss = error
  }

  /// Reports each version that is worn if the last entry of the log has the number `sequence`.
  private func noteWear(at sequence: UInt64, _ state: inout State) {
    for version in state.versions {
      guard let worn = version.worn(at: sequence), !state.worn.contains(version) else { continue }
      state.worn.append(version)
      tellWorn(worn)
    }
  }
}

/// An operation was refused because records are required and its record cannot be written.
package struct UnrecordedError: Error {
  package let reason: any Error
}
