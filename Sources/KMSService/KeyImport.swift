import Envelope
import Foundation
import KMSAPI
import KMSKeystore

/// A key of a keyring file, checked and ready to be stored.
private struct ImportedKey {
  /// The key ID that the key had in another keystore; nil for a key of another program.
  let id: String?
  let spec: KeySpec
  let versions: [NewKeyVersion]
}

/// The import of keys from keyring files.
extension KeyService {
  /// Imports the one key of a keyring file. A key that this program exported gets its own key ID
  /// again, and all its versions. Any other key gets a new key ID, and it can decrypt messages that
  /// know it by its name in the file.
  package func importKey(
    _ file: KeyringFile, description: String = "", alias: String? = nil
  ) throws -> KeyMetadata {
    try recording(begin(.importKeyMaterial, name: "ImportKey")) { call in
      let own = file.keys.filter { $0.providerID == VersionedKeyName.providerID }
      let keys =
        own.isEmpty
        ? try file.keys.map { try $0.foreignKey() } : try Self.ownKeys(own, among: file.keys)
      guard keys.count == 1 else {
        throw KeyServiceError.validation(
          "the file holds \(keys.count) keys; import takes one at a time")
      }
      return try insert(
        keys[0], origin: .external, description: description, aliases: alias.map { [$0] } ?? [],
        in: call)
    }
  }

  /// Stores all keys of a keyring file in a new keystore: those that this program exported with
  /// their key IDs, versions and aliases. They were made by a keystore, so the new one rotates them
  /// as if it had made them. Returns the key of `defaultAlias`, which is created if the file has
  /// none, and the number of keys that the file has.
  package func importAllKeys(_ file: KeyringFile) throws -> (main: KeyMetadata, keyCount: Int) {
    let own = file.keys.filter { $0.providerID == VersionedKeyName.providerID }
    let ownKeys = try Self.ownKeys(own, among: file.keys)
    // A key of the keystore also has the names that other programs' messages know it by.
    let fingerprints = Set(try ownKeys.flatMap(\.versions).compactMap { try $0.fingerprint() })
    let foreign = try file.keys.filter { entry in
      !fingerprints.contains(entry.keyID) && !own.contains { $0.material == entry.material }
    }.map { try $0.foreignKey() }
    let aliases = try Self.aliases(of: file, ownKeys)
    var main: KeyMetadata?
    for key in ownKeys + foreign {
      let names = aliases.filter { $0.value == key.id }.map(\.key).sorted()
      let isMain = names.contains(Self.defaultAlias)
      let metadata = try recording(begin(.importKeyMaterial, name: "ImportKey")) {
        try insert(
          key, origin: key.id == nil ? .external : .awsKMS,
          manager: isMain && key.spec.isRotatable ? .aws : .customer,
          description: isMain ? Self.defaultKeyDescription : "", aliases: names, in: $0)
      }
      if isMain { main = metadata }
    }
    // The file is a copy of these keys.
    keystore.noteCopy(try keystore.view { try $0.copyMoment() })
    return (try main ?? createDefaultKey(), ownKeys.count + foreign.count)
  }

  /// Returns the aliases of the file. If it has none, and only one key of a keystore, that key is
  /// the default key.
  private static func aliases(
    of file: KeyringFile, _ keys: [ImportedKey]
  ) throws(KeyServiceError) -> [String: String] {
    if file.aliases.isEmpty, keys.count == 1, let id = keys[0].id { return [defaultAlias: id] }
    for (alias, keyID) in file.aliases where !keys.contains(where: { $0.id == keyID }) {
      throw .validation("the file has no key '\(keyID)', which it calls '\(alias)'")
    }
    return file.aliases
  }

  private func insert(
    _ key: ImportedKey, origin: KeyOrigin, manager: KeyManager = .customer, description: String,
    aliases: [String], in call: OperationCall
  ) throws -> KeyMetadata {
    try NewKey(
      id: key.id ?? NewKey.newID(), spec: key.spec, usage: key.spec.keyUsages[0], origin: origin,
      manager: manager, description: description, aliases: aliases
    ).insert(key.versions, in: call)
  }

  /// Returns the keys of the entries that this program exported, in the order of the file.
  private static func ownKeys(
    _ own: [KeyringFile.Entry], among all: [KeyringFile.Entry]
  ) throws -> [ImportedKey] {
    var keyIDs: [String] = []
    var numbered: [String: [(number: Int, entry: KeyringFile.Entry)]] = [:]
    for entry in own {
      guard let name = VersionedKeyName(parsing: Array(entry.keyID.utf8)) else {
        throw KeyServiceError.validation("'\(entry.keyID)' is not a key ID with a version")
      }
      if numbered[name.keyID] == nil { keyIDs.append(name.keyID) }
      numbered[name.keyID, default: []].append((Int(name.version), entry))
    }
    let foreign = all.filter {
      // Bare RSA names are not kept, because they follow from the material.
      $0.providerID != VersionedKeyName.providerID
        && $0.providerID != RawRSAKeyring.bareProviderID
    }
    return try keyIDs.map { keyID in
      try ownKey(
        keyID, numbered[keyID, default: []].sorted { $0.number < $1.number }, foreign: foreign)
    }
  }

  private static func ownKey(
    _ keyID: String, _ numbered: [(number: Int, entry: KeyringFile.Entry)],
    foreign: [KeyringFile.Entry]
  ) throws -> ImportedKey {
    guard numbered.map(\.number) == Array(1...numbered.count) else {
      throw KeyServiceError.validation(
        "the versions of key \(keyID) are not 1 to \(numbered.count)")
    }
    let versions = try numbered.map { numbered in
      // If the file has the same material under a foreign name too, the version keeps that name.
      try numbered.entry.newVersion(
        foreign: foreign.first { $0.material == numbered.entry.material })
    }
    guard let spec = versions.first?.spec, versions.allSatisfy({ $0.spec == spec }) else {
      throw KeyServiceError.validation("the versions of key \(keyID) are of different kinds")
    }
    return ImportedKey(id: keyID, spec: spec, versions: versions.map(\.material))
  }
}

extension KeyringFile.Entry {
  /// Returns the key of another program.
  fileprivate func foreignKey() throws -> ImportedKey {
    let version = try newVersion(foreign: self)
    return ImportedKey(id: nil, spec: version.spec, versions: [version.material])
  }

  /// Returns the key as a version of a key of the keystore. `foreign` is the entry with the name
  /// that messages of other programs have for it.
  fileprivate func newVersion(
    foreign: KeyringFile.Entry?
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
    _ = try KeyringFile(keys: [self]).keyrings()
    switch (algorithm, type) {
    case (.aes, _):
      let material = try secretMaterial()
      guard material.count == 32 else {
        throw KeyServiceError.unsupportedOperation(
          "a keystore holds AES keys of 256 bits, this one has \(material.count * 8)")
      }
      return (.symmetricDefault, NewKeyVersion(material: material, foreignName: name))
    case (.rsa, .private):
      let pair = try KeyPair(pkcs8: try RSAPrivateKey(pem: material.bytes).pkcs8())
      return (try Self.spec(of: pair.kind), try NewKeyVersion(keyPair: pair, foreignName: name))
    case (.ecdh, .private):
      let pair = try KeyPair(pkcs8: try ECPrivateKey(pem: material.bytes).pkcs8())
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
