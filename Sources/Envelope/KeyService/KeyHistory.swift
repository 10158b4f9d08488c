import Foundation

/// One version of a key, as `describe` shows it beside what the API says.
public struct KeyVersionDescription: Equatable, Sendable {
  public let version: Int
  public let creationDate: Date
  public let rotationType: RotationType?
  /// False without material, and if it has expired.
  public let hasMaterial: Bool
  /// Lower-case hexadecimal SHA-256 of an asymmetric key's SubjectPublicKeyInfo.
  public let fingerprint: String?
  /// "provider ID / key name" under which other programs' messages know an imported key.
  public let foreignName: String?
  /// Whether it has wrapped too much.
  public let worn: WornVersion?

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
  public func keyVersions(_ name: String) throws -> [KeyVersionDescription] {
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
  public func keyIDForAudit(_ name: String) throws -> String {
    if case .keyID(let id) = try KeyName(parsing: name) { return id }
    let call = begin(.describeKey)
    return try call.read { try call.resolve(name, in: $0).id }
  }
}
