import Envelope
import Foundation
import KMSAPI
import KMSKeystore

/// The keys of a keystore in a keyring file, and what is not in the file.
package struct KeyExport: Sendable {
  package private(set) var file = KeyringFile(keys: [])
  package private(set) var keyCount = 0
  package private(set) var versionCount = 0
  /// The keys that open no messages: HMAC keys and signing keys.
  package fileprivate(set) var unsuitable: [String] = []
  /// The keys without material: it was never imported, or has expired.
  package fileprivate(set) var withoutMaterial: [String] = []
  /// The keys that could not be exported, with the reasons.
  package fileprivate(set) var refused: [(keyID: String, reason: any Error)] = []
  /// The moment at which the keys were listed; nil if a key is missing in the file.
  fileprivate var moment: UInt32?
  /// The names of keys that were edited or removed by hand.
  package fileprivate(set) var damaged: [String] = []

  /// True if the file has every key of the keystore that has material.
  fileprivate var isComplete: Bool { unsuitable.isEmpty && refused.isEmpty && damaged.isEmpty }

  fileprivate mutating func add(_ key: ExportedKey) {
    file.keys += key.file.keys
    file.aliases.merge(key.file.aliases) { first, _ in first }
    keyCount += 1
    versionCount += key.versionCount
  }
}

/// One key in a keyring file.
private struct ExportedKey {
  let file: KeyringFile
  let versionCount: Int
}

/// The export of keys to keyring files.
extension KeyService {
  /// Returns all versions of a key, under every name by which messages know them. Asks for the
  /// passphrase again if the keystore has one.
  package func exportKey(_ name: String) throws -> KeyExport {
    try host.reauthenticate()
    var export = KeyExport()
    let moment = try counts().keys == 1 ? keystore.view { try $0.copyMoment() } : nil
    export.add(try exportAndRecord(name))
    export.moment = moment
    return export
  }

  /// Returns all versions of every key that opens messages. Only the keystore's owner may do this,
  /// and each key's policy is asked too. Asks for the passphrase again if the keystore has one.
  /// A key that cannot be exported does not keep the others from being exported.
  package func exportAllKeys() throws -> KeyExport {
    try requireOwner(for: .exportAllKeys)
    try host.reauthenticate()
    return try managing(.exportAllKeys) { call in
      var export = KeyExport()
      let (keys, damaged, moment) = try call.readVerified { view in
        let (keys, damaged) = try view.allMasterKeys()
        return (keys, damaged, try view.copyMoment())
      }
      export.damaged = damaged
      for key in keys.compactMap({ $0.asOf(call.now) }) {
        guard key.opensMessages else {
          export.unsuitable.append(key.id)
          continue
        }
        do {
          export.add(try exportAndRecord(key.id))
        } catch KeyServiceError.invalidState {
          export.withoutMaterial.append(key.id)
        } catch let error as KeyServiceError {
          export.refused.append((key.id, error))
        } catch let error as KeystoreError {
          guard case .editedRecord = error else { throw error }
          export.refused.append((key.id, error))
        }
      }
      if export.isComplete { export.moment = moment }
      try call.note(parameters: [
        ("Keys", "\(export.keyCount)"), ("Versions", "\(export.versionCount)"),
      ])
      try call.noteIfWritable()
      return export
    }
  }

  /// Notes that the file is written, so that nobody is reminded to make a copy of these keys. Does
  /// nothing if a key is missing in it.
  package func noteCopy(_ export: KeyExport) {
    if let moment = export.moment { keystore.noteCopy(moment) }
  }

  private func exportAndRecord(_ name: String) throws -> ExportedKey {
    try recording(begin(.describeKey, name: "ExportKey")) { try exportKey(name, in: $0) }
  }

