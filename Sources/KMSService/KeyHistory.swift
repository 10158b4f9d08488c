import Foundation
import KMSAPI
import KMSKeystore

/// One version of a key, as `describe` shows it beside what the API says.
package struct KeyVersionDescription: Equatable, Sendable {
  package let version: Int
  package let creationDate: Date
  package let rotationType: RotationType?
  /// False without material, and if it has expired.
  package let hasMaterial: Bool
  /// Lower-case hexadecimal SHA-256 of an asymmetric key's SubjectPublicKeyInfo.
  package let fingerprint: String?
  /// "provider ID / key name" under which other programs' messages know an imported key.
  package let foreignName: String?
  /// Whether it has wrapped too much.
  package let worn: WornVersion?

  init(_ record: KeyVersionRecord, at now: Int64, worn: WornVersion?) {
    self.worn = worn
    version = Int(record.version)
    creationDate = Date(milliseconds: record.creationDate)
    rotationType = record.rotationType
    hasMaterial = record.isUsable(at: now)
    fingerprint = record.fingerprint
    foreignName = record.foreignProviderID.map { "\($0) \(record.foreignKeyName ?? "")" }
  }
}

extension KeyService {
  /// The versions of a key, oldest first.
  package func keyVersions(_ name: String) throws -> [KeyVersionDescription] {
    let call = begin(.describeKey)
    let worn = try wornVersions()
    return try call.read { view in
      let record = try call.admit(name, .none, in: view).record
      return try view.versions(ofKey: record.id).map { version in
        KeyVersionDescription(
          version, at: call.now,
          worn: worn.first { $0.keyID == record.id && $0.version == Int(version.version) })
      }
    }
  }
}

extension KeyService {
  /// The key ID that a name stands for; of a key that is gone, the ID itself.
  package func keyIDForAudit(_ name: String) throws -> String {
    if case .keyID(let id) = try KeyName(parsing: name) { return id }
    let call = begin(.describeKey)
    return try call.read { try call.resolve(name, in: $0).id }
  }
}
