import Foundation
import SystemPackage

/// Formats text for a person. Text from a message, a file name or a keystore may contain characters
/// that move the cursor or change the direction of the line; such characters are shown as escapes.
enum Text {
  static func printable(_ text: String) -> String {
    // Most text needs no change.
    if text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if let byte = ArgumentBytes.carriedByte(scalar) {
        let digits = String(byte, radix: 16)
        result += "\\x" + (digits.count < 2 ? "0" : "") + digits
      } else if scalar.isUnprintable {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Does the same for text of several lines, but keeps line feeds and tabs.
  static func printableLines(_ text: String) -> String {
    if text.utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x0A }) { return text }
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .map {
        $0.split(separator: "\t", omittingEmptySubsequences: false).map { printable(String($0)) }
          .joined(separator: "\t")
      }
      .joined(separator: "\n")
  }

  static func printable(_ path: FilePath) -> String { printable(path.argument) }

  /// Returns a size in the form "1.5 MiB".
  static func size(_ bytes: Int64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"]
    var value = Double(bytes)
    var unit = 0
    while value >= 1024, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    if unit == 0 { return bytes == 1 ? "1 byte" : "\(bytes) bytes" }
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }

  /// Returns a date in the form "2026-11-23 20:15 UTC".
  static func day(_ date: Date) -> String {
    let text = date.formatted(Date.ISO8601FormatStyle())
    return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
  }

  /// Returns a count in the form "1 file" or "2 files".
  static func count(_ count: Int, _ noun: String) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
  }

  /// Returns a table whose columns are as wide as their widest cell. No line ends in spaces.
  static func table(_ header: [String], _ rows: [[String]]) -> String {
    let rows = [header] + rows.map { $0.map(printable) }
    var widths = [Int](repeating: 0, count: header.count)
    for row in rows {
      for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.count) }
    }
    var text = ""
    for (index, row) in rows.enumerated() {
      if index > 0 { text += "\n" }
      var pending = 0
      for (column, cell) in row.enumerated() {
        if !cell.isEmpty {
          text += String(repeating: " ", count: pending) + cell
          pending = 0
        }
        pending += widths[column] - cell.count + 2
      }
    }
    return text
  }
}
