import GRDB

/// Which key of the keystore wrapped a data key.
public struct WrappingKeyIdentity: Equatable, Sendable {
  public let keyID: String
  public let version: Int
  /// The aliases that stand for the key now.
  public let aliases: [String]
}

/// A version that a message's encrypted data key names. Nothing has verified it yet.
struct FoundVersion {
  let keyID: String
  let version: Int64
  /// The moment at which it was found.
  let moment: KeystoreMoment
}

extension KeyService {
  /// The key and version that wrapped `encrypted`, found by name alone: nothing is unlocked.
  public func identify(_ encrypted: EncryptedDataKey) throws -> WrappingKeyIdentity? {
    guard let found = try findVersion(wrapping: encrypted, among: nil) else { return nil }
    let aliases = try keystore.read { db in
      try AliasRecord.filter(Column("targetKeyID") == found.keyID).order(Column("name"))
        .fetchAll(db).map(\.name)
    }
    return WrappingKeyIdentity(
      keyID: found.keyID, version: Int(found.version), aliases: aliases)
  }

  /// The version that wrapped `encrypted`, if it is one of the keys `names` (nil: of any key).
  func findVersion(
    wrapping encrypted: EncryptedDataKey, among names: [String]?
  ) throws -> FoundVersion? {
    let call = begin(.describeKey)
    return try keystore.read { db in
      guard let version = try fetchVersion(wrapping: encrypted, db) else { return nil }
      if let names {
        guard try names.contains(where: { try call.resolve($0, db).id == version.keyID }) else {
          return nil
        }
      }
      return FoundVersion(
        keyID: version.keyID, version: version.version,
        moment: try KeystoreMoment(of: keystore, db))
    }
  }

  private func fetchVersion(
    wrapping encrypted: EncryptedDataKey, _ db: Database
  ) throws -> KeyVersionRecord? {
    // A lookup would end at the NUL.
    guard !(encrypted.providerID + encrypted.keyName).utf8.contains(0) else { return nil }
    switch encrypted.providerID {
    case KeystoreKeyring.providerID:
      guard let name = VersionedKeyName(parsing: Array(encrypted.keyName.utf8)) else { return nil }
      return try KeyVersionRecord.first(
        db, where: "keyID = ? AND version = ?", [name.keyID, name.version])
    case RawRSAKeyring.bareProviderID,
      _ where RawECDHKeyInformation.isWritten(by: encrypted.providerID):
      return try KeyVersionRecord.first(db, where: "fingerprint = ?", [encrypted.keyName])
    default:
      return try KeyVersionRecord.first(
        db, where: "foreignProviderID = ? AND foreignKeyName = ?",
        [encrypted.providerID, encrypted.keyName])
    }
  }
}
