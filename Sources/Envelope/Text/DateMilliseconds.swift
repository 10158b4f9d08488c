import Foundation

extension Date {
  /// Makes a date of a stored value.
  package init(milliseconds: Int64) {
    self.init(timeIntervalSince1970: Double(milliseconds) / 1000)
  }

  /// The value to store.
  package var milliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded()) }
}

/// The milliseconds of a day.
package let millisecondsPerDay: Int64 = 86_400_000
