import Foundation
import GRDB

/// The KMS operations over a keystore: one point that every use of a key passes.
public final class KeyService {
  public let keystore: Keystore
  private let secrets: any UnlockingSecrets
  private let now: () -> Date

  public init(
    _ keystore: Keystore, secrets: any UnlockingSecrets, now: @escaping () -> Date = { Date() }
  ) {
    self.keystore = keystore
    self.secrets = secrets
    self.now = now
  }

  // MARK: Keys

  /// The most characters of a description.
  static let descriptionLimit = 8192

  /// CreateKey; with `alias`, CreateAlias in the same transaction.
  public func createKey(
    spec: KeySpec = .symmetricDefault, description: String = "", alias: String? = nil
  ) throws -> KeyMetadata {
    if let bits = spec.rsaBits {
      let key = try RSAPrivateKey.generate(bits: bits)
      let publicKey = try key.publicKey()
      return try insert(
        spec: spec, origin: .awsKMS, description: description, alias: alias,
        materials: [NewKeyVersion(material: key.pkcs8(), publicKey: publicKey)])
    }
    return try insert(
      spec: spec, origin: .awsKMS, description: description, alias: alias,
      materials: [NewKeyVersion(material: .random(count: 32), publicKey: nil)])
  }

  /// Inserts a key with the given versions, from 1 on.
  func insert(
    id: String = UUID().uuidString.lowercased(), spec: KeySpec, origin: KeyOrigin,
    description: String, alias: String?, materials: [NewKeyVersion]
  ) throws -> KeyMetadata {
    guard description.count <= Self.descriptionLimit else {
      throw KeyServiceError.validation(
        "a description has at most \(Self.descriptionLimit) characters, this one has "
          + "\(description.count)")
    }
    if let alias { try KeyName.validate(alias: alias) }
    let unlocked = try unlock()
    let date = now().milliseconds
    let record = try unlocked.authenticating(
      MasterKeyRecord(
        id: id, spec: spec, usage: .encryptDecrypt, state: .enabled, origin: origin,
        manager: .customer, description: description, creationDate: date,
        currentVersion: Int64(materials.count)))
    let versions = try materials.enumerated().map { index, material in
      let version = Int64(index + 1)
      let (nonce, wrapped) = try unlocked.wrap(material.bytes, keyID: id, version: version)
      return try unlocked.authenticating(
        KeyVersionRecord(
          keyID: id, version: version, creationDate: date,
          publicKey: try material.publicKey.map { Data(try $0.subjectPublicKeyInfo()) },
          fingerprint: try material.publicKey?.fingerprint(),
          foreignProviderID: material.foreignName?.providerID,
          foreignKeyName: material.foreignName?.keyName,
          foreignPadding: material.foreignName?.padding, nonce: nonce, wrappedMaterial: wrapped))
    }
    try keystore.write { db in
      guard try !MasterKeyRecord.exists(db, key: id) else {
        throw KeyServiceError.alreadyExists("key \(id)")
      }
      try record.insert(db)
      for version in versions { try version.insert(db) }
      if let alias { try insert(alias: alias, target: id, date: date, unlocked, db) }
    }
    return KeyMetadata(record)
  }

  /// DescribeKey.
  public func describeKey(_ name: String) throws -> KeyMetadata {
    KeyMetadata(try keystore.read { try self.record(named: name, $0) })
  }

  /// The versions of a key, oldest first.
  public func keyVersions(_ name: String) throws -> [KeyVersionDescription] {
    try keystore.read { db in
      let record = try self.record(named: name, db)
      return try KeyVersionRecord.filter(Column("keyID") == record.id).order(Column("version"))
        .fetchAll(db).map(KeyVersionDescription.init)
    }
  }

  /// ListKeys, oldest first.
  public func listKeys() throws -> [KeyMetadata] {
    try keystore.read {
      try MasterKeyRecord.all($0, orderedBy: "creationDate, id")
    }.map(KeyMetadata.init)
  }

  /// GetPublicKey: the current version's, as PEM.
  public func publicKey(_ name: String) throws -> (metadata: KeyMetadata, pem: String) {
    let key = try usableKey(named: name)
    guard let bytes = key.version.publicKey else {
      throw KeyServiceError.unsupportedOperation(
        "a \(key.record.spec.rawValue) key has no public key")
    }
    return (KeyMetadata(key.record), try RSAPublicKey(subjectPublicKeyInfo: Array(bytes)).pem())
  }

  // MARK: Aliases

  /// CreateAlias.
  public func createAlias(_ alias: String, target: String) throws {
    try KeyName.validate(alias: alias)
    let unlocked = try unlock()
    try keystore.write { db in
      let key = try verified(try record(named: target, db), unlocked)
      try insert(alias: alias, target: key.id, date: now().milliseconds, unlocked, db)
    }
  }

