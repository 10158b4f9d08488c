import Foundation
import KMSKeystore

extension KeyService {
  /// Returns the current versions of all keys that are worn (`WornVersion`). Does not verify them,
  /// so use the result only to show it.
  package func wornVersions() throws -> [WornVersion] {
    host.trailIfOpen?.flush()
    let log = UnverifiedAuditLog(AuditLog.path(beside: keystore.path))
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
