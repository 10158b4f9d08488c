import Envelope
import Foundation
import KMSKeystore
import Synchronization
import SystemPackage

/// The parts that all requests to one keystore share: the keystore and its root key, the audit
/// trail and the clock. Several threads can use it at the same time.
package final class KeyServiceHost: Sendable {
  package let keystore: Keystore
  /// Returns the current date.
  let clock: @Sendable () -> Date
  private let secrets: any UnlockingSecrets
  private let listener: KeyServiceListener

  private struct State {
    var trail: AuditTrail?
    var leftovers: Leftovers?
    var hasToldClockSetBack = false
    var hasBegunDueChanges = false
  }

  private let state = Mutex(State())

  package init(
    _ keystore: Keystore, secrets: any UnlockingSecrets,
    clock: @escaping @Sendable () -> Date = { Date() },
    listener: KeyServiceListener = KeyServiceListener()
  ) {
    self.keystore = keystore
    self.secrets = secrets
    self.clock = clock
    self.listener = listener
  }

  /// Returns a host for another keystore that the same secrets unlock.
  func sharing(_ other: Keystore) -> KeyServiceHost {
    KeyServiceHost(other, secrets: secrets, clock: clock, listener: listener)
  }

  // MARK: Unlocking

  /// Unlocks the keystore unless it is unlocked already.
  func unlock() throws -> UnlockedKeystore { try keystore.unlock(with: secrets) }

  /// True if a person must be asked for a passphrase before a key can be used.
  package func mustAsk() throws -> Bool { try keystore.mustAsk(for: secrets) }

  /// Unlocks the keystore if no passphrase is needed.
  func unlockWithoutAsking() throws -> UnlockedKeystore {
    try keystore.unlock(with: UnaskedSecrets(keyFile: secrets.keyFile))
  }

  /// Unlocks the keystore to look for damage. Also accepts a protector that the ledger does not
  /// list.
  func unlockForCheck() throws -> UnlockedKeystore {
    try keystore.unlock(with: secrets, anyProtector: true)
  }

  /// Unlocks the keystore again, with its passphrase if it has one.
  func reauthenticate() throws { try keystore.reauthenticate(with: secrets) }

  // MARK: Time

  /// Tells the listener once that the clock was set back.
  func tell(_ setBack: ClockSetBack?) {
    guard let setBack else { return }
    let isNew = state.withLock { state in
      defer { state.hasToldClockSetBack = true }
      return !state.hasToldClockSetBack
    }
    if isNew { listener.clockWasSetBack(setBack) }
  }

  /// Returns true for the first caller only. That caller then makes the changes that are due
  /// (`DueChanges`).
  func beginDueChanges() -> Bool {
    state.withLock { state in
      defer { state.hasBegunDueChanges = true }
      return !state.hasBegunDueChanges
    }
  }

  /// True if `beginDueChanges` was called in this process.
  var hasBegunDueChanges: Bool { state.withLock { $0.hasBegunDueChanges } }

  // MARK: Audit

  /// Lets the audit trail delay records for a moment, so that a command over many files appends
  /// many of them at once. This ends with `finishRecords`, or when `leftovers` sees a signal that
  /// ends the process.
  package func keepRecordsBack(until leftovers: Leftovers) {
    state.withLock { state in
      state.leftovers = leftovers
      state.trail?.keepBack(until: leftovers)
    }
  }

  /// Writes the records that wait to be written. Call this before the process ends. Returns false
  /// if records of this process are missing in the audit log; the listener was told about that.
  /// Returns true for a keystore on a read-only medium, because nothing can be written beside it.
  package func finishRecords() -> Bool {
    guard let loss = trailIfOpen?.finish() else { return true }
    return (loss as? IOError)?.errno == .readOnlyFileSystem && keystore.isOnReadOnlyMedium
  }

  /// The audit trail; nil if this process has not used it yet.
  var trailIfOpen: AuditTrail? { state.withLock { $0.trail } }

  /// Returns the audit trail; nil if the keystore is locked.
  func trail() throws -> AuditTrail? {
    if let trail = trailIfOpen { return trail }
    guard let unlocked = keystore.unlockedStore else { return nil }
    let anchor = NotedAuditAnchor(of: keystore, verifiedBy: unlocked)
    let trail = AuditTrail(
      try keystore.auditLog(unlocked), isRequired: keystore.requiresAudit,
      anchor: { try anchor.current() },
      tellLoss: listener.recordsWereLost, tellWorn: listener.versionIsWorn)
    return state.withLock { state in
      // Another thread may have made it in the meantime.
      if let trail = state.trail { return trail }
      if let leftovers = state.leftovers { trail.keepBack(until: leftovers) }
      state.trail = trail
      return trail
    }
  }
}

/// The functions that a host calls to report events.
package struct KeyServiceListener: Sendable {
  /// Called once if the audit log cannot be written.
  package var recordsWereLost: @Sendable (any Error) -> Void = { _ in }
  /// Called once for each worn version (`WornVersion`): it may have encrypted too often for AES-GCM
  /// with random nonces.
  package var versionIsWorn: @Sendable (WornVersion) -> Void = { _ in }
  /// Called once if the clock went back after a key was found to be due for destruction.
  package var clockWasSetBack: @Sendable (ClockSetBack) -> Void = { _ in }

  package init() {}
}

/// The secrets that are available without asking anybody.
private struct UnaskedSecrets: UnlockingSecrets {
  let keyFile: FilePath?

  func passphrase() -> SecretBytes? { nil }
}
