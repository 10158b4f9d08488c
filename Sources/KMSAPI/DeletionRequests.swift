import Foundation

/// ScheduleKeyDeletion makes a key unusable at once. The key is gone after the waiting period.
package struct ScheduleKeyDeletionRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyID: String
    package let deletionDate: Date
    package let keyState: KeyState
    package let pendingWindowInDays: Int

    package init(keyID: String, deletionDate: Date, keyState: KeyState, pendingWindowInDays: Int) {
      self.keyID = keyID
      self.deletionDate = deletionDate
      self.keyState = keyState
      self.pendingWindowInDays = pendingWindowInDays
    }
  }
  package static let operation = KeyServiceOperation.scheduleKeyDeletion
  /// The waiting periods that are allowed, in days.
  package static let windows = 7...30

  package var keyID: String
  package var pendingWindowInDays: Int?

  package init(keyID: String, pendingWindowInDays: Int? = nil) {
    self.keyID = keyID
    self.pendingWindowInDays = pendingWindowInDays
  }
}

/// CancelKeyDeletion keeps the key, and leaves it disabled.
package struct CancelKeyDeletionRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyID: String

    package init(keyID: String) {
      self.keyID = keyID
    }
  }
  package static let operation = KeyServiceOperation.cancelKeyDeletion

  package var keyID: String

  package init(keyID: String) { self.keyID = keyID }
}
