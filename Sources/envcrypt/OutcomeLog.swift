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
  /// A directory of a tree: it is in the output.
  case directory
  /// A symbolic link of a tree: it is in the output. Not if the file system has no links.
  case symbolicLink(isKept: Bool)
  /// The input existed, but was gone when it was opened.
  case vanished
  /// The input is already as it should be.
  case unchanged
  /// The input would be changed, but this is a dry run.
  case wouldChange

  var result: JobResult {
    switch self {
    case .done: .done
    case .doneOfChanging: .changed
    case .directory: .directory
    case .symbolicLink(let isKept): isKept ? .symbolicLink : .leftOut
    case .vanished: .vanished
    case .unchanged: .unchanged
    case .wouldChange: .wouldChange
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
  case failed

  /// The status of a run in which this result occurred; nil if it is a success. A failure has the
  /// status of its `Failure`.
  var status: ExitStatus? {
    switch self {
    case .changed, .vanished: .inputChanged
    default: nil
    }
  }

  /// The words of the summary for `count` jobs with this result; `done` is counted apart.
  fileprivate func words(_ count: Int) -> String? {
    switch self {
    case .done, .wouldChange, .directory, .leftOut: nil
    case .symbolicLink: Text.count(count, "symbolic link")
    case .changed: "\(count) changed while read"
    case .vanished: "\(count) gone"
    case .unchanged: "\(count) left as they are"
    case .failed: "\(count) failed"
    }
  }
}

/// The failure of a keystore that cannot be opened or unlocked, in a run over files.
struct KeystoreObstacle: Sendable {
  /// Returns the reason why the keystore cannot be used; nil if it can, or if that was not tried.
  let find: @Sendable () -> (any Error)?
  /// True if no file can be processed without the keystore, so that this failure ends the run.
  let endsRun: Bool

  static let none = KeystoreObstacle(find: { nil }, endsRun: false)
}

/// Reports the outcomes of the jobs of a run in the order of the inputs, no matter which thread
/// finishes first.
final class OutcomeLog: Sendable {
  private struct State {
    /// The outcomes that wait for an earlier one.
    var waiting: [Int: (input: FilePath, result: Result<JobOutcome, any Error>)] = [:]
    var next = 0
    var counts: [JobResult: Int] = [:]
    var statuses: Set<ExitStatus> = []
    /// The failure that ended the whole run.
    var abortion: Failure?
    /// The files that failed because of the keystore after the reason was told: the first ones, and
    /// the number of all.
    var untold: (first: [FilePath], count: Int) = ([], 0)
    var hasToldKeystore = false

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
  private let keystore: KeystoreObstacle
  private let done: @Sendable (FilePath, JobOutcome) throws -> Void
  private let state = Mutex(State())
  /// True if there is an `abortion`; threads check it after each job.
  private let aborted = Atomic(false)

  init(
    console: Console, goesOn: Bool, keystore: KeystoreObstacle = .none,
    done: @escaping @Sendable (FilePath, JobOutcome) throws -> Void
  ) {
    self.console = console
    self.goesOn = goesOn
    self.keystore = keystore
    self.done = done
  }

  /// True if no further job may be started.
  var isAborted: Bool { aborted.load(ordering: .acquiring) }

  func add(_ index: Int, _ input: FilePath, _ result: Result<JobOutcome, any Error>) {
    state.withLock { state in
      state.waiting[index] = (input, result)
      while let outcome = state.waiting.removeValue(forKey: state.next) {
        state.next += 1
        switch outcome.result {
        case .success(let result): tell(outcome.input, result, &state)
        case .failure(let error): tell(outcome.input, error, &state)
        }
      }
    }
  }

  private func tell(_ input: FilePath, _ outcome: JobOutcome, _ state: inout State) {
    state.count(outcome.result)
    switch outcome {
    case .doneOfChanging:
      let name = input == "-" ? "standard input" : Text.printable(input)
      console.warning("\(name) changed while it was read: the output has what was read")
    case .vanished:
      console.warning("\(Text.printable(input)) disappeared before it was read")
      return
    default: break
    }
    do {
      try done(input, outcome)
    } catch {
      // The outcomes cannot be reported any more: end the run.
      abort(Failure(error), &state)
    }
  }

  private func tell(_ input: FilePath, _ error: any Error, _ state: inout State) {
    let failure = Failure(error, of: input)
    // A reader that closed the pipe ends the whole run. A full disk or a bad file ends only this
    // job.
    if failure.isBrokenPipe { return abort(failure, &state) }
    if isOfKeystore(failure) { return tellOfKeystore(failure, input, &state) }
    let named = failure.about(name(of: input, in: failure))
    if goesOn { tell(named, &state) } else { abort(named, &state) }
  }

  /// True if a job failed because the keystore cannot be opened or unlocked. The failure is then
  /// the same for every file.
  private func isOfKeystore(_ failure: Failure) -> Bool {
    guard let reason = keystore.find() else { return false }
    return Failure(reason).message == failure.message
  }

  /// Reports the failure of the keystore once. Ends the run if every file needs the keystore.
  private func tellOfKeystore(_ failure: Failure, _ input: FilePath, _ state: inout State) {
    if !goesOn || keystore.endsRun { return abort(failure, &state) }
    guard state.hasToldKeystore else {
      state.hasToldKeystore = true
      tell(failure, &state)
      return noteUntold(input, &state)
    }
    state.count(failure)
    noteUntold(input, &state)
  }

  private func noteUntold(_ input: FilePath, _ state: inout State) {
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
  func add(_ failure: Failure) { state.withLock { tell(failure, &$0) } }

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
      if abortion.isBrokenPipe || !goesOn { throw abortion }
      console.error(abortion.message, hint: abortion.hint)
    } else {
      passedOver.warn(on: console)
    }
    tellUntold(state)
    if alwaysSummarizing || state.counts[.failed] != nil {
      console.note(Self.summary(state) + (passedOver.summary.map { "; skipped \($0)" } ?? ""))
    }
    if let status = ExitStatus.first(of: state.statuses) { throw ExitCode(status.rawValue) }
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
    return ([first] + rest).joined(separator: ", ")
  }
}
