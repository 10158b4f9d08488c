import GRDB

/// Which key of the keystore wrapped a data key.
public struct WrappingKeyIdentity: Equatable, Sendable {
  public let keyID: String
  public let version: Int
  /// The aliases that stand for the key now.
  public let aliases: [String]
}

/// A version that a message's encrypted data key may name. Nothing has verified it yet.
struct FoundVersion: Hashable {
  let keyID: String
  let version: Int64
}

/// The versions that a message's encrypted data key may name.
struct FoundVersions: Sendable {
  let versions: [FoundVersion]
  /// The moment at which they were found.
  let moment: KeystoreMoment
}

extension KeyService {
  /// The key and version that wrapped `encrypted`, found by name alone: nothing is unlocked.
  public func identify(_ encrypted: EncryptedDataKey) throws -> WrappingKeyIdentity? {
    guard let found = try findVersions(wrapping: encrypted, among: nil).versions.first
    else { return nil }
    let aliases = try keystore.read { db in
      try AliasRecord.filter(Column("targetKeyID") == found.keyID).order(Column("name"))
        .fetchAll(db).map(\.name)
    }
    return WrappingKeyIdentity(
      keyID: found.keyID, version: Int(found.version), aliases: aliases)
  }

  /// The versions that may have wrapped `encrypted`, of the keys `names` (nil: of any key). A key that was
  /// imported twice is two keys: those that can be used come first, those that are gone last.
  func findVersions(
    wrapping encrypted: EncryptedDataKey, among names: [String]?
  ) throws -> FoundVersions {
    let call = begin(.describeKey)
    return try keystore.read { db in
      var versions = try fetchVersions(wrapping: encrypted, db)
      if let names, !versions.isEmpty {
        let wanted = try names.map { try call.resolve($0, db).id }
        versions = versions.filter { wanted.contains($0.keyID) }
      }
      if versions.count > 1 {
        let ranked = try versions.map { (try Self.rank(of: $0, at: call.now, db), $0) }
        versions = ranked.sorted { ($0.0, $0.1.keyID) < ($1.0, $1.1.keyID) }.map(\.1)
      }
      return FoundVersions(
        versions: versions.map { FoundVersion(keyID: $0.keyID, version: $0.version) },
        moment: try KeystoreMoment(of: keystore, db))
    }
  }

  /// 0 for a version that can be used, more for those that say less about why not.
  private static func rank(
    of version: KeyVersionRecord, at now: Int64, _ db: Database
  ) throws -> Int {
    guard let key = try MasterKeyRecord.first(db, where: "id = ?", [version.keyID])?.asOf(now),
      version.version <= key.currentVersion
    else { return 4 }
    return switch key.state {
    case .enabled: 0
    case .disabled: 1
    case .pendingImport: 2
    case .pendingDeletion: 3
    }
  }

  private func fetchVersions(
    wrapping encrypted: EncryptedDataKey, _ db: Database
  ) throws -> [KeyVersionRecord] {
    // A lookup would end at the NUL.
    guard !(encrypted.providerID + encrypted.keyName).utf8.contains(0) else { return [] }
    switch encrypted.providerID {
    case KeystoreKeyring.providerID:
      guard let name = VersionedKeyName(parsing: Array(encrypted.keyName.utf8)) else { return [] }
      return try KeyVersionRecord.all(
        db, where: "keyID = ? AND version = ?", [name.keyID, name.version])
    case RawRSAKeyring.bareProviderID,
      _ where RawECDHKeyInformation.isWritten(by: encrypted.providerID):
      return try KeyVersionRecord.all(db, where: "fingerprint = ?", [encrypted.keyName])
    default:
      return try KeyVersionRecord.all(
        db, where: "foreignProviderID = ? AND foreignKeyName = ?",
        [encrypted.providerID, encrypted.keyName])
    }
  }
}
