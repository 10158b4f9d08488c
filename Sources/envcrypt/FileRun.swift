import Envelope
import Glibc
import KMSKeystore
import Synchronization
import SystemPackage

/// Runs jobs, several at once if there are many. Opens input and output, passes both on to the
/// command's work, and reports the outcomes in the order of the inputs. A failed job does not stop
/// the others.
final class FileRun: Sendable {
  /// The work of a command on one opened input, before there is an output. Called on several
  /// threads.
  typealias Work = @Sendable (_ source: any ByteSource, _ job: FileJob) throws -> Decision

  enum Decision {
    /// The input is processed: the closure fills the output.
    case transfer(Transfer)
    /// The input is left as it is.
    case leave(JobOutcome)
  }

  typealias Transfer = (_ sink: any ByteSink, _ progress: @escaping ProgressHandler) throws ->
    MessageSummary

  /// A step with its place among the outcomes.
  struct NumberedStep {
    let index: Int
    let step: FilePlan.Step
  }

  struct State {
    var plan: FilePlan
    var nextIndex = 0
    /// The steps that a thread has looked at, and that have something to do.
    var outdated: [NumberedStep] = []
    /// The outputs of this run, so that no input overwrites the output of another.
    var written: Set<FilePath> = []
    /// The files and directories that were gone when they were opened.
    var vanished: Set<FilePath> = []
    /// The inputs whose outputs have not got their names yet, each with what is in the way and may
    /// be removed by `--delete`.
    var obstructed: [FilePath: FilePath] = [:]
    /// The plan for the obstructed inputs. Nil until outputs of gone sources are removed.
    var retry: FilePlan?
  }

  let areMany: Bool
  /// True if the inputs were not all named one by one, so that their number is worth reporting.
  let isLongRun: Bool
  /// True if several inputs could have outputs of the same name.
  let claimsNames: Bool
  let naming: FilePlan.Naming
  let isJoined: Bool
  let replaces: Bool
  let synchronizes: Bool
  let repetition: Repetition
  let keystoreFiles: KeystoreFiles
  /// The plan as it was at the beginning; nil without `--delete`.
  let firstPlan: FilePlan?
  let helpers: ThreadGroup
  let console: Console
  let progress: ProgressBar?
  let leftovers: Leftovers
  /// The umask: the mode bits that outputs of named inputs do not get.
  let mask: mode_t
  /// True if outputs keep mode, owner, group and times of their inputs, as with cp -a.
  let keepsAttributes: Bool
  /// True if outputs have the times of their inputs: so that the next run knows that they are current,
  /// or because the inputs are removed.
  var keepsTimes: Bool { keepsAttributes || repetition.updates || removal != nil }
  let inputs: InputFiles
  let lost = LostAttributes()
  /// True if outputs keep the extended attributes of their inputs.
  let keepsExtended: Bool
  private let makesHoles: Bool
  let links: HardLinks?
  let made: MadeDirectories
  /// The complete outputs of a run over many files.
  let batch: OutputBatch
  let state: Mutex<State>
  let outcomes: OutcomeLog

  let rule: TerminalRule
  let discardsOutput: Bool
  /// Removes inputs whose outputs are verified; nil if inputs stay.
  let removal: InputRemoval?
  let work: Work

