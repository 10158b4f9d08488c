import Foundation
import GRDB
import Synchronization

/// What this process has to say to the audit log. The first record is appended at once, those of a
/// long run in batches; whoever lets go of the trail sees to it that the last ones are there.
final class AuditTrail: Sendable {
  private struct State {
    var pending: [AuditRecord] = []
    /// When the oldest of them came, or the last append was; nil before the first.
    var since: ContinuousClock.Instant?
    /// Told once.
    var failure: (any Error)?
  }

  private let log: AuditLog
  private let anchor: @Sendable () throws -> AuditAnchor
  private let tellFailure: @Sendable (any Error) -> Void
  private let state = Mutex(State())

  /// The most records that wait, and for how long.
  private static let batch = 256
  private static let patience = Duration.milliseconds(100)

  init(
    _ log: AuditLog, anchor: @escaping @Sendable () throws -> AuditAnchor,
    tellFailure: @escaping @Sendable (any Error) -> Void
  ) {
    self.log = log
    self.anchor = anchor
    self.tellFailure = tellFailure
  }

  deinit { flush() }

  func add(_ records: [AuditRecord]) {
    state.withLock { state in
      state.pending += records
      let now = ContinuousClock.now
      if let since = state.since, state.pending.count < Self.batch, now - since < Self.patience {
        return
      }
      append(&state)
      state.since = now
    }
  }

  /// Appends what waits.
  func flush() { state.withLock { append(&$0) } }

  /// Where the log is after all that waits is appended, on the disk; nil where there is none.
  func anchorAfterFlush() throws -> AuditAnchor? {
    flush()
    return try log.anchor()
  }

  /// A log that cannot be written does not keep anybody from the keys: it is said, once.
  private func append(_ state: inout State) {
    if state.pending.isEmpty { return }
    defer { state.pending.removeAll(keepingCapacity: true) }
    do {
      try log.append(state.pending, after: anchor)
    } catch {
      if state.failure == nil { tellFailure(error) }
      state.failure = error
    }
  }
}
