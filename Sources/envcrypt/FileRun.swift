import ArgumentParser
import Envelope
import Glibc
import SystemPackage

/// Runs jobs one after another: opens input and output, hands both over, reports what fails and
/// goes on with the next.
final class FileRun {
  /// What a command does with one opened input.
  typealias Work = (
    _ source: any ByteSource, _ sink: any ByteSink, _ progress: @escaping ProgressHandler
  ) throws -> MessageSummary

  /// What may go to a terminal.
  enum TerminalRule {
    case nothing
    case text
    case everything
  }

  private let plan: FilePlan
  private let areMany: Bool
  /// Whether the inputs were not all named one by one, so that their number says something.
  private let isLongRun: Bool
  private let replaces: Bool
  private let report: ReportOptions
  private let console: Console
  private let leftovers = Leftovers()
  /// Outputs of this run, so that no input overwrites another's.
  private var written: Set<FilePath> = []
  private var firstFailure: Failure?
  private var doneCount = 0
  private var failedCount = 0

  init(
    plan: FilePlan, inputs: InputOptions, replaces: Bool, report: ReportOptions, console: Console
  ) {
    self.plan = plan
    areMany = inputs.areMany
    isLongRun = inputs.recursive || inputs.filesFrom != nil
    self.replaces = replaces
    self.report = report
    self.console = console
  }

  /// Runs every job. Throws the first failure's exit status after all of them.
  func run(
    toTerminal rule: TerminalRule, discardingOutput: Bool = false,
    done: (FilePath, MessageSummary) -> Void = { _, _ in }, work: Work
  ) throws {
    let passedOver = try plan.forEach(
      { job in
        do {
          let summary = try run(job, rule: rule, discardingOutput: discardingOutput, work: work)
          doneCount += 1
          done(job.input, summary)
        } catch {
          try fail(job.input, error)
        }
      }, fail: fail)
    if isLongRun || failedCount > 0 {
      var summary = "\(Text.count(doneCount, "file")) done"
      if failedCount > 0 { summary += ", \(failedCount) failed" }
      if let passedOver = passedOver.summary { summary += "; passed over \(passedOver)" }
      console.note(summary)
    }
    if let firstFailure { throw ExitCode(firstFailure.status.rawValue) }
  }

  private func fail(_ input: FilePath, _ error: any Error) throws {
    let failure = Failure(error)
    // A reader that has gone away ends everything, a full disk or a bad file only this one.
    if failure.isBrokenPipe { throw failure }
    guard areMany else { throw failure.about(Self.name(input, in: failure)) }
    failedCount += 1
    firstFailure = firstFailure ?? failure
    let named = failure.about(Self.name(input, in: failure))
    console.error(named.message, hint: named.hint)
  }

  /// The input's name, unless the message has it already.
  private static func name(_ input: FilePath, in failure: Failure) -> String? {
    let name = Text.printable(input)
    return input == "-" || failure.message.contains(name) ? nil : name
  }

  private func run(
    _ job: FileJob, rule: TerminalRule, discardingOutput: Bool, work: Work
  ) throws -> MessageSummary {
    let input = job.input == "-" ? Descriptor.standardInput : try Descriptor.openInput(job.input)
    let status = try input.status()
    if job.input == "-", status.kind == .directory { throw FileRuleError.isDirectory("-") }
    if input.isTerminal { console.note("reading from the terminal; end with Ctrl-D") }
    let source = DescriptorSource(input)
    let bar = ProgressBar(
      total: source.expectedCount, isWanted: report.progress, isQuiet: report.quiet)
    console.progress = bar
    let progress: ProgressHandler = { bar?.advance(by: $0) }
    defer { bar?.clear() }

    if discardingOutput { return try work(source, NullSink(), progress) }
    if let path = job.output, let special = try Self.openSpecial(path) {
      return try write(to: special, rule: rule, from: status, source, progress, work)
    }
    guard let path = job.output, path != "/dev/stdout" else {
      return try write(
        to: .standardOutput, rule: rule, from: status, source, progress, work)
    }
    guard written.insert(path.lexicallyNormalized()).inserted else {
      throw Failure(
        .cannotCreate, "\(Text.printable(path)) was written in this run already",
        hint: "two inputs have the same name; use different output directories")
    }
    if areMany { try createDirectories(path.removingLastComponent()) }
    let output = try OutputFile(
      path, replacing: replaces, source: status.kind == .regular ? status : nil,
      leftovers: leftovers)
    let summary = try work(source, output, progress)
    try output.commit()
    return summary
  }

  /// Writes to what cannot be renamed into place: a pipe, a terminal, a device.
  private func write(
    to descriptor: Descriptor, rule: TerminalRule, from input: FileStatus,
    _ source: any ByteSource, _ progress: @escaping ProgressHandler, _ work: Work
  ) throws -> MessageSummary {
    let status = try descriptor.status()
    if status.kind == .regular, input.kind == .regular, status.isSameFile(as: input) {
      throw FileRuleError.sameFile("standard input and output")
    }
    let sink = DescriptorSink(descriptor)
    guard descriptor.isTerminal else { return try work(source, sink, progress) }
    switch rule {
    case .everything: return try work(source, sink, progress)
    case .nothing:
      throw Failure(
        .usage, "a message is binary, and the output is a terminal",
        hint: "write it to a file with -o FILE, pipe it on, or make it text with --armor")
    case .text:
      let text = TerminalSink(sink)
      let summary = try work(source, text, progress)
      try text.finish()
      return summary
    }
  }

  /// Opens an output that exists and is no regular file.
  private static func openSpecial(_ path: FilePath) throws -> Descriptor? {
    guard let status = try FileStatus.at(path), status.kind == .other else { return nil }
    return try Descriptor.openOutput(path)
  }
}
