import Synchronization

/// The end of the audit log that the keystore stores (its audit anchor). It is read again only if
/// somebody has written to the keystore in the meantime.
package final class NotedAuditAnchor: Sendable {
  private struct Reading {
    let anchor: AuditAnchor
    let moment: KeystoreMoment
  }

  private let keystore: Keystore
  private let unlocked: UnlockedKeystore
  private let last = Mutex<Reading?>(nil)

  package init(of keystore: Keystore, verifiedBy unlocked: UnlockedKeystore) {
    self.keystore = keystore
    self.unlocked = unlocked
  }

  /// Returns the end that the keystore knows of now; within the transaction of this thread if one
  /// is under way. Throws `KeystoreError.editedRecord`.
  package func current() throws -> AuditAnchor {
    if let last = last.withLock({ $0 }), (try? last.moment.isNow()) ?? false { return last.anchor }
    let reading = try keystore.database.readReentrantly { db in
      Reading(
        anchor: try Keystore.auditAnchor(verifiedBy: unlocked, db),
        moment: try KeystoreMoment(of: keystore, KeystoreView(db, unlocked)))
    }
    last.withLock { $0 = reading }
    return reading.anchor
  }
}
