import Envelope
import Foundation
import KMSAPI
import KMSKeystore
import SystemPackage

/// Operations that manage the store itself. Only its owner may do them. The audit log has them under these names.
package enum StoreOperation: String, CaseIterable, Sendable {
  case addProtector = "AddProtector"
  case removeProtector = "RemoveProtector"
  case pruneAuditLog = "PruneAuditLog"
  case acceptRecords = "AcceptRecords"
  case resetKeyPolicy = "ResetKeyPolicy"
  case backupKeystore = "BackupKeystore"
  case createStack = "CreateStack"
  case updateStack = "UpdateStack"
  case deleteStack = "DeleteStack"
  case destroyDue = "DestroyDue"
  case requireAudit = "RequireAudit"
  case stopRequiringAudit = "StopRequiringAudit"
}

extension KeyService {
  /// Runs `body`, and records what became of it. Throws `accessDenied` unless the caller owns the keystore.
  package func managing<Value>(
    _ operation: StoreOperation, _ body: (OperationCall) throws -> Value
  ) throws -> Value {
    try requireOwner(for: operation)
    return try recording(begin(.describeKey, name: operation.rawValue), body)
  }

  /// Throws `accessDenied` unless the caller owns the keystore. To be called before anything is done that others must not
  /// have done. A refusal is recorded if the keystore can be unlocked; a passphrase is asked for only with `byAsking`.
  package func requireOwner(for operation: StoreOperation, byAsking: Bool = true) throws {
    if caller.isOwner { return }
    _ = try? byAsking ? host.unlock() : host.unlockWithoutAsking()
    try recording(begin(.describeKey, name: operation.rawValue)) { _ in
      try caller.requireKnown(toDo: operation.rawValue)
      throw KeyServiceError.accessDenied(
        "\(caller.arn) may not do \(operation.rawValue): only \(owners) may"
      )
    }
  }

  /// The users who may manage the keystore.
  private var owners: String {
    if keystore.owner == 0 { return "the keystore's owner, root," }
    let name = UserNames.name(of: keystore.owner, in: .current()).map { ", \($0)," } ?? ""
    return "the keystore's owner\(name) and root"
  }

  // MARK: Protectors

  /// To be called before a new passphrase is asked for or a key file is made. Throws `accessDenied`, and what unlocking
  /// throws.
  package func prepareToAddProtector() throws {
    try requireOwner(for: .addProtector)
    _ = try unlock()
  }

  /// Adds a protector beside the others; returns it.
  package func addProtector(_ protector: consuming NewProtector) throws -> ProtectorDescription {
    try requireOwner(for: .addProtector)
    // SQLite's lock does not wait for scrypt.
    let record = try unlock().makeProtector(protector, creationDate: host.clock().milliseconds)
    return try managing(.addProtector) { call in
      try call.note(record.description)
      return try call.write { try $0.add(record) }
    }
  }

  /// Removes a protector. Throws `KeystoreError.lastProtector` if it is the only one.
  package func removeProtector(_ protectorID: String) throws {
    try managing(.removeProtector) { call in
      _ = try unlock()
      if let removed = try keystore.protectors().first(where: { $0.id == protectorID }) {
        try call.note(removed)
      }
      try call.write { try $0.removeProtector(protectorID) }
    }
  }

  // MARK: Backup

  /// Copies the store and its audit log, and returns what endangers the copy. Nothing is unlocked for that, so a
  /// backup is not recorded.
  @discardableResult
  package func backup(
    to path: FilePath, replacing: Bool = false, leftovers: Leftovers = Leftovers()
  ) throws -> [KeystoreExposure] {
    try requireOwner(for: .backupKeystore, byAsking: false)
    return try keystore.backup(to: path, replacing: replacing, leftovers: leftovers)
  }
}

extension OperationCall {
  fileprivate func note(_ protector: ProtectorDescription) throws {
    try note(parameters: [("ProtectorId", protector.id), ("Type", protector.kind.rawValue)])
  }
}