  init(
    plan: FilePlan, inputs: InputOptions, replaces: Bool, synchronizes: Bool = true,
    report: ReportOptions, scheduler: Scheduler, console: Console, leftovers: Leftovers,
    keystore: RunKeystore, toTerminal rule: TerminalRule, discardingOutput: Bool = false,
    keeping attributes: AttributeOptions? = nil, makingHoles makesHoles: Bool = false,
    reporting runReport: RunReport = .none,
    repetition: Repetition = Repetition(), removing removal: InputRemoval? = nil,
    work: @escaping Work
  ) {
    state = Mutex(State(plan: plan))
    firstPlan = repetition.deletion == nil ? nil : plan
    areMany = inputs.areMany
    isLongRun = inputs.recursive || inputs.filesFrom != nil
    claimsNames = !plan.isSingle
    naming = plan.naming
    isJoined = plan.isJoined
    keystoreFiles = plan.keystoreFiles
    self.replaces = replaces
    self.synchronizes = synchronizes
    self.repetition = repetition
    mask = OutputFile.creationMask()
    keepsAttributes = inputs.recursive && plan.naming != .replace
    keepsExtended = attributes?.xattrs ?? false
    self.makesHoles = makesHoles
    links =
      keepsAttributes || plan.naming == .replace && inputs.areMany
      ? HardLinks(replacing: plan.naming == .replace) : nil
    made = plan.made
    self.inputs = InputFiles(
      naming: naming, keystoreFiles: keystoreFiles, console: console, removal: removal)
    batch = OutputBatch(
      synchronizing: synchronizes, directories: plan.made,
      threads: inputs.areMany ? scheduler.threadCount : 1)
    helpers = ThreadGroup(scheduler)
    self.console = console
    self.leftovers = leftovers
    self.rule = rule
    discardsOutput = discardingOutput
    self.removal = removal
    self.work = work
    outcomes = OutcomeLog(
      console: console, goesOn: inputs.areMany, keystore: keystore, report: runReport,
      removes: removal != nil)
    // Text on the terminal and the bar would be mixed.
    let isMixed = { Descriptor.standardOutput.isTerminal && plan.usesStandardOutput }
    progress =
      ProgressBar.isWanted(report) && !isMixed()
      ? ProgressBar(
        total: plan.totalSize() * (removal == nil || repetition.isDryRun ? 1 : 2),
        leftovers: leftovers) : nil
    // From here on, other threads create files, and a signal has to clear the bar.
    if inputs.areMany || progress != nil { leftovers.watch() }
  }

  /// Runs every job. Then throws the failure that ended the run early, or the exit status that comes
  /// first in `ExitStatus.precedence`.
  func run() throws {
    takeJobs()
    helpers.wait()
    makeLaterNames()
    deleteOutputsOfGoneSources()
    let failures = batch.finish()
    for error in failures { outcomes.add(Failure(error)) }
    removeLastInputs(areOnDisk: failures.isEmpty)
    progress?.clear()
    for loss in lost.all { console.warning(Self.text(of: loss)) }
    let (plan, count) = state.withLock { ($0.plan, $0.nextIndex) }
    if count == 0, isLongRun || plan.passedOver.excluded > 0 { tellOfNothing(plan) }
    tellOfDifferent()
    try outcomes.finish(passedOver: passedOver(of: plan), alwaysSummarizing: isLongRun)
  }

  /// Reports that there were no inputs. The plan reports empty trees.
  private func tellOfNothing(_ plan: FilePlan) {
    let areExcluded = plan.passedOver.excluded > 0
    if naming != .encrypt {
      outcomes.add(plan.nothing(areExcluded ? "but those excluded" : "in the list of files"))
    } else if !plan.passedOver.hasEmptyTree {
      console.warning(
        "no files to encrypt: \(areExcluded ? "all are excluded" : "the list is empty")")
    }
  }

  /// Makes a directory or a symbolic link.
  func make(_ job: EntryJob) throws -> JobOutcome {
    if repetition.isDryRun {
      if case .symbolicLink = job.entry { return .symbolicLink(isKept: true) }
      return .directory
    }
    let replaces = replaces || repetition.updates
    do {
      switch job.entry {
      case .directory(let found):
        try job.directory.make(
          found, at: job.relative, keepingExtended: keepsExtended, noting: lost)
        return .directory
      case .symbolicLink(let found):
        if claimsNames { try claim(job.output) }
        do {
          return .symbolicLink(
            isKept: try job.directory.make(
              found, at: job.relative, replacing: replaces, leftovers: leftovers, noting: lost))
        } catch {
          if claimsNames { giveUp(job.output) }
          throw error
        }
      }
    } catch let error as IOError where error.isOfMissingInput {
      return .vanished
    }
  }

  /// Receives the outcome of a job, possibly later and on another thread.
  typealias Reporter = @Sendable (Result<JobOutcome, any Error>) -> Void

  func run(_ job: FileJob, report: @escaping Reporter) {
    do {
      do {
        // Reading from a pipe may take forever; complete outputs must not wait for it.
        if mayWait(for: job) {
          try batch.withoutWaiting { try perform(job, report) }
        } else {
          try perform(job, report)
        }
      } catch let error as IOError where Self.isOutOfDescriptors(error) && batch.flush() > 0 {
        removeInputs()
        // The flush has closed the outputs that were waiting: try again.
        try perform(job, report)
      }
    } catch {
      // After a gap, a reader would take later bytes for the missing ones.
      if isJoined, Self.isOfStandardOutput(error) { state.withLock { $0.plan.stop() } }
      report(.failure(error))
    }
  }

  private static func isOfStandardOutput(_ error: any Error) -> Bool {
    guard let error = error as? IOError else { return false }
    return error.operation == .write && error.path == "-"
  }