  /// UpdateAlias: the alias stands for another key.
  public func updateAlias(_ alias: String, target: String) throws {
    try KeyName.validate(alias: alias)
    let unlocked = try unlock()
    try keystore.write { db in
      guard var record = try AliasRecord.first(db, where: "name = ?", [alias]) else {
        throw KeyServiceError.notFound(alias)
      }
      try unlocked.verify(record)
      record.targetKeyID = try verified(try self.record(named: target, db), unlocked).id
      record.lastUpdatedDate = now().milliseconds
      try unlocked.authenticating(record).update(db)
    }
  }

  /// DeleteAlias. The key stays.
  public func deleteAlias(_ alias: String) throws {
    _ = try unlock()
    try keystore.write { db in
      guard try AliasRecord.deleteOne(db, key: alias) else {
        throw KeyServiceError.notFound(alias)
      }
    }
  }

  /// ListAliases, by name; those of one key where `target` names it.
  public func listAliases(target: String? = nil) throws -> [AliasListEntry] {
    try keystore.read { db in
      var request = AliasRecord.order(Column("name"))
      if let target {
        request = request.filter(Column("targetKeyID") == (try record(named: target, db)).id)
      }
      return try request.fetchAll(db).map(AliasListEntry.init)
    }
  }

  private func insert(
    alias: String, target: String, date: Int64, _ unlocked: UnlockedKeystore, _ db: Database
  ) throws {
    guard try !AliasRecord.exists(db, key: alias) else {
      throw KeyServiceError.alreadyExists(alias)
    }
    try unlocked.authenticating(
      AliasRecord(name: alias, targetKeyID: target, creationDate: date, lastUpdatedDate: date)
    ).insert(db)
  }

  // MARK: Finding and checking

  func unlock() throws -> UnlockedKeystore { try keystore.unlock(with: secrets) }

  /// Asks for the passphrase again, where there is one.
  func reauthenticate() throws { try keystore.reauthenticate(with: secrets) }

  /// The key of that name. Without `unlocked` nothing is verified: good for showing it.
  func record(
    named name: String, _ db: Database, verifiedBy unlocked: UnlockedKeystore? = nil
  ) throws -> MasterKeyRecord {
    let keyID: String
    switch try KeyName(parsing: name) {
    case .keyID(let id): keyID = id
    case .alias(let alias):
      guard let record = try AliasRecord.first(db, where: "name = ?", [alias]) else {
        throw KeyServiceError.notFound(name)
      }
      try unlocked?.verify(record)
      keyID = record.targetKeyID
    }
    guard let record = try MasterKeyRecord.first(db, where: "id = ?", [keyID]) else {
      throw KeyServiceError.notFound(name)
    }
    try unlocked?.verify(record)
    return record
  }

  /// The key of that name and its current version, verified, and in a state to be used.
  func usableKey(named name: String) throws -> (record: MasterKeyRecord, version: KeyVersionRecord)
  {
    let unlocked = try unlock()
    return try keystore.read { db in
      let record = try self.record(named: name, db, verifiedBy: unlocked)
      try Self.requireUsable(record)
      return (record, try version(record.currentVersion, of: record, unlocked, db))
    }
  }

  /// One version of a key, verified.
  func version(
    _ number: Int64, of record: MasterKeyRecord, _ unlocked: UnlockedKeystore, _ db: Database
  ) throws -> KeyVersionRecord {
    guard
      let version = try KeyVersionRecord.first(
        db, where: "keyID = ? AND version = ?", [record.id, number])
    else {
      throw KeystoreError.editedRecord("version \(number) of key \(record.id)")
    }
    try unlocked.verify(version)
    return version
  }

  func verified(
    _ record: MasterKeyRecord, _ unlocked: UnlockedKeystore
  ) throws -> MasterKeyRecord {
    try unlocked.verify(record)
    return record
  }

  static func requireUsable(_ record: MasterKeyRecord) throws(KeyServiceError) {
    switch record.state {
    case .enabled: break
    case .disabled: throw .disabled(keyID: record.id)
    case .pendingDeletion, .pendingImport:
      throw .invalidState(keyID: record.id, state: record.state)
    }
  }
}

/// Material for a version that is to be inserted. A class, because it holds a secret and stands in
/// a list.
final class NewKeyVersion {
  /// The name under which other programs' messages know the key.
  struct ForeignName {
    let providerID: String
    let keyName: String
    /// "pkcs1", or "oaep-mgf1/" and the hash; nil for AES.
    let padding: String?
  }

  let bytes: SecretBytes
  let publicKey: RSAPublicKey?
  let foreignName: ForeignName?

  init(
    material bytes: consuming SecretBytes, publicKey: RSAPublicKey?, foreignName: ForeignName? = nil
  ) {
    self.bytes = bytes
    self.publicKey = publicKey
    self.foreignName = foreignName
  }
}
