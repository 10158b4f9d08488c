import ArgumentParser
import Envelope
import Synchronization
import SystemPackage

/// The outcome of a job that did not fail.
enum JobOutcome {
  case done(MessageSummary)
  /// The job is done, but the input changed while it was read: the output has the bytes that were
  /// read.
  case doneOfChanging(MessageSummary)
  /// The input existed, but was gone when it was opened.
  case vanished
  /// The input is already as it should be.
  case unchanged
  /// The input would be changed, but this is a dry run.
  case wouldChange
}

/// Reports the outcomes of the jobs of a run in the order of the inputs, no matter which thread
/// finishes first.
final class OutcomeLog: Sendable {
  private struct State {
    /// The outcomes that wait for an earlier one.
    var waiting: [Int: (input: FilePath, result: Result<JobOutcome, any Error>)] = [:]
    var next = 0
    var doneCount = 0
    var changedCount = 0
    var vanishedCount = 0
    var unchangedCount = 0
    var wouldChangeCount = 0
    var failedCount = 0
    var firstFailure: Failure?
    /// The failure that ended the whole run.
    var abortion: Failure?
  }

  private let console: Console
  /// True if the run continues after a failure.
  private let goesOn: Bool
  private let done: @Sendable (FilePath, JobOutcome) throws -> Void
  private let state = Mutex(State())
  /// True if there is an `abortion`; threads check it after each job.
  private let aborted = Atomic(false)

  init(
    console: Console, goesOn: Bool,
    done: @escaping @Sendable (FilePath, JobOutcome) throws -> Void
  ) {
    self.console = console
    self.goesOn = goesOn
    self.done = done
  }

  /// True if no further job may be started.
  var isAborted: Bool { aborted.load(ordering: .acquiring) }

  func add(_ index: Int, _ input: FilePath, _ result: Result<JobOutcome, any Error>) {
    state.withLock { state in
      state.waiting[index] = (input, result)
      while let outcome = state.waiting.removeValue(forKey: state.next) {
        state.next += 1
        tell(outcome.input, outcome.result, &state)
      }
    }
  }

  private func tell(
    _ input: FilePath, _ result: Result<JobOutcome, any Error>, _ state: inout State
  ) {
    switch result {
    case .success(let outcome):
      switch outcome {
      case .done: state.doneCount += 1
      case .doneOfChanging:
        state.doneCount += 1
        state.changedCount += 1
        let name = input == "-" ? "standard input" : Text.printable(input)
        console.warning("\(name) changed while it was read: the output has what was read")
      case .vanished:
        state.vanishedCount += 1
        console.warning("\(Text.printable(input)) disappeared before it was read")
        return
      case .unchanged: state.unchangedCount += 1
      case .wouldChange: state.wouldChangeCount += 1
      }
      do {
        try done(input, outcome)
      } catch {
        // The outcomes cannot be reported any more: end the run.
        abort(Failure(error), &state)
      }
    case .failure(let error):
      let failure = Failure(error, of: input)
      let named = failure.about(name(of: input, in: failure))
      // A reader that closed the pipe ends the whole run. A full disk or a bad file ends only this
      // job.
      if failure.isBrokenPipe || !goesOn {
        return abort(failure.isBrokenPipe ? failure : named, &state)
      }
      tell(named, &state)
    }
  }

  private func abort(_ failure: Failure, _ state: inout State) {
    state.abortion = state.abortion ?? failure
    aborted.store(true, ordering: .releasing)
  }

  /// Reports a failure that does not belong to an input.
  func add(_ failure: Failure) { state.withLock { tell(failure, &$0) } }

  private func tell(_ failure: Failure, _ state: inout State) {
    state.failedCount += 1
    state.firstFailure = state.firstFailure ?? failure
    console.error(failure.message, hint: failure.hint)
  }

  /// Returns the input's name, unless the message already contains it. Standard input is named only
  /// if there are other inputs.
  private func name(of input: FilePath, in failure: Failure) -> String? {
    if input == "-", !goesOn { return nil }
    let name = input == "-" ? "standard input" : Text.printable(input)
    return failure.message.contains(name) ? nil : name
  }

  /// Writes the summary. Throws the failure that ended the run, else the exit status of the first
  /// failure, else the exit status for changed inputs.
  func finish(passedOver: PassedOver, alwaysSummarizing: Bool) throws {
    let (abortion, firstFailure, isChanged, summary) = state.withLock { state in
      var summary = "\(Text.count(state.doneCount, "file")) done"
      if state.wouldChangeCount > 0 {
        summary = "\(Text.count(state.wouldChangeCount, "file")) to be done"
      }
      if state.unchangedCount > 0 { summary += ", \(state.unchangedCount) left as they are" }
      if state.changedCount > 0 { summary += ", \(state.changedCount) changed while read" }
      if state.vanishedCount > 0 { summary += ", \(state.vanishedCount) gone" }
      if state.failedCount > 0 { summary += ", \(state.failedCount) failed" }
      let isWanted = alwaysSummarizing || state.failedCount > 0
      let isChanged = state.changedCount + state.vanishedCount > 0
      return (state.abortion, state.firstFailure, isChanged, isWanted ? summary : nil)
    }
    if let abortion { throw abortion }
    passedOver.warn(on: console)
    if let summary {
      console.note(summary + (passedOver.summary.map { "; skipped \($0)" } ?? ""))
    }
    if let firstFailure { throw ExitCode(firstFailure.status.rawValue) }
    if isChanged { throw ExitCode(ExitStatus.inputChanged.rawValue) }
  }
}
