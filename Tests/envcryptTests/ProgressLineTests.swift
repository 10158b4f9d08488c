import Testing

@testable import Envelope
@testable import envcrypt

/// A progress bar fits its terminal, and says the most important things on a narrow one.
@Suite struct ProgressLineTests {
  private static let gibibyte: Int64 = 1 << 30

  /// The longest texts: at the end of a long run, and in the middle of a slow one.
  private static let lines = [
    ProgressLine(done: 1023 * gibibyte, total: 1024 * gibibyte, seconds: 1048),
    ProgressLine(done: 1023 * gibibyte, total: 2000 * gibibyte, seconds: 340_000),
    ProgressLine(done: 1, total: gibibyte, seconds: 1000),
    ProgressLine(done: 5, total: 5, seconds: 0),
    ProgressLine(done: 9, total: 5, seconds: 1),
    ProgressLine(done: .max, total: .max, seconds: 0.001),
    ProgressLine(done: 1023 * gibibyte, total: nil, seconds: 3),
  ]

  @Test(arguments: lines.indices, [0, 1, 3, 10, 20, 39, 40, 60, 79, 80, 200])
  func theLineFits(index: Int, columns: Int) {
    #expect(Self.lines[index].text(columns: columns).count <= columns)
  }

  @Test(arguments: [
    (79, "[############............] 50%  512.0 MiB  256.0 MiB/s  ETA 0:02"),
    (50, "[#####.....] 50%  512.0 MiB  256.0 MiB/s  ETA 0:02"),
    (39, "[#####.....] 50%  256.0 MiB/s  ETA 0:02"), (28, "50%  256.0 MiB/s  ETA 0:02"),
    (20, "50%  ETA 0:02"), (5, "50%"), (2, ""),
  ])
  func theMostImportantStays(columns: Int, text: String) {
    let line = ProgressLine(done: Self.gibibyte / 2, total: Self.gibibyte, seconds: 2)
    #expect(line.text(columns: columns) == text)
  }

  @Test(arguments: [
    (59.0, "0:59"), (60, "1:00"), (3599, "59:59"), (3600, "1:00:00"), (359_999, "99:59:59"),
    (360_000, "--"),
  ])
  func theTimeLeft(seconds: Double, text: String) {
    // One byte a second.
    let line = ProgressLine(done: 1000, total: 1000 + Int64(seconds), seconds: 1000)
    #expect(line.text(columns: 79).hasSuffix("ETA \(text)"))
  }

  /// The time at a prompt does not count.
  @Test func aPromptTakesNoTime() {
    let bar = ProgressBar(total: 100, leftovers: Leftovers())
    let begin = ContinuousClock.now
    ProgressBar.pausing {
      while begin.duration(to: .now) < .milliseconds(50) {}
    }
    let now = ContinuousClock.now
    #expect(bar.elapsed(until: now) <= bar.age(at: now) - .milliseconds(50))
  }
}
