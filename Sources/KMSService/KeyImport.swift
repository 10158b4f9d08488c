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

  func new(
    origin: KeyOrigin, manager: KeyManager = .customer, description: String = "",
    aliases: [String] = []
  ) -> NewKey {
    NewKey(
      id: id ?? NewKey.newID(), spec: spec, usage: spec.keyUsages[0], origin: origin,
      manager: manager, description: description, aliases: aliases)
  }

  /// True if the keystore has this key with all its versions. Throws `alreadyExists` if it has a key
  /// of this ID with other or fewer versions.
  func isPresent(
    in view: KeystoreView, at now: Int64, _ unlocked: UnlockedKeystore
  ) throws -> Bool {
    guard let id, let record = try view.masterKey(id)?.asOf(now) else { return false }
    for (number, version) in zip(Int64(1)..., versions) {
      let stored = number <= record.currentVersion ? try view.version(number, ofKey: id) : nil
      guard try stored?.materialID == unlocked.materialID(version.bytes, keyID: id) else {
        throw KeyServiceError.alreadyExists(
          "key \(id), but without version \(number) of the file,")
      }
    }
    return true
  }
}

/// The import of keys from keyring files.
extension KeyService {
  /// Imports the one key of a keyring file. A key that this program exported gets its own key ID
  /// again, and all its versions. Any other key gets a new key ID, and it can decrypt messages that
  /// know it by its name in the file.
  package func importKey(
    _ file: KeyringFile, description: String = "", alias: String? = nil
  ) throws -> KeyMetadata {
    try importKey(try KeysToImport(file), description: description, alias: alias)
  }

  /// Imports one key.
  package func importKey(
    _ keys: KeysToImport, description: String = "", alias: String? = nil
  ) throws -> KeyMetadata {
    try recording(begin(.importKeyMaterial, name: "ImportKey")) { call in
      guard keys.count == 1 else {
        throw KeyServiceError.validation("the file holds \(keys.count) keys, and not one")
      }
      return try keys.all[0].new(
        origin: .external, description: description, aliases: alias.map { [$0] } ?? []
      ).insert(keys.all[0].versions, in: call)
    }
  }

  /// Imports several keys, all or none, with those of their aliases that name nothing else here.
  /// Passes over keys that the keystore has already. Throws `alreadyExists` if it has a key of this
  /// ID with other or fewer versions.
  package func importKeys(_ keys: KeysToImport) throws -> KeyImport {
    try recording(begin(.importKeyMaterial, name: "ImportKey")) { call in
      let unlocked = try unlock()
      let present = try call.readVerified { view in
        try keys.own.filter { try $0.isPresent(in: view, at: call.now, unlocked) }.compactMap(\.id)
      }
      let missing = keys.all.filter { key in !present.contains { $0 == key.id } }
      let prepared = try missing.map { key in
        (
          names: keys.aliases(of: key),
          key: try key.new(origin: .external).prepare(key.versions, in: call)
        )
      }
      var result = KeyImport(present: present)
      guard !prepared.isEmpty else { return result }
      try call.write { transaction in
        for (names, key) in prepared {
          let metadata = try key.store(in: transaction, call)
          result.imported.append(metadata)
          for name in names {
            do {
              try key.add(alias: name, in: transaction, call)
            } catch KeyServiceError.alreadyExists {
              result.takenAliases.append((name, metadata.keyID))
            }
          }
        }
      }
      return result
    }
  }

  /// Stores all keys of a keyring file in a new keystore: those that this program exported with
  /// their key IDs, versions and aliases. They were made by a keystore, so the new one rotates them
  /// as if it had made them. Returns the key of `defaultAlias`, which is created if the file has
  /// none.
  package func importAllKeys(_ keys: KeysToImport) throws -> KeyMetadata {
    var main: KeyMetadata?
    for key in keys.all {
      // If the file has no aliases, and only one key of a keystore, that key is the default key.
      let isOnly = !keys.hasAliases && keys.own.count == 1 && key.id != nil
      let names = isOnly ? [Self.defaultAlias] : keys.aliases(of: key)
      let isMain = names.contains(Self.defaultAlias)
      let metadata = try recording(begin(.importKeyMaterial, name: "ImportKey")) {
        try key.new(
          origin: key.id == nil ? .external : .awsKMS,
          manager: isMain && key.spec.isRotatable ? .aws : .customer,
          description: isMain ? Self.defaultKeyDescription : "", aliases: names
        ).insert(key.versions, in: $0)
      }
      if isMain { main = metadata }
    }
    // The file is a copy of these keys.
    keystore.noteCopy(try keystore.view { try $0.copyMoment() })
    return try main ?? createDefaultKey()
  }
}

/// The result of an import of several keys.
package struct KeyImport: Sendable {
  package fileprivate(set) var imported: [KeyMetadata] = []
  /// The IDs of the keys that the keystore had already.
  package let present: [String]
  /// The aliases that name other keys here, with the IDs of the imported keys.
  package fileprivate(set) var takenAliases: [(alias: String, keyID: String)] = []

  fileprivate init(present: [String]) { self.present = present }
}

/// The keys of a keyring file, checked and ready to be stored.
package struct KeysToImport {
  fileprivate let own: [ImportedKey]
  fileprivate let foreign: [ImportedKey]
  private let aliases: [String: String]

  /// Throws `KeyServiceError` if the file cannot be imported.
  package init(_ file: KeyringFile) throws {
    let ownEntries = file.keys.filter { $0.providerID == VersionedKeyName.providerID }
    let own = try Self.ownKeys(ownEntries, among: file.keys)
    // A key of the keystore also has the names that other programs' messages know it by.
    let fingerprints = Set(try own.flatMap(\.versions).compactMap { try $0.fingerprint() })
    foreign = try file.keys.filter { entry in
      !fingerprints.contains(entry.keyID) && !ownEntries.contains { $0.material == entry.material }
    }.map { try $0.foreignKey() }
    for (alias, keyID) in file.aliases {
      try KeyName.validate(alias: alias)
      guard own.contains(where: { $0.id == keyID }) else {
        throw KeyServiceError.validation(
          "the file has no key '\(keyID)', which it calls '\(alias)'")
      }
    }
    self.own = own
    aliases = file.aliases
  }

  package var count: Int { own.count + foreign.count }
  fileprivate var all: [ImportedKey] { own + foreign }
  fileprivate var hasAliases: Bool { !aliases.isEmpty }

  fileprivate func aliases(of key: ImportedKey) -> [String] {
    aliases.filter { $0.value == key.id }.map(\.key).sorted()
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
