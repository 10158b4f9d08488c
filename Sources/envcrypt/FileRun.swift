import ArgumentParser
import Envelope
import Glibc
import Synchronization
import SystemPackage

/// Runs jobs, several at once where there are many: opens input and output, hands both over, reports
/// in the order of the inputs what became of each, and goes on where one fails.
final class FileRun: Sendable {
  /// What a command does with one opened input, before there is an output. Called on several
  /// threads.
  typealias Work = @Sendable (_ source: any ByteSource, _ job: FileJob) throws -> Decision

  enum Decision {
    /// The work itself: fills the output.
    case transfer(Transfer)
    /// The input is to be left as it is.
    case leave(JobOutcome)
  }

  typealias Transfer = (_ sink: any ByteSink, _ progress: @escaping ProgressHandler) throws ->
    MessageSummary

  /// What may go to a terminal.
  enum TerminalRule {
    case nothing
    case text
    case everything
  }

  private struct State {
    var plan: FilePlan
    var nextIndex = 0
    /// Outputs of this run, so that no input overwrites another's.
    var written: Set<FilePath> = []
    /// Directories that are known to be there.
    var directories: Set<FilePath> = []
  }

  private let areMany: Bool
  /// Whether the inputs were not all named one by one, so that their number says something.
  private let isLongRun: Bool
  private let replaces: Bool
  private let helpers: ThreadGroup
  private let console: Console
  private let progress: ProgressBar?
  private let leftovers: Leftovers
  private let newFilePermissions = OutputFile.newFilePermissions()
  private let state: Mutex<State>
  private let outcomes: OutcomeLog

  private let rule: TerminalRule
  private let discardsOutput: Bool
  private let work: Work

  init(
    plan: FilePlan, inputs: InputOptions, replaces: Bool, report: ReportOptions,
    scheduler: Scheduler, console: Console, leftovers: Leftovers,
    toTerminal rule: TerminalRule, discardingOutput: Bool = false,
    done: @escaping @Sendable (FilePath, JobOutcome) throws -> Void = { _, _ in },
    work: @escaping Work
  ) {
    state = Mutex(State(plan: plan))
    areMany = inputs.areMany
    isLongRun = inputs.recursive || inputs.filesFrom != nil
    self.replaces = replaces
    helpers = ThreadGroup(scheduler)
    self.console = console
    self.leftovers = leftovers
    self.rule = rule
    discardsOutput = discardingOutput
    self.work = work
    outcomes = OutcomeLog(console: console, goesOn: inputs.areMany, done: done)
    progress = ProgressBar.isWanted(report) ? ProgressBar(total: plan.totalSize()) : nil
    console.show(progress)
    // Other threads create files from here on.
    if inputs.areMany { leftovers.watch() }
  }

  /// Runs every job. Throws the first failure's exit status after all of them.
  func run() throws {
    takeJobs()
    helpers.wait()
    progress?.clear()
    let passedOver = state.withLock { $0.plan.passedOver }
    try outcomes.finish(passedOver: passedOver, alwaysSummarizing: isLongRun)
  }

  /// What every thread does.
  private func takeJobs() {
    while !outcomes.isAborted, let (index, step) = nextStep() {
      if areMany { _ = helpers.start { [self] in takeJobs() } }
      switch step {
      case .failure(let input, let error): outcomes.add(index, input, .failure(error))
      case .job(let job): outcomes.add(index, job.input, Result { try run(job) })
      }
    }
  }

  private func nextStep() -> (index: Int, step: FilePlan.Step)? {
    state.withLock { state in
      guard let step = state.plan.next() else { return nil }
      defer { state.nextIndex += 1 }
      return (state.nextIndex, step)
    }
  }

  private func run(_ job: FileJob) throws -> JobOutcome {
    let input = try open(job)
    let status = try input.status()
    if job.input == "-", status.kind == .directory { throw FileRuleError.isDirectory("-") }
    if input.isTerminal { console.note("reading from the terminal; end with Ctrl-D") }
    switch try work(DescriptorSource(input), job) {
    case .leave(let outcome): return outcome
    case .transfer(let transfer):
      return .done(
        try run(job, from: status) { [progress] sink in
          try transfer(sink) { progress?.advance(by: $0) }
        })
    }
  }

  private func open(_ job: FileJob) throws -> Descriptor {
    if let found = job.found { return try Descriptor.openInput(job.input, foundAs: found) }
    return job.input == "-" ? .standardInput : try .openInput(job.input)
  }

  /// Makes the output that the job wants and lets `transfer` fill it.
  private func run(
    _ job: FileJob, from status: FileStatus, transfer: (any ByteSink) throws -> MessageSummary
  ) throws -> MessageSummary {
    if discardsOutput { return try transfer(NullSink()) }
    if let path = job.output, !job.replacesInput, job.place == nil,
      let special = try Self.openSpecial(path)
    {
      return try write(to: special, from: status, transfer)
    }
    guard let path = job.output, path != "/dev/stdout" else {
      return try write(to: .standardOutput, from: status, transfer)
    }
    try claim(path, isPlaced: job.place != nil)
    let output = try makeOutput(path, for: job, from: status)
    let summary = try transfer(output)
    try output.commit()
    return summary
  }

  private func makeOutput(
    _ path: FilePath, for job: FileJob, from status: FileStatus
  ) throws -> OutputFile {
    if job.replacesInput { return try OutputFile(inPlaceOf: path, status, leftovers: leftovers) }
    let source = status.kind == .regular ? status : nil
    let permissions = source == nil ? newFilePermissions : nil
    if let place = job.place {
      return try OutputFile(
        place.relative, below: place.directory, replacing: replaces, permissions: permissions,
        source: source, leftovers: leftovers)
    }
    return try OutputFile(
      path, replacing: replaces, permissions: permissions, source: source, leftovers: leftovers)
  }

  /// Takes an output's name for one job, and sees to the directory of one among many.
  private func claim(_ path: FilePath, isPlaced: Bool) throws {
    guard areMany else { return }
    try state.withLock { state in
      guard state.written.insert(path.lexicallyNormalized()).inserted else {
        throw Failure(
          .cannotCreate, "\(Text.printable(path)) was written in this run already",
          hint: "two inputs have the same name; use different output directories")
      }
      let directory = path.removingLastComponent()
      if !isPlaced, !state.directories.contains(directory) {
        try createDirectories(directory)
        state.directories.insert(directory)
      }
    }
  }

  /// Writes to what cannot be renamed into place: a pipe, a terminal, a device.
  private func write(
    to descriptor: Descriptor, from input: FileStatus,
    _ transfer: (any ByteSink) throws -> MessageSummary
  ) throws -> MessageSummary {
    let status = try descriptor.status()
    if status.kind == .regular, input.kind == .regular, status.isSameFile(as: input) {
      throw FileRuleError.sameFile("standard input and output")
    }
    let sink = DescriptorSink(descriptor)
    guard descriptor.isTerminal else {
      let summary = try transfer(sink)
      try sink.finish()
      return summary
    }
    switch rule {
    case .everything: return try transfer(sink)
    case .nothing:
      throw Failure(
        .usage, "a message is binary, and the output is a terminal",
        hint: "write it to a file with -o FILE, pipe it on, or make it text with --armor")
    case .text:
      let text = TerminalSink(sink)
      let summary = try transfer(text)
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
