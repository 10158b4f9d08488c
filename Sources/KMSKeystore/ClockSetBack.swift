import Foundation

/// A report that the clock went back. Either a key was found due to be destroyed on a date that is
/// now in the future: the clock was ahead then, or is behind now. Nothing is destroyed, and the
/// waiting period starts again. Or a key's next rotation was counted from such a date, and is now
/// counted from the present.
package struct ClockSetBack: Equatable, Sendable {
  package let keyID: String
  /// The date that the clock showed when the key was found due, or when its next rotation was set.
  package let foundDueDate: Date
  /// The date that the clock shows now.
  package let now: Date
  /// The number of other keys with such a date.
  package internal(set) var otherKeys = 0
  /// The new date of the key's next rotation. Nil if the key was found due to be destroyed.
  package internal(set) var nextRotationDate: Date?
}
