import Envelope
import Foundation
import Synchronization

/// The records that this process makes, on their way to the audit log.
///
/// A record is in the log before what it is of is given out: `add` appends it. Of a keystore that does not
/// require that, a run over many files may keep records back for a moment, so that it does not append one
/// for each file: at most 256, for at most 100 ms, and until `finish`, which every way out of the process
/// comes by. A signal that ends the process finds them too.
package final class AuditTrail: Sendable {
  private struct State {
    /// True if nothing is done that cannot be recorded.
    var isRequired: Bool
    var pending: [AuditRecord] = []
    /// Until when records may be kept back, and whether they are.
    var leftovers: Leftovers?
    var isBatching = false
    /// The end of the log after the last append; nil before the first.
    var appended: AuditAnchor?
    /// How many records wait when they are appended.
    var batch = AuditTrail.batch
    var hasTimer = false
    /// Why records of this process are not in the log.
    var loss: (any Error)?
    /// True if a signal is about to end the process.
    var isEnding = false
    /// The versions that the records of this process are of.
    var versions: [VersionUse] = []
    /// Those of which it was told that they are worn.
    var worn: [VersionUse] = []
  }

  private let log: AuditLog
  private let anchor: @Sendable () throws -> AuditAnchor
  private let tellLoss: @Sendable (any Error) -> Void
  private let tellWorn: @Sendable (WornVersion) -> Void
  private let state: Mutex<State>

  /// The most records that wait for others, and for how many microseconds.
  static let batch = 256
  static let patience: useconds_t = 100_000
  /// The most records that wait for a log that cannot be written.
  static let limit = 100_000

  /// With `isRequired` what cannot be recorded is not done. `tellLoss` hears, once, of records that could
  /// not be written.
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

  /// Keeps records back, if the keystore allows it, as soon as `leftovers` sees signals that end the process.
  package func keepBack(until leftovers: Leftovers) {
    state.withLock { if !$0.isRequired { $0.leftovers = leftovers } }
  }

  /// Has this process not do what cannot be recorded, whatever the keystore says.
  package func requireRecords() {
    state.withLock { state in
      state.isRequired = true
      state.isBatching = false
      state.leftovers = nil
    }
  }

  /// Throws `UnrecordedError` if the keystore requires records and these cannot be written. `versions` are
  /// those of symmetric keys that the records are of.
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
      // Nothing more is given out: the signal is on its way.
      while true { pause() }
    }
  }

  /// The next step for records that were added.
  private enum Next { case wait, appendBatch, appendThese, end }

  /// Appends what waits. If that cannot be now, it goes on waiting.
  package func flush() {
    if state.withLock({ $0.pending.isEmpty }) { return }
    let known = knownEnd()
    state.withLock { state in
      if !state.pending.isEmpty { try? append(&state, waiting: true, after: known) }
    }
  }

  /// Appends what waits, and says if something could not be. Returns why records of this process are not in
  /// the log, nil if all are.
  package func finish() -> (any Error)? {
    let known = state.withLock { $0.pending.isEmpty } ? nil : knownEnd()
    return state.withLock { state in
      finish(&state, after: known)
      return state.loss
    }
  }

  /// Before a signal ends the process. Does not ask the keystore, because a transaction of another
  /// thread may be waiting for a lock.
  private func end() {
    state.withLock { state in
      finish(&state, after: nil)
      state.isEnding = true
    }
  }

  /// The end of the log after all that waits is appended, on the disk; nil if there is no log.
  package func anchorAfterFlush() throws -> AuditAnchor? {
    flush()
    let known = try knownEnd().get()
    guard let anchor = try log.anchor() else { return state.withLock { $0.appended } }
    if known.sequence <= anchor.sequence { return anchor }
    // An older log was put in its place: its numbers are not given twice, and the gap stays, also
    // if somebody holds the lock now.
    try? log.advance(to: known)
    return known
  }

  /// The same for a change of the keystore that goes on without a note if the log cannot be read.
  /// Throws `UnrecordedError` if the keystore requires records.
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
      // The check names the anchor.
      return nil
    }
  }

  /// The last end of the log that the keystore, or this process, knows of. Not to be called under
  /// the lock of `state`, for which the thread waits that has a transaction of the keystore.
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
      lose(error, &state)
    }
  }

  /// True for the first record of a run, and for a whole batch. Others wait for a moment.
  private func isDue(_ state: inout State) -> Bool {
    state.appended == nil || state.pending.count >= state.batch || !startTimer(&state)
  }

  /// Appends what waits. If it cannot be now, it goes on waiting.
  private func appendBatch(_ state: inout State, after known: Result<AuditAnchor, any Error>) {
    // Another thread may have appended it.
    if state.pending.isEmpty { return }
    do {
      try append(&state, waiting: false, after: known)
      state.batch = Self.batch
    } catch {
      state.batch = state.pending.count + Self.batch
      if state.pending.count >= Self.limit {
        state.pending.removeAll()
        lose(error, &state)
      }
    }
  }

  /// Sees to it that nothing waits for longer than a moment. False if the system grants no thread.
  private func startTimer(_ state: inout State) -> Bool {
    if state.hasTimer { return true }
    state.hasTimer = startThread { [self] in
      repeat { usleep(Self.patience) } while !isDone()
    }
    return state.hasTimer
  }

  /// True if the timer has nothing to wait for any more.
  private func isDone() -> Bool {
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
        lose(error, &state)
      }
    }
  }

  /// Throws if nothing was appended; the records wait then. `known` is the end of the log that the
  /// keystore knows of, nil if it was not asked.
  private func append(
    _ state: inout State, waiting: Bool, after known: Result<AuditAnchor, any Error>?
  ) throws {
    let appended = state.appended
    let end = try log.append(state.pending, waiting: waiting) {
      guard let known else { return appended ?? .none }
      let anchor = try known.get()
      // Another thread may have appended since.
      return appended.map { $0.sequence > anchor.sequence ? $0 : anchor } ?? anchor
    }
    state.pending.removeAll(keepingCapacity: true)
    state.appended = end
    noteWear(at: end.sequence, &state)
  }

  private func lose(_ error: any Error, _ state: inout State) {
    if state.loss == nil { tellLoss(error) }
    state.loss = error
  }

  private func noteWear(at sequence: UInt64, _ state: inout State) {
    for version in state.versions {
      guard let worn = version.worn(at: sequence), !state.worn.contains(version) else { continue }
      state.worn.append(version)
      tellWorn(worn)
    }
  }
}

/// Nothing was done: the keystore requires that it be recorded, and it cannot be.
package struct UnrecordedError: Error {
  package let reason: any Error
}
