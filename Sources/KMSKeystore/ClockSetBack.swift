import Foundation

/// A clock that goes back: a key was found due to be destroyed on a date that has not come. The
/// clock was ahead then, or is too early now. Nothing is destroyed, and the waiting starts again. Or a
/// key's next rotation was counted from such a date; it is counted from now then.
package struct ClockSetBack: Equatable, Sendable {
  package let keyID: String
  /// The date of the clock when the key was found due, or when its next rotation was set.
  package let foundDueDate: Date
  /// Its date now.
  package let now: Date
  /// How many other keys were found due on such a date.
  package internal(set) var otherKeys = 0
  /// The new date of the key's next rotation. Nil if the key was found due to be destroyed.
  package internal(set) var nextRotationDate: Date?
}
