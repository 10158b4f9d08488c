/// A change of a key that the keystore makes by itself, because a date has come, or because the
/// clock went back. CloudTrail calls this an event of the service; the names are those of CloudTrail
/// if it has one.
package struct ServiceEvent: Equatable, Sendable {
  package enum Name: String, CaseIterable, Sendable {
    /// An automatic rotation. The version is the new one.
    case rotateKey = "RotateKey"
    /// A key destroyed after its waiting period, with all its versions.
    case deleteKey = "DeleteKey"
    /// Imported material destroyed after its expiry.
    case deleteExpiredKeyMaterial = "DeleteExpiredKeyMaterial"
    /// The wait before a destruction began again, because the clock went back. CloudTrail has no
    /// such event.
    case restartDeletionWait = "RestartDeletionWait"
    /// The next rotation is counted from now, because it was counted from a date in the future.
    /// CloudTrail has no such event.
    case rescheduleRotation = "RescheduleRotation"

    /// True if a key or its material was destroyed.
    package var isDestruction: Bool { self == .deleteKey || self == .deleteExpiredKeyMaterial }
  }

  package let name: Name
  package let keyID: String
  /// 0 for all versions of the key.
  package let version: Int64
}

extension AuditRecord {
  /// The caller in the records of service events. No user has this name, because users have ARNs.
  package static let serviceCaller = "kms.amazonaws.com"

  /// True if the record is one of a service event.
  package var isServiceEvent: Bool { caller == Self.serviceCaller }

  package init(_ event: ServiceEvent, time: Int64, requestID: [UInt8]) {
    self.init(
      time: time, operation: event.name.rawValue, caller: Self.serviceCaller, keyID: event.keyID,
      keyVersion: UInt32(event.version), context: [], requestID: requestID, error: nil)
  }
}
