import Foundation

/// GetKeyLastUsage: the last successful cryptographic operation with a key, as the audit log has it.
public struct GetKeyLastUsageRequest: KeyServiceRequest {
  public struct Data: Codable, Equatable, Sendable {
    public let operation: String
    public let timestamp: Date
    /// The number of the record in the audit log.
    public let cloudTrailEventID: String
    public let kmsRequestID: String
  }
  public struct Response: Codable, Sendable {
    public let keyID: String
    /// Absent where the key was not used since the tracking began.
    public let keyLastUsage: Data?
    /// The beginning of the audit log, or of the key where that is later.
    public let trackingStartDate: Date
    public let keyCreationDate: Date
  }
  public static let operation = KeyServiceOperation.getKeyLastUsage

  public var keyID: String

  public init(keyID: String) { self.keyID = keyID }

  private static let operations: Set<String> = Set(
    [
      KeyServiceOperation.decrypt, .deriveSharedSecret, .encrypt, .generateDataKey,
      .generateDataKeyPair, .generateDataKeyPairWithoutPlaintext,
      .generateDataKeyWithoutPlaintext, .generateMac, .reEncrypt, .sign, .verify, .verifyMac,
    ].map(\.rawValue))

  public func perform(in call: OperationCall) throws -> Response {
    let record = try call.read { try call.admit(keyID, .none, in: $0).record }
    var first: Int64?
    var last: Data?
    try call.service.readAuditLog { sequence, entry in
      first = first ?? entry.time
      guard entry.keyID == record.id, entry.errorCode.isEmpty,
        Self.operations.contains(entry.operation)
      else { return }
      last = Data(
        operation: entry.operation, timestamp: entry.date, cloudTrailEventID: "\(sequence)",
        kmsRequestID: entry.requestIDText)
    }
    return Response(
      keyID: KeyName.arn(ofKey: record.id), keyLastUsage: last,
      trackingStartDate: Date(milliseconds: max(record.creationDate, first ?? call.now)),
      keyCreationDate: Date(milliseconds: record.creationDate))
  }
}

extension AuditRecord {
  /// A UUID.
  public var requestIDText: String {
    requestID.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }.uuidString
      .lowercased()
  }
}

extension KeyService {
  /// Hands every record of the audit log to `body`, with its number, the oldest first. Nothing is
  /// verified: `check` does that.
  public func readAuditLog(_ body: (UInt64, AuditRecord) throws -> Void) throws {
    host.trailIfOpen?.flush()
    let log = AuditLog(reading: AuditLog.path(beside: keystore.path))
    _ = try log.read(after: .none) { try body($0.sequence, $0.record) }
  }

  /// Drops the records from before `date`. The log says that they were dropped, and what is left can
  /// be checked. Returns how many went.
  public func pruneAuditLog(before date: Date) throws -> Int {
    try requireOwner(for: .pruneAuditLog)
    let unlocked = try unlock()
    host.trailIfOpen?.flush()
    return try managing(.pruneAuditLog) { call in
      try call.note(parameters: [("Before", date.formatted(Date.ISO8601FormatStyle()))])
      let log = try keystore.auditLog(unlocked)
      let count = try log.prune(
        before: date.milliseconds, after: try keystore.auditAnchor(verifiedBy: unlocked))
      // What is left is what the keystore knows from now on.
      try call.write { _ in }
      return count
    }
  }
}
