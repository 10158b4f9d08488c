@testable import KMSKeystore

extension AuditRecord {
  /// Returns a record whose fields show its number.
  static func numbered(_ number: Int) -> AuditRecord {
    AuditRecord(
      time: Int64(number) * 1000, operation: "Encrypt", caller: "arn:caller",
      keyID: "key \(number)", keyVersion: UInt32(number), context: [],
      requestID: [UInt8](repeating: 9, count: 16), error: nil)
  }
}
