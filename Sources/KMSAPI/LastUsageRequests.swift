import Foundation

/// GetKeyLastUsage: the last successful cryptographic operation with a key, as the audit log has it.
package struct GetKeyLastUsageRequest: KeyServiceRequest {
  package struct LastUsage: Codable, Equatable, Sendable {
    package let operation: String
    package let timestamp: Date
    /// The number of the record in the audit log.
    package let cloudTrailEventID: String
    package let kmsRequestID: String

    package init(operation: String, timestamp: Date, cloudTrailEventID: String, kmsRequestID: String) {
      self.operation = operation
      self.timestamp = timestamp
      self.cloudTrailEventID = cloudTrailEventID
      self.kmsRequestID = kmsRequestID
    }
  }
  package struct Response: Codable, Sendable {
    package let keyID: String
    /// Absent where the key was not used since the tracking began.
    package let keyLastUsage: LastUsage?
    /// The beginning of the audit log, or of the key where that is later.
    package let trackingStartDate: Date
    package let keyCreationDate: Date

    package init(keyID: String, keyLastUsage: LastUsage?, trackingStartDate: Date, keyCreationDate: Date) {
      self.keyID = keyID
      self.keyLastUsage = keyLastUsage
      self.trackingStartDate = trackingStartDate
      self.keyCreationDate = keyCreationDate
    }
  }
  package static let operation = KeyServiceOperation.getKeyLastUsage

  package var keyID: String

  package init(keyID: String) { self.keyID = keyID }
}
