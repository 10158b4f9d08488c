/// Something that the keystore does with a key by itself, because its time has come: an event of the service,
/// under the name that CloudTrail gives it.
package struct ServiceEvent: Equatable, Sendable {
  package enum Name: String, Sendable {
    /// An automatic rotation. The version is the new one.
    case rotateKey = "RotateKey"
    /// A key destroyed after its waiting period, with all its versions.
    case deleteKey = "DeleteKey"
    /// Imported material destroyed after its expiry.
    case deleteExpiredKeyMaterial = "DeleteExpiredKeyMaterial"
  }

  package let name: Name
  package let keyID: String
  /// 0 for all versions of the key.
  package let version: Int64
}

extension AuditRecord {
  /// The caller of what the keystore does by itself. No user has such a name: theirs are ARNs.
  package static let serviceCaller = "kms.amazonaws.com"

  /// True for something that the keystore did by itself.
  package var isServiceEvent: Bool { caller == Self.serviceCaller }

  package init(_ event: ServiceEvent, time: Int64, requestID: [UInt8]) {
    self.init(
      time: time, operation: event.name.rawValue, caller: Self.serviceCaller, keyID: event.keyID,
      keyVersion: UInt32(event.version), context: [], requestID: requestID, error: nil)
  }
}
