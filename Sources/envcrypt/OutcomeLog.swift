import ArgumentParser
import Envelope
import Synchronization
import SystemPackage

/// The outcome of a job that did not fail.
enum JobOutcome: Sendable {
  case done(MessageSummary)
  /// The job is done, but the input changed while it was read: the output has the bytes that were
  /// read.
  case doneOfChanging(MessageSummary)
  /// A directory of a tree: it is in the output.
  case directory
  /// A symbolic link of a tree: it is in the output. Not if the file system has no links.
  case symbolicLink(isKept: Bool)
  /// The output is another name of the output of another name of the input.
  case linked
  /// The input existed, but was gone when it was opened.
  case vanished
  /// The input is already as it should be.
  case unchanged
  /// The input would be changed, but this is a dry run.
  case wouldChange
  /// After this outcome, the input was removed.
  indirect case removed(JobOutcome)

  /// The message that was read or written.
  var summary: MessageSummary? {
    switch self {
    case .done(let summary), .doneOfChanging(let summary): summary
    case .removed(let outcome): outcome.summary
    default: nil
    }
  }

  fileprivate func warning(of input: FilePath) -> String? {
    switch self {
    case .doneOfChanging:
      let name = input == "-" ? "standard input" : Text.printable(input)
      return "\(name) changed while it was read: the output has what was read"
    case .vanished: return "\(Text.printable(input)) disappeared before it was read"
    default: return nil
    }
  }

  var isRemoved: Bool {
    if case .removed = self { return true }
    return false
  }

  var result: JobResult {
    switch self {
    case .done, .linked: .done
    case .doneOfChanging: .changed
    case .directory: .directory
    case .symbolicLink(let isKept): isKept ? .symbolicLink : .leftOut
    case .vanished: .vanished
    case .unchanged: .unchanged
    case .wouldChange: .wouldChange
    case .removed(let outcome): outcome.result
    }
  }
}

/// The results of jobs, as reports count them.
enum JobResult: String, CaseIterable {
  case done
  /// Done, but the input changed while it was read.
  case changed
  case directory
  case symbolicLink
  /// The file system of the output does not have such an entry.
  case leftOut
  case vanished
  case unchanged
  case wouldChange
  /// An output of `--delete` that was removed.
  case deleted
  case wouldDelete
  case failed

  /// The status of a run in which this result occurred; nil if it is a success. A failure has the
  /// status of its `Failure`.
  var status: ExitStatus? {
    switch self {
    case .changed, .vanished: .inputChanged
    default: nil
    }
  }

  /// The member of the summary in JSON that counts this result: `Done`, `WouldChange`.
  var member: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }

  /// The words of the summary for `count` jobs with this result; `done` is counted apart.
  fileprivate func words(_ count: Int) -> String? {
    switch self {
    case .done, .wouldChange, .directory, .leftOut, .deleted, .wouldDelete: nil
    case .symbolicLink: Text.count(count, "symbolic link")
    case .changed: "\(count) changed while read"
    case .vanished: "\(count) gone"
    case .unchanged: "\(count) left as they are"
    case .failed: "\(count) failed"
    }
  }
}

/// The keystore of a run over files, as its report sees it.
struct RunKeystore: Sendable {
  /// Returns the reason why the keystore cannot be opened or unlocked; nil if it can, or if that
  /// was not tried.
  let obstacle: @Sendable () -> (any Error)?
  /// True if no file can be processed without the keystore, so that an obstacle ends the run.
  let isNeeded: Bool
  /// Writes the audit records that wait to be written. Returns false if the log does not have all
  /// records of the run.
  let finishRecords: @Sendable () -> Bool

  static let none = RunKeystore(obstacle: { nil }, isNeeded: false, finishRecords: { true })
}

/// The report of a run on standard output.
enum RunReport: Sendable {
  /// The closure reports an outcome, if it is worth a line.
  case text(@Sendable (FilePath, JobOutcome) throws -> Void)
  case json(JSONReport)

  static let none = RunReport.text { _, _ in }

  /// The report in JSON, or none.
  init(_ json: JSONReport?) { self = json.map { .json($0) } ?? .none }

  fileprivate var json: JSONReport? {
    if case .json(let report) = self { return report }
    return nil
  }
}

/// Reports the outcomes of the jobs of a run in the order of the inputs, no matter which thread
/// finishes first.
final class OutcomeLog: Sendable {
  private struct Entry {
    let input: FilePath
    let output: FilePath?
    /// Nil if the job is done later, under another index.
    let result: Result<JobOutcome, any Error>?
  }

