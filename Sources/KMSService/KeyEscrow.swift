import Envelope
import Foundation
import KMSAPI
import KMSKeystore

/// The export of keys to keyring files, and their import from such files.
extension KeyService {
  /// Returns all versions of a key, under every name by which messages know them. Asks for the
  /// passphrase again if the keystore has one.
  package func exportKey(_ name: String) throws -> KeyringFile {
    try host.reauthenticate()
    return try recording(begin(.describeKey, name: "ExportKey")) {
      try exportKey(name, in: $0)
    }
  }

  private func exportKey(_ name: String, in call: OperationCall) throws -> KeyringFile {
    let unlocked = try unlock()
    let (record, versions) = try call.readVerified { view in
      let record = try call.admit(name, .none, in: view).record
      guard record.currentVersion > 0 else {
        throw KeyServiceError.invalidState(keyID: record.id, state: record.state)
      }
      let versions = try (1...record.currentVersion).map {
        try call.version($0, of: record, in: view)
      }
      return (record, versions)
    }
    guard versions.allSatisfy({ $0.isUsable(at: call.now) }) else {
      throw KeyServiceError.invalidState(keyID: record.id, state: .pendingImport)
    }
    return KeyringFile(
      keys: try versions.flatMap { try entries(for: $0, of: record, unlocked) })
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

  /// Imports the one key of a keyring file. A key that this program exported gets its own key ID
  /// again, and all its versions. Any other key gets a new key ID, and it can decrypt messages that
  /// know it by its name in the file.
  package func importKey(
    _ file: KeyringFile, description: String = "", alias: String? = nil
  ) throws -> KeyMetadata {
    try recording(begin(.importKeyMaterial, name: "ImportKey")) {
      try importKey(file, description: description, alias: alias, in: $0)
    }
  }

  private func importKey(
    _ file: KeyringFile, description: String, alias: String?, in call: OperationCall
  ) throws -> KeyMetadata {
    let own = file.keys.filter { $0.providerID == VersionedKeyName.providerID }
    guard own.isEmpty else {
      return try importOwn(
        own, others: file.keys, description: description, alias: alias, in: call)
    }
    guard file.keys.count == 1 else {
      throw KeyServiceError.validation(
        "the file holds \(file.keys.count) keys; import takes one at a time")
    }
    let version = try newVersion(of: file.keys[0], foreign: file.keys[0])
    return try NewKey(
      spec: version.spec, usage: version.spec.keyUsages[0], origin: .external,
      description: description, alias: alias
    ).insert([version.material], in: call)
  }

  private func importOwn(
    _ own: [KeyringFile.Entry], others: [KeyringFile.Entry], description: String, alias: String?,
    in call: OperationCall
  ) throws -> KeyMetadata {
    var keyIDs: Set<String> = []
    var numbered: [(number: Int, entry: KeyringFile.Entry)] = []
    for entry in own {
      guard let name = VersionedKeyName(parsing: Array(entry.keyID.utf8)) else {
        throw KeyServiceError.validation("'\(entry.keyID)' is not a key ID with a version")
      }
      keyIDs.insert(name.keyID)
      numbered.append((Int(name.version), entry))
    }
    numbered.sort { $0.number < $1.number }
    guard keyIDs.count == 1, let keyID = keyIDs.first else {
      throw KeyServiceError.validation(
        "the file holds \(keyIDs.count) keys; import takes one at a time")
    }
    guard numbered.map(\.number) == Array(1...numbered.count) else {
      throw KeyServiceError.validation("the versions of key \(keyID) are not 1 to \(own.count)")
    }
    let versions = try numbered.map { numbered in
      // If the file has the same material under a foreign name too, the version keeps that name.
      // Bare RSA names are not kept, because they follow from the material.
      let foreign = others.first {
        $0.material == numbered.entry.material && $0.providerID != VersionedKeyName.providerID
          && $0.providerID != RawRSAKeyring.bareProviderID
      }
      return try newVersion(of: numbered.entry, foreign: foreign)
    }
    guard let spec = versions.first?.spec, versions.allSatisfy({ $0.spec == spec }) else {
      throw KeyServiceError.validation("the versions of key \(keyID) are of different kinds")
    }
    return try NewKey(
      id: keyID, spec: spec, usage: spec.keyUsages[0], origin: .external,
      description: description, alias: alias
    ).insert(versions.map(\.material), in: call)
  }

  private func newVersion(
    of entry: KeyringFile.Entry, foreign: KeyringFile.Entry?
  ) throws -> (spec: KeySpec, material: NewKeyVersion) {
    let name = foreign.flatMap { foreign -> NewKeyVersion.ForeignName? in
      if foreign.providerID == RawRSAKeyring.bareProviderID || foreign.algorithm == .ecdh {
        return nil
      }
      let padding = [foreign.paddingAlgorithm?.rawValue, foreign.paddingHash?.rawValue]
        .compactMap { $0 }.joined(separator: "/")
      return NewKeyVersion.ForeignName(
        providerID: foreign.providerID, keyName: foreign.keyID,
        padding: padding.isEmpty ? nil : padding)
    }
    // Making a keyring checks what the entry states about its key.
    _ = try KeyringFile(keys: [entry]).keyrings()
    switch (entry.algorithm, entry.type) {
    case (.aes, _):
      let material = try entry.secretMaterial()
      guard material.count == 32 else {
        throw KeyServiceError.unsupportedOperation(
          "a keystore holds AES keys of 256 bits, this one has \(material.count * 8)")
      }
      return (.symmetricDefault, NewKeyVersion(material: material, foreignName: name))
    case (.rsa, .private):
      let pair = try KeyPair(pkcs8: try RSAPrivateKey(pem: entry.material.bytes).pkcs8())
      return (try Self.spec(of: pair.kind), try NewKeyVersion(keyPair: pair, foreignName: name))
    case (.ecdh, .private):
      let pair = try KeyPair(pkcs8: try ECPrivateKey(pem: entry.material.bytes).pkcs8())
      return (try Self.spec(of: pair.kind), try NewKeyVersion(keyPair: pair))
    case (.rsa, _), (.ecdh, _):
      throw KeyServiceError.unsupportedOperation(
        "a public key alone cannot be imported; encrypt to it with --recipient")
    }
  }

  private static func spec(of kind: KeyPairKind) throws(KeyServiceError) -> KeySpec {
    if let spec = KeySpec.allCases.first(where: { $0.material == .keyPair(kind) }) { return spec }
    guard case .rsa(let bits) = kind else {
      throw .unsupportedOperation("a keystore does not hold \(kind)")
    }
    throw .unsupportedOperation(
      "a keystore holds RSA keys of 2048, 3072 or 4096 bits, this one has \(bits)")
  }
}
