import Envelope
import Glibc

/// How far the work is, on standard error: share, rate and time left, redrawn in place.
final class ProgressBar {
  private let total: Int64?
  private let isTerminal: Bool
  private let start = ContinuousClock.now
  private var done: Int64 = 0
  private var nextDrawing: ContinuousClock.Instant
  private var isDrawn = false

  /// Nil where nobody wants one: on anything but a terminal only `--progress` makes it appear.
  init?(total: Int64?, isWanted: Bool, isQuiet: Bool) {
    isTerminal = isatty(STDERR_FILENO) == 1
    guard !isQuiet, isWanted || isTerminal else { return nil }
    self.total = total.flatMap { $0 > 0 ? $0 : nil }
    nextDrawing = start + .seconds(1)
  }

  deinit { clear() }

  func advance(by bytes: Int) {
    done += Int64(bytes)
    let now = ContinuousClock.now
    guard now >= nextDrawing else { return }
    nextDrawing = now + (isTerminal ? .milliseconds(200) : .seconds(5))
    draw(elapsed: start.duration(to: now))
  }

  /// Removes the line, so that a message can stand there.
  func clear() {
    guard isDrawn, isTerminal else { return }
    isDrawn = false
    Self.write("\r\u{1B}[K")
  }

  private func draw(elapsed: Duration) {
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    let rate = Double(done) / max(seconds, 0.001)
    var line = "\(Text.size(done))  \(Text.size(Int64(rate)))/s"
    if let total {
      let share = min(Double(done) / Double(total), 1)
      let left = Int(Double(max(total - done, 0)) / max(rate, 1))
      let bar = Int(share * 24)
      line =
        "[" + String(repeating: "#", count: bar) + String(repeating: ".", count: 24 - bar)
        + "] \(Int(share * 100))%  \(line)  ETA \(left / 60):\(left % 60 < 10 ? "0" : "")\(left % 60)"
    }
    Self.write(isTerminal ? "\r\u{1B}[K\(line)" : "envcrypt: \(line)\n")
    isDrawn = true
  }

  private static func write(_ text: String) {
    _ = text.utf8.withContiguousStorageIfAvailable {
      Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
    }
  }
}