  private struct State {
    /// The outcomes that wait for an earlier one.
    var waiting: [Int: Entry] = [:]
    var next = 0
    var counts: [JobResult: Int] = [:]
    var removedCount = 0
    var statuses: Set<ExitStatus> = []
    /// The failure that ended the whole run.
    var abortion: Failure?
    /// The first failure that does not belong to an input.
    var runFailure: Failure?
    /// True if a line of the report could not be written.
    var isReportBroken = false
    /// The files that failed because of the keystore, which is told once: the first ones, and the
    /// number of all.
    var untold: (first: [FilePath], count: Int) = ([], 0)

    mutating func count(_ result: JobResult) {
      counts[result, default: 0] += 1
      if let status = result.status { statuses.insert(status) }
    }

    mutating func count(_ failure: Failure) {
      count(.failed)
      statuses.insert(failure.status)
    }
  }

  private let console: Console
  /// True if the run continues after a failure.
  private let goesOn: Bool
  private let keystore: RunKeystore
  private let report: RunReport
  /// True if inputs are removed.
  private let removes: Bool
  private let state = Mutex(State())
  /// True if there is an `abortion`; threads check it after each job.
  private let aborted = Atomic(false)

  init(
    console: Console, goesOn: Bool, keystore: RunKeystore = .none, report: RunReport = .none,
    removes: Bool = false
  ) {
    self.console = console
    self.goesOn = goesOn
    self.keystore = keystore
    self.report = report
    self.removes = removes
  }

  /// True if no further job may be started.
  var isAborted: Bool { aborted.load(ordering: .acquiring) }

  /// True if a job has failed.
  var hasFailures: Bool { state.withLock { $0.counts[.failed] != nil } }

  /// Adds the outcome of the job with this index. `output` is the name of its output; nil if it has
  /// none. Without a result, the job is done later, under another index.
  func add(
    _ index: Int, _ input: FilePath, output: FilePath? = nil,
    _ result: Result<JobOutcome, any Error>?
  ) {
    state.withLock { state in
      state.waiting[index] = Entry(input: input, output: output, result: result)
      tellWaiting(&state)
    }
  }

  /// Adds an output whose source is gone.
  func add(deleted output: FilePath, _ result: JobResult) {
    state.withLock { state in
      state.count(result)
      reporting(&state) { try report.json?.add(deleted: output, result) }
    }
  }

  private func tellWaiting(_ state: inout State) {
    while let entry = state.waiting.removeValue(forKey: state.next) {
      state.next += 1
      switch entry.result {
      case .success(let outcome): tell(entry, outcome, &state)
      case .failure(let error): tell(entry, error, &state)
      case nil: break
      }
    }
  }

  /// Adds jobs that had nothing to do. Only a report in JSON names them.
  func add(unchanged jobs: [(index: Int, job: FileJob)]) {
    state.withLock { state in
      for (index, job) in jobs {
        let isNamed = report.json != nil
        let entry = Entry(
          input: isNamed ? job.input : "", output: isNamed ? job.output : nil,
          result: .success(.unchanged))
        guard index == state.next else {
          state.waiting[index] = entry
          continue
        }
        state.next += 1
        tell(entry, .unchanged, &state)
      }
      tellWaiting(&state)
    }
  }

  private func tell(_ entry: Entry, _ outcome: JobOutcome, _ state: inout State) {
    state.count(outcome.result)
    if outcome.isRemoved { state.removedCount += 1 }
    let warning = outcome.warning(of: entry.input)
    if let warning { console.warningOfFile(warning) }
    reporting(&state) {
      switch report {
      case .text(let write): try write(entry.input, outcome)
      case .json(let report):
        try report.add(
          JSONReport.File(
            input: entry.input, output: entry.output, result: outcome.result,
            isRemoved: outcome.isRemoved, summary: outcome.summary, warning: warning))
      }
    }
  }

  /// Runs `body`, which writes a part of the report. If that fails, the outcomes cannot be reported
  /// any more: ends the run.
  private func reporting(_ state: inout State, _ body: () throws -> Void) {
    do {
      try body()
    } catch {
      state.isReportBroken = true
      abort(Failure(error), &state)
    }
  }

