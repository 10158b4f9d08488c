import ArgumentParser
import Envelope
import Synchronization
import SystemPackage

/// The report of a run over files as JSON lines on standard output: a line for each file, and a
/// summary as the last line. docs/reports.md describes the members.
final class JSONReport: Sendable {
  /// A file of the run, and what became of it.
  struct File {
    let input: FilePath
    /// Nil if the file has no output.
    let output: FilePath?
    let result: JobResult
    var isRemoved = false
    /// The message that was read or written, if there is one.
    var summary: MessageSummary?
    var warning: String?
    var failure: Failure?
  }

  private struct State {
    var plaintextSize: Int64 = 0
    var isFinished = false
  }

  private let write: @Sendable (RawSpan) throws -> Void
  private let start = ContinuousClock.now
  private let state = Mutex(State())
  /// The keystore that `--keystore` names, for the commands in hints.
  private let keystore: String?

  /// `write` takes each line.
  init(
    keystore: String? = nil,
    write: @escaping @Sendable (RawSpan) throws -> Void = Console.writeReport
  ) {
    self.keystore = keystore
    self.write = write
  }

  /// Throws if the run writes data to standard output, which the report needs.
  static func check(_ report: JSONReport?, _ plan: FilePlan) throws {
    guard report != nil, plan.usesStandardOutput else { return }
    throw Failure(
      .usage, "standard output cannot take both the data and the report of --json",
      hint: "name the output with -o FILE")
  }

  /// Runs `body`, which may write the report. If it throws before the report is complete, adds a
  /// summary that has the failure, so that the last line is always a summary.
  static func completing(_ report: JSONReport?, _ body: () throws -> Void) throws {
    guard let report else { return try body() }
    do {
      try body()
    } catch let failure as Failure where failure.isBrokenPipe {
      throw failure
    } catch let status as ExitCode {
      // The run has told everything.
      throw status
    } catch {
      guard !report.state.withLock({ $0.isFinished }) else { throw error }
      let failure = Failure(error)
      try report.finish([:], skipped: 0, warnings: [], status: failure.status, failure: failure)
      throw failure
    }
  }

  func add(_ file: File) throws {
    if let summary = file.summary {
      state.withLock { state in
        let (sum, isOver) = state.plaintextSize.addingReportingOverflow(summary.plaintextCount)
        state.plaintextSize = isOver ? .max : sum
      }
    }
    try line { writer in
      writer.member("Kind", "file")
      writer.member("Input", file.input)
      if let output = file.output { writer.member("Output", output) }
      writer.member("Result", file.result.rawValue)
      if file.isRemoved {
        writer.name("Removed")
        writer.bool(true)
      }
      if let summary = file.summary { Self.write(summary, &writer) }
      if let warning = file.warning { writer.member("Warning", warning) }
      if let failure = file.failure { writeError(failure, &writer) }
    }
  }

  /// Adds an output that `--delete` removes.
  func add(deleted output: FilePath, _ result: JobResult) throws {
    try line { writer in
      writer.member("Kind", "deletion")
      writer.member("Output", output)
      writer.member("Result", result.rawValue)
    }
  }

  /// Writes the summary. `removed` is nil if the run removes no inputs. `failure` is a failure that
  /// is not that of a file.
  func finish(
    _ counts: [JobResult: Int], removed: Int? = nil, skipped: Int, warnings: [String],
    status: ExitStatus?, failure: Failure?
  ) throws {
    let size = state.withLock { state in
      state.isFinished = true
      return state.plaintextSize
    }
    let time = start.duration(to: .now)
    try line { writer in
      writer.member("Kind", "summary")
      for result in JobResult.allCases {
        writer.member(result.member, Int64(counts[result, default: 0]))
      }
      if let removed { writer.member("Removed", Int64(removed)) }
      writer.member("Skipped", Int64(skipped))
      writer.member("PlaintextSize", size)
      writer.name("Seconds")
      writer.number(Self.seconds(time))
      writer.member("ExitStatus", Int64(status?.rawValue ?? 0))
      if !warnings.isEmpty {
        writer.name("Warnings")
        writer.beginArray()
        for warning in warnings { writer.string(warning) }
        writer.endArray()
      }
      if let failure { writeError(failure, &writer) }
    }
  }

  /// Returns the seconds with three decimals.
  static func seconds(_ time: Duration) -> String {
    let (seconds, attoseconds) = time.components
    let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
    let rest = milliseconds % 1000
    let zeros = String(repeating: "0", count: rest < 10 ? 2 : rest < 100 ? 1 : 0)
    return "\(milliseconds / 1000).\(zeros)\(rest)"
  }

  private static func write(_ summary: MessageSummary, _ writer: inout JSONWriter) {
    writer.member("MessageId", Text.hexadecimal(summary.header.messageID))
    writer.member("PlaintextSize", summary.plaintextCount)
    writer.name("EncryptedDataKeys")
    writer.beginArray()
    for key in summary.header.encryptedDataKeys {
      writer.beginObject()
      writer.member("ProviderId", key.providerID)
      writer.member("KeyName", key.keyName)
      writer.endObject()
    }
    writer.endArray()
  }

  private func writeError(_ failure: Failure, _ writer: inout JSONWriter) {
    writer.name("Error")
    writer.beginObject()
    writer.member("Message", failure.message)
    if let hint = failure.hint { writer.member("Hint", PastedHint.text(hint, option: keystore)) }
    writer.member("Status", Int64(failure.status.rawValue))
    writer.endObject()
  }

  /// Writes an object on one line. Throws `IOError`.
  private func line(_ members: (inout JSONWriter) -> Void) throws {
    var writer = JSONWriter(.compact, escaping: .unprintable)
    writer.beginObject()
    members(&writer)
    writer.endObject()
    let text = writer.finish(lineFeed: true)
    try text.withBytes { try write($0) }
  }
}

extension JSONWriter {
  mutating func member(_ name: String, _ text: String) {
    self.name(name)
    string(text)
  }

  mutating func member(_ name: String, _ number: Int64) {
    self.name(name)
    self.number(String(number))
  }

  /// Writes a path. If it is not UTF-8, it is shown as in messages, and a second member has its
  /// bytes in base64.
  mutating func member(_ name: String, _ path: FilePath) {
    let bytes = path.withPlatformString { ArgumentBytes.bytes(at: $0) }
    if let text = String(validating: bytes, as: UTF8.self) {
      return member(name, text)
    }
    member(name, Text.printable(path))
    member(name + "Bytes", String(decoding: Base64.encode(bytes), as: UTF8.self))
  }
}
