import Envelope
import KMSKeystore

/// The key of the keystore that wrapped a data key.
package struct WrappingKeyIdentity: Equatable, Sendable {
  package let keyID: String
  package let version: Int
  /// The aliases that the key has now.
  package let aliases: [String]
}

/// A version that a message's encrypted data key may name. It is not verified yet.
struct FoundVersion: Hashable {
  let keyID: String
  let version: Int64
}

/// The versions that a message's encrypted data key may name.
struct FoundVersions: Sendable {
  let versions: [FoundVersion]
  /// The moment at which the versions were found.
  let moment: KeystoreMoment
}

extension KeyService {
  /// Returns the key and version that wrapped `encrypted`; nil if there is none. Looks only at
  /// names, and does not unlock anything.
  package func identify(_ encrypted: EncryptedDataKey) throws -> WrappingKeyIdentity? {
    guard let found = try findVersions(wrapping: encrypted, among: nil).versions.first
    else { return nil }
    let aliases = try keystore.view { try $0.aliases(ofKey: found.keyID).map(\.name) }
    return WrappingKeyIdentity(
      keyID: found.keyID, version: Int(found.version), aliases: aliases)
  }

  /// Returns the versions that may have wrapped `encrypted`, among the keys `names` (nil: among all
  /// keys). There may be several, because a key that was imported twice is two keys. The versions
  /// that can be used come first, and those that are gone come last.
  func findVersions(
    wrapping encrypted: EncryptedDataKey, among names: [String]?
  ) throws -> FoundVersions {
    let call = begin(.describeKey)
    return try keystore.view { view in
      var versions = try Self.versions(wrapping: encrypted, in: view)
      if let names, !versions.isEmpty {
        let wanted = try names.map { try call.resolve($0, in: view).id }
        versions = versions.filter { wanted.contains($0.keyID) }
      }
      if versions.count > 1 {
        let ranked = try versions.map { (try Self.rank(of: $0, at: call.now, in: view), $0) }
        versions = ranked.sorted { ($0.0, $0.1.keyID) < ($1.0, $1.1.keyID) }.map(\.1)
      }
      return FoundVersions(
        versions: versions.map { FoundVersion(keyID: $0.keyID, version: $0.version) },
        moment: try KeystoreMoment(of: keystore, view))
    }
  }

  /// Returns the position of a version among others of the same name: 0 if it can be used. The
  /// versions are tried in this order, and the first error is reported. So a version whose error
  /// says most about the reason comes first.
  private static func rank(
    of version: KeyVersionRecord, at now: Int64, in view: KeystoreView
  ) throws -> Int {
    guard let key = try view.masterKey(version.keyID)?.asOf(now),
      version.version <= key.currentVersion
    else { return 4 }
    return switch key.state {
    case .enabled: 0
    case .disabled: 1
    case .pendingImport: 2
    case .pendingDeletion: 3
    }
  }

  private static func versions(
    wrapping encrypted: EncryptedDataKey, in view: KeystoreView
  ) throws -> [KeyVersionRecord] {
    // A lookup would ignore everything after the NUL.
    guard !(encrypted.providerID + encrypted.keyName).utf8.contains(0) else { return [] }
    switch encrypted.providerID {
    case VersionedKeyName.providerID:
      guard let name = VersionedKeyName(parsing: Array(encrypted.keyName.utf8)) else { return [] }
      return try view.version(name.version, ofKey: name.keyID).map { [$0] } ?? []
    case RawRSAKeyring.bareProviderID,
      _ where RawECDHKeyInformation.isWritten(by: encrypted.providerID):
      return try view.unverifiedVersions(fingerprint: encrypted.keyName)
    default:
      return try view.unverifiedVersions(
        foreignProviderID: encrypted.providerID, keyName: encrypted.keyName)
    }
  }
}
