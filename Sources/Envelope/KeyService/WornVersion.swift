import Foundation

/// A version of a symmetric key that may have wrapped too much.
///
/// AES-GCM with random nonces seals 2^32 times under one key (SP 800-38D, 8.3). Every use is a record
/// of the audit log, whose numbers never go back, so that what came behind a version's first day is a
/// bound of its uses: nothing has to be counted.
public struct WornVersion: Equatable, Sendable {
  public static let limit: UInt64 = 1 << 32
  /// From this bound on it is said: there is time to rotate.
  public static let warning: UInt64 = 1 << 31

  public let keyID: String
  public let version: Int
  /// It was not used more often than that.
  public let mostUses: UInt64
  /// Whether the keystore rotates the key by itself, and nobody else may.
  public let isManaged: Bool
}

/// A version of a symmetric key, and the audit record behind which its uses are.
struct VersionUse: Equatable, Sendable {
  let keyID: String
  let version: Int64
  let since: UInt64
  let isManaged: Bool

  /// Nil for keys that do not seal with random nonces.
  init?(_ version: KeyVersionRecord, of key: MasterKeyRecord) {
    guard key.spec == .symmetricDefault else { return nil }
    keyID = key.id
    self.version = version.version
    since = UInt64(clamping: version.auditSequence ?? 0)
    isManaged = key.manager == .aws
  }

  /// Nil where there is nothing to say when the audit log's last record has this number.
  func worn(at sequence: UInt64) -> WornVersion? {
    guard sequence > since, sequence - since >= WornVersion.warning else { return nil }
    return WornVersion(
      keyID: keyID, version: Int(version), mostUses: sequence - since, isManaged: isManaged)
  }
}

extension KeyService {
  /// The current versions that are worn. Nothing is verified: good for showing it.
  public func wornVersions() throws -> [WornVersion] {
    host.trailIfOpen?.flush()
    let log = AuditLog(reading: AuditLog.path(beside: keystore.path))
    guard let sequence = try? log.lastSequence(), sequence >= WornVersion.warning else { return [] }
    let call = begin(.listKeys)
    return try call.read { view in
      try view.masterKeys().compactMap { key in
        guard key.asOf(call.now) != nil,
          let version = try view.version(key.currentVersion, ofKey: key.id)
        else { return nil }
        return VersionUse(version, of: key)?.worn(at: sequence)
      }
    }
  }
}