  private static func isOutOfDescriptors(_ error: IOError) -> Bool {
    error.errno == .tooManyOpenFiles || error.errno == .tooManyOpenFilesInSystem
  }

  private func perform(_ job: FileJob, _ report: @escaping Reporter) throws {
    var finding = UpdateRule.Finding.nothing
    if repetition.updates, naming == .encrypt, removal == nil, let found = job.found {
      finding = try self.finding(for: job, of: found.status, input: nil)
      if try isLeftOut(job, finding, of: found.status) { return report(.success(.unchanged)) }
    }
    if repetition.isDryRun, try isSpecial(job) { return report(.success(.wouldChange)) }
    guard let (input, place) = try inputs.open(job) else {
      noteVanished(job.input)
      return report(.success(.vanished))
    }
    let (status, isSettled) = try settledStatus(of: input)
    if repetition.updates, naming != .encrypt || job.found == nil || removal != nil {
      finding = try self.finding(for: job, of: status, input: input)
      if try isLeftOut(job, finding, of: status) {
        return try leaveOut(job, status, in: place, report)
      }
    }
    if repetition.isDryRun {
      try checkOutput(of: job, finding)
      if naming == .decrypt, status.kind == .regular {
        _ = try MeasuredMessage(input, size: status.size)
      }
      return report(.success(.wouldChange))
    }
    // The work may ask for a passphrase: not for a job whose output would be refused.
    if repetition.updates { try checkOutput(of: job, finding) }
    if job.input == "-", status.kind == .directory { throw FileRuleError.isDirectory("-") }
    if input.isTerminal { console.note("reading from the terminal; end with Ctrl-D") }
    switch try work(DescriptorSource(input), job) {
    case .leave(let outcome): report(.success(outcome))
    case .transfer(let transfer):
      var outdated: FileStatus?
      if case .outdated(let status) = finding { outdated = status }
      try run(job, from: input, status, in: place, replacing: outdated, isSettled, report) {
        [progress] sink in
        try transfer(sink) { progress?.advance(by: $0) }
      }
    }
  }

  /// True if the job is one of many and its input is a pipe, a terminal or a device.
  private func mayWait(for job: FileJob) -> Bool {
    guard areMany, job.found == nil else { return false }
    return job.input == "-" || (try? FileStatus.at(job.input))?.kind == .other
  }

  /// Creates the output of the job and lets `transfer` fill it. `place` is the place of an input
  /// that may be replaced.
  private func run(
    _ job: FileJob, from input: Descriptor, _ status: FileStatus, in place: FilePlace?,
    replacing outdated: FileStatus?, _ isSettled: Bool, _ report: @escaping Reporter,
    transfer: (any ByteSink) throws -> MessageSummary
  ) throws {
    let isUnderWay = naming == .encrypt && keystoreFiles.isStoreBeingWritten(status)
    func outcome(_ summary: MessageSummary) throws -> JobOutcome {
      try isUnderWay || isChanged(input, since: status)
        ? .doneOfChanging(summary) : .done(summary)
    }
    if discardsOutput { return report(.success(try outcome(try transfer(NullSink())))) }
    guard let path = job.output, path != "/dev/stdout" else {
      if removal != nil { throw RemovalError.output("-") }
      return report(.success(try outcome(try write(to: .standardOutput, from: status, transfer))))
    }
    let named = job.replacesInput || job.place != nil ? nil : try FilePlace.following(path)
    if let named, let existing = named.existing, existing.kind == .other {
      if removal != nil { throw RemovalError.output(path) }
      let special = try named.place.openSpecial(foundAs: existing)
      return report(.success(try outcome(try write(to: special, from: status, transfer))))
    }
    if claimsNames { try claim(path) }
    let output: OutputFile
    let summary: MessageSummary
    do {
      output = try makeOutput(for: job, from: status, replacing: place, outdated: outdated, named)
      if makesHoles { output.makeSparse() }
      summary = try transfer(output)
    } catch {
      if claimsNames { giveUp(path) }
      throw error
    }
    let done = try outcome(summary)
    if status.kind == .regular { keepAttributes(of: input, status, on: output, isSettled, done) }
    let report = removing(job, status, in: place, output, report)
    guard areMany else {
      try output.commit(synchronizing: synchronizes)
      return report(.success(done))
    }
    batch.add(output, byteCount: summary.plaintextCount) { [links] result in
      if case .success = result, case .done = done { links?.complete(job, try? output.status()) }
      report(result.map { done })
    }
  }
}
