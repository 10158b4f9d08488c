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
    /// The versions that the records of this process are of.
    var versions: [VersionUse] = []
    /// Those of which it was told that they are worn.
    var worn: [VersionUse] = []
  }

  private let log: AuditLog
  private let anchor: @Sendable () throws -> AuditAnchor
  private let tellFailure: @Sendable (any Error) -> Void
  private let tellWorn: @Sendable (WornVersion) -> Void
  private let state = Mutex(State())

  /// The most records that wait, and for how long.
  private static let batch = 256
  private static let patience = Duration.milliseconds(100)

  init(
    _ log: AuditLog, anchor: @escaping @Sendable () throws -> AuditAnchor,
    tellFailure: @escaping @Sendable (any Error) -> Void,
    tellWorn: @escaping @Sendable (WornVersion) -> Void = { _ in }
  ) {
    self.log = log
    self.anchor = anchor
    self.tellFailure = tellFailure
    self.tellWorn = tellWorn
  }

  deinit { flush() }

  /// `versions` are those of symmetric keys that the records are of.
  func add(_ records: [AuditRecord], of versions: [VersionUse] = []) {
    state.withLock { state in
      state.pending += records
      for version in versions where !state.versions.contains(version) {
        state.versions.append(version)
      }
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
    guard let anchor = try log.anchor() else { return nil }
    let known = try self.anchor()
    if known.sequence <= anchor.sequence { return anchor }
    // An older log was put in its place: its numbers are not given twice, and the gap stays.
    try log.advance(to: known)
    return try log.anchor()
  }

  /// A log that cannot be written does not keep anybody from the keys: it is said, once.
  private func append(_ state: inout State) {
    if state.pending.isEmpty { return }
    defer { state.pending.removeAll(keepingCapacity: true) }
    do {
      noteWear(at: try log.append(state.pending, after: anchor), &state)
    } catch {
      if state.failure == nil { tellFailure(error) }
      state.failure = error
    }
  }

  private func noteWear(at sequence: UInt64, _ state: inout State) {
    for version in state.versions {
      guard let worn = version.worn(at: sequence), !state.worn.contains(version) else { continue }
      state.worn.append(version)
      tellWorn(worn)
    }
  }
}
