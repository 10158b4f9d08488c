import Foundation
import KMSAPI
import KMSKeystore

/// One version of a key, with what the command `describe` shows in addition to the API's data.
package struct KeyVersionDescription: Equatable, Sendable {
  package let version: Int
  package let creationDate: Date
  package let rotationType: RotationType?
  /// False if there is no material, or if it has expired.
  package let hasMaterial: Bool
  /// Lower-case hexadecimal SHA-256 of an asymmetric key's SubjectPublicKeyInfo.
  package let fingerprint: String?
  /// The provider ID and the key name under which messages of other programs know an imported key,
  /// separated by a space.
  package let foreignName: String?
  /// Nil unless the version is worn.
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
  /// Returns the versions of a key, oldest first.
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
  /// Returns the key ID that a name stands for. If the name is itself a key ID, the key may be
  /// gone.
  package func keyIDForAudit(_ name: String) throws -> String {
    let call = begin(.describeKey)
    return try call.read { view in
      if case .keyID(let id) = try call.keyName(name, in: view) { return id }
      return try call.resolve(name, in: view).id
    }
  }
}
