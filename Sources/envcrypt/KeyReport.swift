import Foundation
import KMSAPI
import KMSKeystore
import KMSPolicy
import KMSService

/// The report that `key describe` prints for a person.
struct KeyReport {
  /// The names and values of the report.
  private(set) var lines: [(String, String)] = []

  init(_ key: KeyMetadata, _ service: KeyService) throws {
    let aliases = try Self.seen {
      try service.performAll(ListAliasesRequest(keyID: key.keyID)).aliases.map(\.aliasName)
        .joined(separator: ", ")
    }
    lines = [
      ("key ID", key.keyID), ("ARN", key.arn), ("spec", key.keySpec.rawValue),
      ("usage", key.keyUsage.rawValue), ("algorithms", Self.algorithms(key)),
      ("state", Self.state(key)), ("origin", key.origin.rawValue),
      (
        "manager",
        key.keyManager == .aws
          ? "AWS (the keystore itself: rotated every year, cannot be deleted)"
          : key.keyManager.rawValue
      ), ("created", Text.day(key.creationDate)),
      ("last used", try Self.seen { try Self.lastUse(of: key.keyID, service) }),
      ("description", key.description),
      ("aliases", aliases), ("policy", try Self.seen { try Self.policy(key, service) }),
    ]
    if let date = key.validTo { lines.append(("expires", Text.day(date))) }
    do {
      for tag in try service.performAll(ListResourceTagsRequest(keyID: key.keyID)).tags {
        lines.append(("tag", "\(tag.tagKey)=\(tag.tagValue)"))
      }
    } catch KeyServiceError.deniedByPolicy {
      lines.append(("tag", Self.notSeen))
    }
    if key.keySpec == .symmetricDefault {
      lines.append(("rotation", try Self.seen { try Self.rotation(key, service) }))
    }
    for version in try service.keyVersions(key.keyID) {
      lines.append(("version", Self.version(version)))
    }
  }

  private static let notSeen = "the key's policy does not let you see"

  /// Returns the text, or a note that the key's policy does not allow it: a caller who may describe
  /// a key may be denied other operations on it.
  private static func seen(_ text: () throws -> String) throws -> String {
    do {
      return try text()
    } catch KeyServiceError.deniedByPolicy {
      return notSeen
    }
  }

  private static func policy(_ key: KeyMetadata, _ service: KeyService) throws -> String {
    let text = try service.perform(GetKeyPolicyRequest(keyID: key.keyID)).policy
    let grants = try service.performAll(ListGrantsRequest(keyID: key.keyID)).grants.count
    return
      (text == KeyPolicy.defaultPolicy.text
      ? "the default one: the keystore's owner may do everything"
      : "its own ('envcrypt key policy get')")
      + (grants == 0 ? "" : "; " + Text.count(grants, "grant"))
  }

  static func lastUse(of keyID: String, _ service: KeyService) throws -> String {
    let response = try service.perform(GetKeyLastUsageRequest(keyID: keyID))
    if let use = response.keyLastUsage { return "\(Text.day(use.timestamp)), \(use.operation)" }
    return response.trackingStartDate > response.keyCreationDate
      ? "not since \(Text.day(response.trackingStartDate)), when the audit log begins" : "never"
  }

  private static func algorithms(_ key: KeyMetadata) -> String {
    let names =
      (key.encryptionAlgorithms ?? []).map(\.rawValue)
      + (key.signingAlgorithms ?? []).map(\.rawValue)
      + (key.macAlgorithms ?? []).map(\.rawValue)
      + (key.keyAgreementAlgorithms ?? []).map(\.rawValue)
    return names.joined(separator: ", ")
  }

  private static func state(_ key: KeyMetadata) -> String {
    guard let date = key.deletionDate else { return key.keyState.rawValue }
    return "\(key.keyState.rawValue), deleted on \(Text.day(date))"
  }

  private static func rotation(_ key: KeyMetadata, _ service: KeyService) throws -> String {
    let status = try service.perform(GetKeyRotationStatusRequest(keyID: key.keyID))
    guard let period = status.rotationPeriodInDays, let next = status.nextRotationDate else {
      return "off; old versions stay, and files never change"
    }
    return "every \(period) days, next \(Text.day(next)); old versions stay, and files never change"
  }

  private static func version(_ version: KeyVersionDescription) -> String {
    var text = "\(version.version), created \(Text.day(version.creationDate))"
    if let type = version.rotationType { text += ", rotated \(type.rawValue)" }
    if let worn = version.worn {
      text += ", used up to \(worn.mostUses) times: \(worn.hint)"
    }
    if !version.hasMaterial { text += ", its material is deleted or expired" }
    if let fingerprint = version.fingerprint { text += ", public key SHA-256 \(fingerprint)" }
    if let name = version.foreignName { text += ", imported as \(name)" }
    return text
  }
}

extension WornVersion {
  var warning: String {
    "version \(version) of key \(keyID) may have wrapped up to \(mostUses) times; AES-GCM allows "
      + "\(Self.limit) times under one key"
  }

  var hint: String {
    isManaged
      ? "encrypt under a key of your own: envcrypt key create --alias alias/…"
      : "envcrypt key rotate \(keyID)"
  }
}
