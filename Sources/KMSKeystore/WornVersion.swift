import Foundation

/// A version of a symmetric key that may have wrapped too much.
///
/// AES-GCM with random nonces may encrypt at most 2^32 times under one key (SP 800-38D, 8.3). Every
/// use is a record of the audit log, and the numbers of records only rise. The number of records
/// since the version was made is therefore an upper bound of its uses, and no separate counter is
/// needed.
package struct WornVersion: Equatable, Sendable {
  package static let limit: UInt64 = 1 << 32
  /// The number of uses from which on a warning is given, while there is still time to rotate.
  package static let warning: UInt64 = 1 << 31

  package let keyID: String
  package let version: Int
  /// The upper bound of the version's uses.
  package let mostUses: UInt64
  /// True if the keystore rotates the key itself, and nobody else may.
  package let isManaged: Bool
}

/// A version of a symmetric key, and the number of the last audit record before the version was
/// made.
package struct VersionUse: Equatable, Sendable {
  let keyID: String
  let version: Int64
  let since: UInt64
  let isManaged: Bool

  /// Nil for keys that do not seal with random nonces.
  package init?(_ version: KeyVersionRecord, of key: MasterKeyRecord) {
    guard key.spec == .symmetricDefault else { return nil }
    keyID = key.id
    self.version = version.version
    since = UInt64(clamping: version.auditSequence ?? 0)
    isManaged = key.manager == .aws
  }

  /// Returns a warning if the audit log's last record has the number `sequence`; nil if none is
  /// needed.
  package func worn(at sequence: UInt64) -> WornVersion? {
    guard sequence > since, sequence - since >= WornVersion.warning else { return nil }
    return WornVersion(
      keyID: keyID, version: Int(version), mostUses: sequence - since, isManaged: isManaged)
  }
}
