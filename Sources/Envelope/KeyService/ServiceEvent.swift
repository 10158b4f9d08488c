/// Something that the keystore does with a key by itself, because its time has come: an event of the service,
/// under the name that CloudTrail gives it.
struct ServiceEvent: Equatable, Sendable {
  enum Name: String, Sendable {
    /// An automatic rotation. The version is the new one.
    case rotateKey = "RotateKey"
    /// A key destroyed after its waiting period, with all its versions.
    case deleteKey = "DeleteKey"
    /// Imported material destroyed after its expiry.
    case deleteExpiredKeyMaterial = "DeleteExpiredKeyMaterial"
  }

  let name: Name
  let keyID: String
  /// 0 for all versions of the key.
  let version: Int64
}

extension AuditRecord {
  /// The caller of what the keystore does by itself. No user has such a name: theirs are ARNs.
  public static let serviceCaller = "kms.amazonaws.com"

  /// True for something that the keystore did by itself.
  public var isServiceEvent: Bool { caller == Self.serviceCaller }

  init(_ event: ServiceEvent, time: Int64, requestID: [UInt8]) {
    self.init(
      time: time, operation: event.name.rawValue, caller: Self.serviceCaller, keyID: event.keyID,
      keyVersion: UInt32(event.version), context: [], requestID: requestID, error: nil)
  }
}
