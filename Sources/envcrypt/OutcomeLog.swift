import ArgumentParser
import Envelope
import Synchronization
import SystemPackage

/// What became of one job that did not fail.
enum JobOutcome {
  case done(MessageSummary)
  /// The input is already what it should be.
  case unchanged
  /// There is something to do, and it was only asked about.
  case wouldChange
}

/// What became of each job of a run, told in the order of the inputs, whichever thread was done
/// first.
final class OutcomeLog: Sendable {
  private struct State {
    /// Outcomes that wait for one before them.
    var waiting: [Int: (input: FilePath, result: Result<JobOutcome, any Error>)] = [:]
    var next = 0
    var doneCount = 0
    var unchangedCount = 0
    var wouldChangeCount = 0
    var failedCount = 0
    var firstFailure: Failure?
    /// What ended the whole run.
    var abortion: Failure?
  }

  private let console: Console
  /// Whether one failure is not the end of the run.
  private let goesOn: Bool
  private let done: @Sendable (FilePath, JobOutcome) throws -> Void
  private let state = Mutex(State())

  init(
    console: Console, goesOn: Bool,
    done: @escaping @Sendable (FilePath, JobOutcome) throws -> Void
  ) {
    self.console = console
    self.goesOn = goesOn
    self.done = done
  }

  /// Whether no further job is to be begun.
  var isAborted: Bool { state.withLock { $0.abortion != nil } }

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
      case .unchanged: state.unchangedCount += 1
      case .wouldChange: state.wouldChangeCount += 1
      }
      do {
        try done(input, outcome)
      } catch {
        // Nobody can be told of the rest.
        state.abortion = state.abortion ?? Failure(error)
      }
    case .failure(let error):
      let failure = Failure(error)
      let named = failure.about(Self.name(input, in: failure))
      // A reader that has gone away ends everything, a full disk or a bad file only this one.
      if failure.isBrokenPipe || !goesOn {
        state.abortion = state.abortion ?? (failure.isBrokenPipe ? failure : named)
        return
      }
      state.failedCount += 1
      state.firstFailure = state.firstFailure ?? failure
      console.error(named.message, hint: named.hint)
    }
  }

  /// The input's name, unless the message has it already.
  private static func name(_ input: FilePath, in failure: Failure) -> String? {
    let name = Text.printable(input)
    return input == "-" || failure.message.contains(name) ? nil : name
  }

  /// Tells the numbers; throws what ended the run, or the first failure's exit status.
  func finish(passedOver: PassedOver, alwaysSummarizing: Bool) throws {
    let (abortion, firstFailure, summary) = state.withLock { state in
      var summary = "\(Text.count(state.doneCount, "file")) done"
      if state.wouldChangeCount > 0 {
        summary = "\(Text.count(state.wouldChangeCount, "file")) to be done"
      }
      if state.unchangedCount > 0 { summary += ", \(state.unchangedCount) left as they are" }
      if state.failedCount > 0 { summary += ", \(state.failedCount) failed" }
      let isWanted = alwaysSummarizing || state.failedCount > 0
      return (state.abortion, state.firstFailure, isWanted ? summary : nil)
    }
    if let abortion { throw abortion }
    if let summary {
      console.note(summary + (passedOver.summary.map { "; passed over \($0)" } ?? ""))
    }
    if let firstFailure { throw ExitCode(firstFailure.status.rawValue) }
  }
}
