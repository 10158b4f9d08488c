import ArgumentParser
import Envelope
import Synchronization
import SystemPackage

/// What became of one job that did not fail.
enum JobOutcome {
  case done(MessageSummary)
  /// The same, and the input changed while it was read: the output has what was read.
  case doneOfChanging(MessageSummary)
  /// The input was there, and was gone when its turn came.
  case vanished
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
    var changedCount = 0
    var vanishedCount = 0
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
  /// The same as an `abortion`, for threads that ask after each job.
  private let aborted = Atomic(false)

  init(
    console: Console, goesOn: Bool,
    done: @escaping @Sendable (FilePath, JobOutcome) throws -> Void
  ) {
    self.console = console
    self.goesOn = goesOn
    self.done = done
  }

  /// Whether no further job is to be begun.
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
        console.warning("\(Text.printable(input)) was gone before it was read")
        return
      case .unchanged: state.unchangedCount += 1
      case .wouldChange: state.wouldChangeCount += 1
      }
      do {
        try done(input, outcome)
      } catch {
        // Nobody can be told of the rest.
        abort(Failure(error), &state)
      }
    case .failure(let error):
      let failure = Failure(error)
      let named = failure.about(Self.name(input, in: failure))
      // A reader that has gone away ends everything, a full disk or a bad file only this one.
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

  /// Tells a failure that is not an input's.
  func add(_ failure: Failure) { state.withLock { tell(failure, &$0) } }

  private func tell(_ failure: Failure, _ state: inout State) {
    state.failedCount += 1
    state.firstFailure = state.firstFailure ?? failure
    console.error(failure.message, hint: failure.hint)
  }

  /// The input's name, unless the message has it already.
  private static func name(_ input: FilePath, in failure: Failure) -> String? {
    let name = Text.printable(input)
    return input == "-" || failure.message.contains(name) ? nil : name
  }

  /// Tells the numbers; throws what ended the run, or the first failure's exit status, or that inputs
  /// changed.
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
      console.note(summary + (passedOver.summary.map { "; passed over \($0)" } ?? ""))
    }
    if let firstFailure { throw ExitCode(firstFailure.status.rawValue) }
    if isChanged { throw ExitCode(ExitStatus.inputChanged.rawValue) }
  }
}
