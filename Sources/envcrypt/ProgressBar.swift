import Envelope
import Glibc
import Synchronization

/// A progress bar on standard error: share, rate and time left, redrawn in place. Any thread may
/// report progress.
final class ProgressBar: Sendable {
  private struct State {
    var done: Int64 = 0
    var nextDrawing: ContinuousClock.Instant
    var isDrawn = false
    /// The time that passed at prompts, which does not count.
    var waited = Duration.zero
    /// The number of prompts that are open.
    var prompts = 0
    /// True if a signal that ends the process clears the bar.
    var isWatched = false
  }

  private let total: Int64?
  private let isTerminal: Bool
  private let leftovers: Leftovers
  private let start = ContinuousClock.now
  private let state: Mutex<State>

  /// The bar of this process. It is cleared before any other text on the terminal.
  private static let current = Mutex<ProgressBar?>(nil)

  /// True if progress is shown: on a terminal that can redraw a line, or if `--progress` asks for
  /// it.
  static func isWanted(_ report: ReportOptions) -> Bool {
    !report.quiet && (report.progress || canRedraw)
  }

  private static var canRedraw: Bool { isatty(STDERR_FILENO) == 1 && !Colour.isDumb }

  /// Makes the bar of this process. A signal that ends the process clears it, if `leftovers` sees
  /// the signal.
  init(total: Int64?, leftovers: Leftovers) {
    isTerminal = Self.canRedraw
    self.total = total.flatMap { $0 > 0 ? $0 : nil }
    self.leftovers = leftovers
    state = Mutex(State(nextDrawing: start + .seconds(1)))
    Self.current.withLock { $0 = self }
  }

  func advance(by bytes: Int) {
    let now = ContinuousClock.now
    let isWatched = state.withLock { state in
      state.done += Int64(bytes)
      guard state.prompts == 0, now >= state.nextDrawing else { return true }
      state.nextDrawing = now + (isTerminal ? .milliseconds(200) : .seconds(5))
      draw(state.done, elapsed: age(at: now) - state.waited)
      state.isDrawn = true
      defer { state.isWatched = true }
      return state.isWatched
    }
    if !isWatched { _ = leftovers.beforeSignalEnds { Self.clear() } }
  }

  /// The time since the start, with prompts.
  func age(at now: ContinuousClock.Instant) -> Duration { start.duration(to: now) }

  /// The time until `now` that counts.
  func elapsed(until now: ContinuousClock.Instant) -> Duration {
    state.withLock { age(at: now) - $0.waited }
  }

  /// Removes the bar from the terminal, so that other text can be written in its place. Its next
  /// update draws it again.
  static func clear() { current.withLock { $0 }?.clear() }

  func clear() {
    state.withLock { state in
      guard state.isDrawn, isTerminal else { return }
      state.isDrawn = false
      Self.write("\r\u{1B}[K")
    }
  }

  /// Runs `body`, which may ask on the terminal. Nothing is drawn meanwhile, and the time does not
  /// count.
  static func pausing<Value: ~Copyable>(_ body: () throws -> Value) rethrows -> Value {
    guard let bar = current.withLock({ $0 }) else { return try body() }
    let begin = ContinuousClock.now
    bar.clear()
    bar.state.withLock { $0.prompts += 1 }
    defer {
      let time = begin.duration(to: .now)
      bar.state.withLock { state in
        state.prompts -= 1
        state.waited += time
        state.nextDrawing += time
      }
    }
    return try body()
  }

  private func draw(_ done: Int64, elapsed: Duration) {
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    let width = isTerminal ? Self.width : 80
    let line = ProgressLine(done: done, total: total, seconds: seconds).text(columns: width - 1)
    Self.write(isTerminal ? "\r\u{1B}[K\(line)" : "envcrypt: \(line)\n")
  }

  /// The number of columns of the terminal; 80 if it is unknown.
  private static var width: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  private static func write(_ text: String) {
    _ = text.utf8.withContiguousStorageIfAvailable {
      Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
    }
  }
}
