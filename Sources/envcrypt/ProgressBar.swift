import Glibc
import Synchronization

/// A progress bar on standard error: share, rate and time left, redrawn in place. Any thread may
/// report progress.
final class ProgressBar: Sendable {
  private struct State {
    var done: Int64 = 0
    var nextDrawing: ContinuousClock.Instant
    var isDrawn = false
  }

  private let total: Int64?
  private let isTerminal: Bool
  private let start = ContinuousClock.now
  private let state: Mutex<State>

  /// True if progress is shown. If standard error is not a terminal, only `--progress` enables it.
  static func isWanted(_ report: ReportOptions) -> Bool {
    !report.quiet && (report.progress || isatty(STDERR_FILENO) == 1)
  }

  init(total: Int64?) {
    isTerminal = isatty(STDERR_FILENO) == 1
    self.total = total.flatMap { $0 > 0 ? $0 : nil }
    state = Mutex(State(nextDrawing: start + .seconds(1)))
  }

  deinit { clear() }

  func advance(by bytes: Int) {
    let now = ContinuousClock.now
    state.withLock { state in
      state.done += Int64(bytes)
      guard now >= state.nextDrawing else { return }
      state.nextDrawing = now + (isTerminal ? .milliseconds(200) : .seconds(5))
      draw(state.done, elapsed: start.duration(to: now))
      state.isDrawn = true
    }
  }

  /// Removes the line, so that a message can be written in its place.
  func clear() {
    state.withLock { state in
      guard state.isDrawn, isTerminal else { return }
      state.isDrawn = false
      Self.write("\r\u{1B}[K")
    }
  }

  private func draw(_ done: Int64, elapsed: Duration) {
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
  }

  private static func write(_ text: String) {
    _ = text.utf8.withContiguousStorageIfAvailable {
      Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
    }
  }
}