  private func tell(_ entry: Entry, _ error: any Error, _ state: inout State) {
    let failure = Failure(error, of: entry.input)
    // A reader that closed the pipe ends the whole run. A full disk or a bad file ends only this
    // job.
    if failure.isBrokenPipe { return abort(failure, &state) }
    let isOfKeystore = isOfKeystore(failure)
    let named = isOfKeystore ? failure : failure.about(name(of: entry.input, in: failure))
    reporting(&state) {
      try report.json?.add(
        JSONReport.File(input: entry.input, output: nil, result: .failed, failure: named))
    }
    if !goesOn || isOfKeystore && keystore.isNeeded { return abort(named, &state) }
    if isOfKeystore { tellOfKeystore(named, entry.input, &state) } else { tell(named, &state) }
  }

  /// True if a job failed because the keystore cannot be opened or unlocked. The failure is then
  /// the same for every file.
  private func isOfKeystore(_ failure: Failure) -> Bool {
    guard let reason = keystore.obstacle() else { return false }
    return Failure(reason).message == failure.message
  }

  /// Reports the failure of the keystore once. A warning at the end names the files.
  private func tellOfKeystore(_ failure: Failure, _ input: FilePath, _ state: inout State) {
    if state.untold.count == 0 { tell(failure, &state) } else { state.count(failure) }
    state.untold.count += 1
    if state.untold.first.count < PassedOver.nameLimit { state.untold.first.append(input) }
  }

  private func abort(_ failure: Failure, _ state: inout State) {
    if state.abortion == nil {
      state.abortion = failure
      state.count(failure)
    }
    aborted.store(true, ordering: .releasing)
  }

  /// Reports a failure that does not belong to an input.
  func add(_ failure: Failure) {
    state.withLock { state in
      if state.runFailure == nil { state.runFailure = failure }
      tell(failure, &state)
    }
  }

  private func tell(_ failure: Failure, _ state: inout State) {
    state.count(failure)
    console.error(failure.message, hint: failure.hint)
  }

  /// Returns the input's name, unless the message already names it. Standard input is named only
  /// if there are other inputs.
  private func name(of input: FilePath, in failure: Failure) -> String? {
    if failure.names(input) { return nil }
    if input == "-" { return goesOn ? "standard input" : nil }
    return Text.printable(input)
  }

  /// Writes the summary. Throws the failure that ended the run, else the exit status that comes
  /// first in `ExitStatus.precedence`.
  func finish(passedOver: PassedOver, alwaysSummarizing: Bool) throws {
    let state = state.withLock { $0 }
    if let abortion = state.abortion {
      // Without other outcomes, this failure is all there is to say.
      if abortion.isBrokenPipe { throw abortion }
      guard goesOn else {
        try report(state, skipped: 0)
        throw abortion
      }
      console.error(abortion.message, hint: abortion.hint)
    } else {
      passedOver.warn(on: console)
    }
    tellUntold(state)
    if alwaysSummarizing || state.counts[.failed] != nil {
      console.note(Self.summary(state) + (passedOver.summary.map { "; skipped \($0)" } ?? ""))
    }
    try report(state, skipped: passedOver.count)
    if let status = ExitStatus.first(of: state.statuses) { throw ExitCode(status.rawValue) }
  }

  /// Writes the summary of a report in JSON, after the audit log has its records.
  private func report(_ state: State, skipped: Int) throws {
    guard let report = report.json, !state.isReportBroken else { return }
    let unrecorded = keystore.finishRecords() ? nil : Failure.unrecorded
    let statuses = state.statuses.union(unrecorded.map { [$0.status] } ?? [])
    try report.finish(
      state.counts, removed: removes ? state.removedCount : nil, skipped: skipped,
      warnings: console.keptWarnings,
      status: ExitStatus.first(of: statuses), failure: unrecorded ?? state.runFailure)
  }

  private func tellUntold(_ state: State) {
    guard state.untold.count > 0 else { return }
    let names = state.untold.first.map(Text.printable).joined(separator: ", ")
    let more = state.untold.count - state.untold.first.count
    console.warning(
      "no key outside the keystore opens \(names)" + (more > 0 ? " and \(more) more" : ""))
  }

  private static func summary(_ state: State) -> String {
    let done = state.counts[.done, default: 0] + state.counts[.changed, default: 0]
    let first =
      state.counts[.wouldChange].map { "\(Text.count($0, "file")) to be done" }
      ?? "\(Text.count(done, "file")) done"
    let rest = JobResult.allCases.compactMap { result in
      state.counts[result].flatMap { result.words($0) }
    }
    let removed =
      state.removedCount > 0 ? ["\(Text.count(state.removedCount, "input")) removed"] : []
    return ([first] + rest + removed).joined(separator: ", ")
  }
}
