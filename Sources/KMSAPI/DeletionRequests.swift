import Foundation

/// ScheduleKeyDeletion: the key cannot be used from now on, and is gone after the waiting period.
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
  /// Days.
  package static let windows = 7...30

  package var keyID: String
  package var pendingWindowInDays: Int?

  package init(keyID: String, pendingWindowInDays: Int? = nil) {
    self.keyID = keyID
    self.pendingWindowInDays = pendingWindowInDays
  }
}

/// CancelKeyDeletion: the key is disabled then.
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
