import Foundation

/// GetKeyLastUsage returns the last successful cryptographic operation with a key that the audit
/// log has.
package struct GetKeyLastUsageRequest: KeyServiceRequest {
  package struct LastUsage: Codable, Equatable, Sendable {
    package let operation: String
    package let timestamp: Date
    /// The number of the record in the audit log.
    package let cloudTrailEventID: String
    package let kmsRequestID: String

    package init(
      operation: String, timestamp: Date, cloudTrailEventID: String, kmsRequestID: String
    ) {
      self.operation = operation
      self.timestamp = timestamp
      self.cloudTrailEventID = cloudTrailEventID
      self.kmsRequestID = kmsRequestID
    }
  }
  package struct Response: Codable, Sendable {
    package let keyID: String
    /// Nil if the key was not used since the tracking began.
    package let keyLastUsage: LastUsage?
    /// The date of the first record in the audit log, or the creation date of the key if that is
    /// later.
    package let trackingStartDate: Date
    package let keyCreationDate: Date

    package init(
      keyID: String, keyLastUsage: LastUsage?, trackingStartDate: Date, keyCreationDate: Date
    ) {
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
