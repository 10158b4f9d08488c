/// The text of a progress bar.
struct ProgressLine {
  let done: Int64
  /// Nil if it is not known.
  let total: Int64?
  let seconds: Double

  /// The most and the fewest columns between the brackets of the bar.
  private static let barLengths = (most: 24, fewest: 6)

  /// Returns the line with as much as fits into `columns`: the share is more important than the
  /// time left, then follow the rate, the bar and the size.
  func text(columns: Int) -> String {
    let rate = Double(done) / max(seconds, 0.001)
    let speed = "\(Text.size(Int64(min(rate, 1e18))))/s"
    guard let total else {
      return Self.longest(["\(Text.size(done))  \(speed)", Text.size(done)], columns)
    }
    let share = min(max(Double(done) / Double(total), 0), 1)
    let percent = "\(Int(share * 100))%"
    let left = "ETA \(Self.time(Double(max(total - done, 0)) / max(rate, 1)))"
    let texts = [
      "\(percent)  \(Text.size(done))  \(speed)  \(left)", "\(percent)  \(speed)  \(left)",
    ]
    for text in texts {
      let room = min(columns - text.count - 3, Self.barLengths.most)
      if room >= Self.barLengths.fewest { return "\(Self.bar(share, room)) \(text)" }
    }
    return Self.longest([texts[1], "\(percent)  \(left)", percent], columns)
  }

  private static func longest(_ texts: [String], _ columns: Int) -> String {
    texts.first { $0.count <= columns } ?? ""
  }

  private static func bar(_ share: Double, _ length: Int) -> String {
    let count = Int(share * Double(length))
    return "[" + String(repeating: "#", count: count)
      + String(repeating: ".", count: length - count) + "]"
  }

  /// Returns a time in the form "1:05" or "2:03:04"; "--" if it is more than 99 hours.
  private static func time(_ seconds: Double) -> String {
    guard seconds < 360_000 else { return "--" }
    let all = Int(seconds)
    func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
    let (hours, minutes) = (all / 3600, all / 60 % 60)
    return hours > 0
      ? "\(hours):\(two(minutes)):\(two(all % 60))" : "\(minutes):\(two(all % 60))"
  }
}
