import Foundation
import KMSKeystore
import KMSService

/// A key or key material that is due to be destroyed, in the format of `keystore status`.
struct DueReport: Encodable {
  let keyID: String
  let keyVersion: Int?
  let dueDate: Date
  let foundDueDate: Date?

  enum CodingKeys: String, CodingKey {
    case keyID = "KeyId"
    case keyVersion = "KeyVersion"
    case dueDate = "DueDate"
    case foundDueDate = "FoundDueDate"
  }

  init(_ due: DueDestruction) {
    keyID = due.keyID
    keyVersion = due.version
    dueDate = due.dueDate
    foundDueDate = due.foundDueDate
  }
}

extension DueDestructions {
  /// A summary in one line; nil if nothing is due.
  var summary: String? {
    guard let first = items.first else { return nil }
    let keys = items.count { $0.version == nil }
    let materials = items.count - keys
    let parts = [
      keys == 0 ? nil : Text.count(keys, "key"),
      materials == 0 ? nil : Text.count(materials, "imported key material"),
    ].compactMap { $0 }
    let waits = items.count == 1 ? "waits" : "wait"
    return parts.joined(separator: " and ")
      + " \(waits) to be destroyed, since \(Text.day(first.dueDate))"
  }
}

extension DueDestruction {
  var text: String {
    version.map { "imported material of version \($0) of key \(keyID)" } ?? "key \(keyID)"
  }
}

extension ClockSetBack {
  var warning: String {
    let others = otherKeys == 0 ? "" : " (and \(Text.count(otherKeys, "other key")))"
    if let nextRotationDate {
      return "the next rotation of key \(keyID)\(others) was set when the clock said "
        + "\(Self.text(foundDueDate)), but the clock now says \(Self.text(now)): the period is "
        + "counted from now, and ends on \(Text.day(nextRotationDate))"
    }
    return "key \(keyID)\(others) was due to be destroyed when the clock said "
      + "\(Self.text(foundDueDate)), but the clock now says \(Self.text(now)): nothing was "
      + "destroyed, and the wait starts again"
  }

  var hint: String { "one of the two times is wrong: check the clock of this machine with: date" }

  private static func text(_ date: Date) -> String { date.formatted(Date.ISO8601FormatStyle()) }
}