  private func exportKey(_ name: String, in call: OperationCall) throws -> ExportedKey {
    let unlocked = try unlock()
    let (record, versions, aliases) = try call.readVerified { view in
      let record = try call.admit(name, .none, in: view).record
      guard record.currentVersion > 0 else {
        throw KeyServiceError.invalidState(keyID: record.id, state: record.state)
      }
      let versions = try (1...record.currentVersion).map {
        try call.version($0, of: record, in: view)
      }
      return (record, versions, try aliasNames(of: record, in: view))
    }
    guard versions.allSatisfy({ $0.isUsable(at: call.now) }) else {
      throw KeyServiceError.invalidState(keyID: record.id, state: .pendingImport)
    }
    return ExportedKey(
      file: KeyringFile(
        keys: try versions.flatMap { try entries(for: $0, of: record, unlocked) },
        aliases: Dictionary(uniqueKeysWithValues: aliases.map { ($0, record.id) })),
      versionCount: versions.count)
  }

  /// Returns the names of the aliases of a key; none if one of them is damaged. The key is worth
  /// more than its names.
  private func aliasNames(of key: MasterKeyRecord, in view: KeystoreView) throws -> [String] {
    do {
      return try view.aliases(ofKey: key.id).map(\.name)
    } catch KeystoreError.editedRecord {
      return []
    }
  }

  private func entries(
    for version: KeyVersionRecord, of record: MasterKeyRecord, _ unlocked: UnlockedKeystore
  ) throws -> [KeyringFile.Entry] {
    let material = try unlocked.unwrap(version)
    var names = [
      (VersionedKeyName.providerID, "\(version.keyID)/\(version.version)", "oaep-mgf1/sha256")
    ]
    if let providerID = version.foreignProviderID, let keyName = version.foreignKeyName {
      names.append((providerID, keyName, version.foreignPadding ?? ""))
    }
    switch (record.usage, record.spec.material) {
    case (.encryptDecrypt, .aes256):
      let text = SecretText(Base64.encodeSecret(material))
      return names.map {
        KeyringFile.Entry(
          providerID: $0.0, keyID: $0.1, algorithm: .aes, type: .symmetric, bits: 256,
          encoding: .base64, material: text)
      }
    case (.encryptDecrypt, .keyPair(.rsa(let bits))):
      names.insert(
        (RawRSAKeyring.bareProviderID, version.fingerprint ?? "", "oaep-mgf1/sha256"), at: 1)
      let pem = SecretText(PEM.text(pkcs8: material))
      return names.map {
        let padding = $0.2.split(separator: "/")
        return KeyringFile.Entry(
          providerID: $0.0, keyID: $0.1, algorithm: .rsa, type: .private, bits: bits,
          encoding: .pem, material: pem,
          paddingAlgorithm: padding.first.flatMap { .init(rawValue: String($0)) },
          paddingHash: padding.dropFirst().first.flatMap { .init(rawValue: String($0)) })
      }
    case (.keyAgreement, .keyPair(.ec(let curve))):
      let pem = SecretText(PEM.text(pkcs8: material))
      return [names[0], (RawECDHKeyring.providerID, version.fingerprint ?? "", "")].map {
        KeyringFile.Entry(
          providerID: $0.0, keyID: $0.1, algorithm: .ecdh, type: .private, bits: curve.bits,
          encoding: .pem, material: pem)
      }
    default:
      throw KeyServiceError.unsupportedOperation(
        "a keyring file holds keys that open messages; key \(record.id) is for "
          + record.usage.rawValue)
    }
  }
}

extension MasterKeyRecord {
  /// True if messages can be encrypted to the key, so that a keyring file can hold it.
  fileprivate var opensMessages: Bool {
    switch (usage, spec.material) {
    case (.encryptDecrypt, .aes256), (.encryptDecrypt, .keyPair(.rsa)): true
    case (.keyAgreement, .keyPair(.ec)): true
    default: false
    }
  }
}

extension OperationCall {
  /// Records that the operation is done, and notes the end of the audit log in the keystore, unless
  /// the keystore cannot be written.
  fileprivate func noteIfWritable() throws {
    do {
      try write { _ in }
    } catch KeystoreError.readOnly {
    } catch let error as IOError where error.errno == .noSpace {
    }
  }
}
