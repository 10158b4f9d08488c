import Foundation
import KMSAPI
import KMSKeystore

extension GetKeyLastUsageRequest: HandledRequest {
  private static let operations: Set<String> = Set(
    [
      KeyServiceOperation.decrypt, .deriveSharedSecret, .encrypt, .generateDataKey,
      .generateDataKeyPair, .generateDataKeyPairWithoutPlaintext,
      .generateDataKeyWithoutPlaintext, .generateMac, .reEncrypt, .sign, .verify, .verifyMac,
    ].map(\.rawValue))

  package func perform(in call: OperationCall) throws -> Response {
    let record = try call.read { try call.admit(keyID, .none, in: $0).record }
    var first: Int64?
    var last: LastUsage?
    try call.service.readAuditLog { sequence, entry in
      first = first ?? entry.time
      guard entry.keyID == record.id, entry.errorCode.isEmpty,
        Self.operations.contains(entry.operation)
      else { return }
      last = LastUsage(
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
  /// The request ID as a UUID.
  package var requestIDText: String {
    requestID.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }.uuidString
      .lowercased()
  }
}

extension KeyService {
  /// Passes every record of the audit log to `body`, with its number, oldest first. Does not verify
  /// the records: `check` does that.
  package func readAuditLog(_ body: (UInt64, AuditRecord) throws -> Void) throws {
    host.trailIfOpen?.flush()
    let log = UnverifiedAuditLog(AuditLog.path(beside: keystore.path))
    _ = try log.read(after: .none) { try body($0.sequence, $0.record) }
  }

  /// Removes the records from before `date`. The log says that they were removed, and the remaining
  /// records can be verified. Returns the number of removed records.
  package func pruneAuditLog(before date: Date) throws -> Int {
    try requireOwner(for: .pruneAuditLog)
    let unlocked = try unlock()
    host.trailIfOpen?.flush()
    return try managing(.pruneAuditLog) { call in
      try call.note(parameters: [("Before", date.formatted(Date.ISO8601FormatStyle()))])
      let log = try keystore.auditLog(unlocked)
      let count = try log.prune(
        before: date.milliseconds, after: try keystore.auditAnchor(verifiedBy: unlocked))
      // Every change of the keystore stores the new end of the log, even an empty one.
      try call.write { _ in }
      return count
    }
  }
}
