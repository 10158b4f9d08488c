import Envelope
import Foundation
import KMSAPI
import KMSKeystore
import SystemPackage

/// The operations that manage the keystore itself. Only its owner and root may do them. The raw
/// values are their names in the audit log.
package enum StoreOperation: String, CaseIterable, Sendable {
  case addProtector = "AddProtector"
  case changePassphrase = "ChangePassphrase"
  case removeProtector = "RemoveProtector"
  case pruneAuditLog = "PruneAuditLog"
  case acceptRecords = "AcceptRecords"
  case resetKeyPolicy = "ResetKeyPolicy"
  case exportAllKeys = "ExportAllKeys"
  case backupKeystore = "BackupKeystore"
  case restoreKeystore = "RestoreKeystore"
  case createStack = "CreateStack"
  case updateStack = "UpdateStack"
  case deleteStack = "DeleteStack"
  case destroyDue = "DestroyDue"
  case requireAudit = "RequireAudit"
  case stopRequiringAudit = "StopRequiringAudit"
}

extension KeyService {
  /// Runs `body`, and records its result. Throws `accessDenied` unless the caller is the keystore's
  /// owner or root.
  package func managing<Value>(
    _ operation: StoreOperation, _ body: (OperationCall) throws -> Value
  ) throws -> Value {
    try requireOwner(for: operation)
    return try recording(begin(.describeKey, name: operation.rawValue), body)
  }

  /// Throws `accessDenied` unless the caller is the keystore's owner or root. Call this before the
  /// first step that only they may do. Records a refusal if the keystore can be unlocked. Asks for
  /// a passphrase for that only if `byAsking`.
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

  /// Checks that the caller may add a protector, and unlocks the keystore. Call this before you ask
  /// for a new passphrase or create a key file. Throws `accessDenied`, and the errors of `unlock`.
  package func prepareToAddProtector() throws {
    try requireOwner(for: .addProtector)
    _ = try unlock()
  }

  /// Adds a protector, and returns its description. `willStore` is called in the transaction that
  /// stores it.
  package func addProtector(
    _ protector: consuming NewProtector, label: String? = nil, willStore: () -> Void = {}
  ) throws -> ProtectorDescription {
    try requireOwner(for: .addProtector)
    // Run scrypt before the transaction, because scrypt takes long and the transaction locks the
    // file.
    let record = try unlock().makeProtector(
      protector, label: label, creationDate: host.clock().milliseconds)
    return try managing(.addProtector) { call in
      try call.note(record.description)
      return try call.write {
        willStore()
        return try $0.add(record)
      }
    }
  }

  /// Checks that the caller may change the passphrase, and unlocks the keystore with the present
  /// one. Call this before you ask for a new passphrase. Returns the ID of the protector that the
  /// present passphrase belongs to; nil if the keystore has no passphrase.
  package func prepareToChangePassphrase() throws -> String? {
    try requireOwner(for: .changePassphrase)
    guard try keystore.protectors().contains(where: { $0.kind == .passphrase }) else { return nil }
    try host.reauthenticate()
    return keystore.unlockingProtectorID
  }

  /// Replaces a protector with a new one in one transaction, and returns the description of the new
  /// one. Throws `KeystoreError.noProtector` if the old one was removed meanwhile.
  @discardableResult
  package func changePassphrase(
    of protectorID: String, to protector: consuming NewProtector
  ) throws -> ProtectorDescription {
    try requireOwner(for: .changePassphrase)
    let record = try unlock().makeProtector(protector, creationDate: host.clock().milliseconds)
    return try managing(.changePassphrase) { call in
      try call.note(parameters: [
        ("ProtectorId", protectorID), ("NewProtectorId", record.description.id),
      ])
      return try call.write { try $0.replaceProtector(protectorID, with: record) }
    }
  }

  /// Removes a protector, by its ID or by a label that only it has. Throws
  /// `KeystoreError.lastProtector` if it is the only one, and `validation` if several have the
  /// label.
  package func removeProtector(_ name: String) throws {
    try managing(.removeProtector) { call in
      _ = try unlock()
      let protectors = try keystore.protectors()
      let named = protectors.filter { $0.id == name }
      let found = named.isEmpty ? protectors.filter { $0.label == name } : named
      guard found.count <= 1 else {
        throw KeyServiceError.validation(
          "\(found.count) protectors have the label '\(name)'; their IDs differ")
      }
      if let removed = found.first { try call.note(removed) }
      try call.write { try $0.removeProtector(found.first?.id ?? name) }
    }
  }

  // MARK: Backup

  /// Copies the keystore and its audit log. Returns the reasons why others may get the keys from
  /// the copy. A backup does not unlock the keystore, so it cannot be recorded.
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
    try note(
      parameters: [("ProtectorId", protector.id), ("Type", protector.kind.rawValue)]
        + (protector.label.map { [("Label", $0)] } ?? []))
  }
}
