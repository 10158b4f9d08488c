import Foundation

/// A reader and writer of dates of the KMS API as text, in UTC and to the millisecond.
package enum APIDate {
  package static let wanted =
    "2026-11-23T20:15:00Z, with an offset for Z, a day or seconds since 1970"

  /// The years 1 to 9999 in milliseconds since 1970.
  private static let range = -62_135_596_800_000.0..<253_402_300_800_000.0

  /// The date as the AWS CLI prints it: "2026-11-23T20:15:00.250000+00:00", without a fraction if
  /// that is zero. Nil outside the years 1 to 9999.
  package static func text(_ date: Date) -> String? {
    guard let date = self.date(secondsSince1970: date.timeIntervalSince1970) else { return nil }
    var (seconds, milliseconds) = Int(date.milliseconds).quotientAndRemainder(dividingBy: 1000)
    if milliseconds < 0 {
      seconds -= 1
      milliseconds += 1000
    }
    var parts = tm()
    guard gmtime_r(&seconds, &parts) != nil else { return nil }
    let year = padded(parts.tm_year + 1900, 4)
    let day = "\(year)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
    let time = "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))"
    let fraction = milliseconds == 0 ? "" : ".\(padded(Int32(milliseconds), 3))000"
    return "\(day)T\(time)\(fraction)+00:00"
  }

  static func date(secondsSince1970 seconds: Double) -> Date? {
    date(milliseconds: (seconds * 1000).rounded())
  }

  private static func date(milliseconds: Double) -> Date? {
    range.contains(milliseconds) ? Date(milliseconds: Int64(milliseconds)) : nil
  }

  package static func date(_ text: String) -> Date? {
    if text.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }),
      let seconds = Double(text)
    {
      return date(secondsSince1970: seconds)
    }
    var rest = Array(text.utf8)[...]
    guard let day = day(&rest) else { return nil }
    if rest.isEmpty { return date(secondsSince1970: Double(day)) }
    guard skip("Tt ", &rest), let time = time(&rest), let fraction = fraction(&rest),
      let offset = offset(&rest), rest.isEmpty
    else { return nil }
    return date(milliseconds: Double((day + time - offset) * 1000) + (fraction * 1000).rounded())
  }

  /// Reads a day like "2026-11-23". Returns the seconds from 1970 to its beginning.
  private static func day(_ rest: inout ArraySlice<UInt8>) -> Int? {
    guard let year = number(4, &rest), skip("-", &rest), let month = number(2, &rest),
      skip("-", &rest), let day = number(2, &rest)
    else { return nil }
    var parts = tm()
    parts.tm_year = Int32(year - 1900)
    parts.tm_mon = Int32(month - 1)
    parts.tm_mday = Int32(day)
    let seconds = timegm(&parts)
    // timegm turns a day that the calendar does not have into one that it has.
    guard parts.tm_mon == month - 1, parts.tm_mday == day else { return nil }
    return seconds
  }

  /// Reads a time like "20:15:00" or "20:15", in seconds.
  private static func time(_ rest: inout ArraySlice<UInt8>) -> Int? {
    guard let hour = number(2, &rest), hour < 24, skip(":", &rest), let minute = number(2, &rest),
      minute < 60
    else { return nil }
    guard skip(":", &rest) else { return (hour * 60 + minute) * 60 }
    guard let second = number(2, &rest), second < 60 else { return nil }
    return (hour * 60 + minute) * 60 + second
  }

  /// Reads a fraction like ".25", in seconds; zero if there is none.
  private static func fraction(_ rest: inout ArraySlice<UInt8>) -> Double? {
    guard skip(".,", &rest) else { return 0 }
    let digits = rest.prefix(while: isDigit)
    rest = rest.dropFirst(digits.count)
    return digits.isEmpty ? nil : Double("0.\(String(decoding: digits, as: UTF8.self))")
  }

  /// Reads an offset like "Z", "+01:00", "+0100" or "+01", in seconds.
  private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int? {
    if skip("Zz", &rest) { return 0 }
    let isWest = rest.first == UInt8(ascii: "-")
    guard skip("+-", &rest), let hour = number(2, &rest), hour < 24 else { return nil }
    var minute = 0
    if skip(":", &rest) || !rest.isEmpty {
      guard let found = number(2, &rest), found < 60 else { return nil }
      minute = found
    }
    return (hour * 60 + minute) * (isWest ? -60 : 60)
  }

  private static func number(_ digits: Int, _ rest: inout ArraySlice<UInt8>) -> Int? {
    let text = rest.prefix(digits)
    guard text.count == digits, text.allSatisfy(isDigit) else { return nil }
    rest = rest.dropFirst(digits)
    return Int(String(decoding: text, as: UTF8.self))
  }

  private static func skip(_ any: String, _ rest: inout ArraySlice<UInt8>) -> Bool {
    guard let first = rest.first, any.utf8.contains(first) else { return false }
    rest = rest.dropFirst()
    return true
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func padded(_ number: Int32, _ width: Int = 2) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
