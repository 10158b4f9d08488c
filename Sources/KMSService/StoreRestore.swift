import Envelope
import KMSAPI
import KMSKeystore
import SystemPackage

/// The result of a restore.
package struct StoreRestore: Sendable {
  package let path: FilePath
  package let check: KeystoreCheck
  /// The reasons why others may get the keys from the restored keystore.
  package let exposures: [KeystoreExposure]
  /// True if the audit log has the record of the restore.
  package let isRecorded: Bool
}

extension KeyService {
  /// Checks this keystore, a backup, and copies it with its audit log to `path`: the place of a
  /// lost keystore or, with `replacing`, of another state of the same one. The audit log of the
  /// restored keystore has a record of it. Only the owner of both files may do this. Throws
  /// `KeystoreRestoreError`, `KeystoreBackupError` and the errors of `unlock`.
  package func restore(
    to path: FilePath, replacing: Bool = false, leftovers: Leftovers = Leftovers()
  ) throws -> StoreRestore {
    try requireOwner(for: .restoreKeystore)
    let place = try keystore.placeToRestore(at: path, replacing: replacing)
    try requireOwner(ofKeystoreAt: place)
    let check = try keystore.check(with: try unlock())
    let damage = check.damage.filter { if case .audit = $0 { false } else { true } }
    guard damage.isEmpty else { throw KeystoreRestoreError.damaged(keystore.path, damage) }
    let restored = try keystore.restore(to: place, replacing: replacing, leftovers: leftovers)
    restored.leaveOpen()
    // The backup is a copy of these keys.
    restored.noteCopy(try restored.view { try $0.copyMoment() })
    return StoreRestore(
      path: place, check: check, exposures: try restored.exposures(),
      isRecorded: try recordRestore(of: restored, check))
  }

  /// Throws `accessDenied` unless the caller owns the keystore that would be replaced.
  private func requireOwner(ofKeystoreAt path: FilePath) throws {
    guard let status = try FileStatus.at(path) else { return }
    let there = Caller.current(keystoreOwner: status.owner)
    guard there.isOwner else {
      throw KeyServiceError.accessDenied(
        "\(there.arn) may not do \(StoreOperation.restoreKeystore.rawValue): the keystore that "
          + "would be replaced belongs to another user")
    }
  }

  /// Records the restore in the log of the restored keystore, and notes the record there. Returns
  /// false if that failed; the listener was told about it.
  private func recordRestore(of restored: Keystore, _ check: KeystoreCheck) throws -> Bool {
    let service = try KeyService(host.sharing(restored))
    guard restored.unlockedStore != nil else { return true }
    try service.managing(.restoreKeystore) { call in
      try call.note(parameters: [
        ("Keys", "\(check.keys)"), ("Versions", "\(check.versions)"),
        ("AuditRecords", "\(check.auditRecords)"),
      ])
      try call.write { _ in }
    }
    return service.finishRecords()
  }
}
