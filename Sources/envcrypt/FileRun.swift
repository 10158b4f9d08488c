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

  private struct State {
    var plan: FilePlan
    var nextIndex = 0
    /// The outputs of this run, so that no input overwrites the output of another.
    var written: Set<FilePath> = []
  }

  private let areMany: Bool
  /// True if the inputs were not all named one by one, so that their number is worth reporting.
  private let isLongRun: Bool
  /// True if several inputs could have outputs of the same name.
  let claimsNames: Bool
  private let naming: FilePlan.Naming
  private let isJoined: Bool
  let replaces: Bool
  private let synchronizes: Bool
  let keystoreFiles: KeystoreFiles
  private let helpers: ThreadGroup
  private let console: Console
  private let progress: ProgressBar?
  let leftovers: Leftovers
  /// The umask: the mode bits that outputs of named inputs do not get.
  private let mask: mode_t
  /// True if outputs keep mode, owner, group and times of their inputs, as with cp -a.
  private let keepsAttributes: Bool
  private let inputs: InputFiles
  private let lost = LostAttributes()
  /// True if outputs keep the extended attributes of their inputs.
  private let keepsExtended: Bool
  private let makesHoles: Bool
  let links: HardLinks?
  let made: MadeDirectories
  /// The complete outputs of a run over many files.
  let batch: OutputBatch
  private let state: Mutex<State>
  let outcomes: OutcomeLog

  private let rule: TerminalRule
  private let discardsOutput: Bool
  private let work: Work

  init(
    plan: FilePlan, inputs: InputOptions, replaces: Bool, synchronizes: Bool = true,
    report: ReportOptions, scheduler: Scheduler, console: Console, leftovers: Leftovers,
    keystore: RunKeystore, toTerminal rule: TerminalRule, discardingOutput: Bool = false,
    keeping attributes: AttributeOptions? = nil, makingHoles makesHoles: Bool = false,
    reporting runReport: RunReport = .none,
    work: @escaping Work
  ) {
    state = Mutex(State(plan: plan))
    areMany = inputs.areMany
    isLongRun = inputs.recursive || inputs.filesFrom != nil
    claimsNames = !plan.isSingle
    naming = plan.naming
    isJoined = plan.isJoined
    keystoreFiles = plan.keystoreFiles
    self.replaces = replaces
    self.synchronizes = synchronizes
    mask = OutputFile.creationMask()
    keepsAttributes = inputs.recursive && plan.naming != .replace
    keepsExtended = attributes?.xattrs ?? false
    self.makesHoles = makesHoles
    links = keepsAttributes ? HardLinks() : nil
    made = plan.made
    self.inputs = InputFiles(naming: naming, keystoreFiles: keystoreFiles, console: console)
    batch = OutputBatch(
      synchronizing: synchronizes, directories: plan.made,
      threads: inputs.areMany ? scheduler.threadCount : 1)
    helpers = ThreadGroup(scheduler)
    self.console = console
    self.leftovers = leftovers
    self.rule = rule
    discardsOutput = discardingOutput
    self.work = work
    outcomes = OutcomeLog(
      console: console, goesOn: inputs.areMany, keystore: keystore, report: runReport)
    // Text on the terminal and the bar would be mixed.
    let isMixed = { Descriptor.standardOutput.isTerminal && plan.usesStandardOutput }
    progress =
      ProgressBar.isWanted(report) && !isMixed()
      ? ProgressBar(total: plan.totalSize(), leftovers: leftovers) : nil
    // From here on, other threads create files, and a signal has to clear the bar.
    if inputs.areMany || progress != nil { leftovers.watch() }
  }

  /// Runs every job. Then throws the failure that ended the run early, or the exit status that comes
  /// first in `ExitStatus.precedence`.
  func run() throws {
    takeJobs()
    helpers.wait()
    makeLaterNames()
    for error in batch.finish() { outcomes.add(Failure(error)) }
    progress?.clear()
    for loss in lost.all { console.warning(Self.text(of: loss)) }
    let (plan, count) = state.withLock { ($0.plan, $0.nextIndex) }
    if count == 0, isLongRun || plan.passedOver.excluded > 0 { tellOfNothing(plan) }
    try outcomes.finish(passedOver: plan.passedOver, alwaysSummarizing: isLongRun)
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

  /// Runs jobs until none is left or the run has ended early. Every thread calls this.
  private func takeJobs() {
    while !outcomes.isAborted, let (index, step) = nextStep() {
      if areMany, !isJoined { _ = helpers.start { [self] in takeJobs() } }
      switch step {
      case .failure(let input, let error): outcomes.add(index, input, .failure(error))
      case .vanished(let input): outcomes.add(index, input, .success(.vanished))
      case .entry(let job):
        outcomes.add(index, job.input, output: job.output, Result { try make(job) })
      case .job(let job):
        run(job) { [outcomes] in outcomes.add(index, job.input, output: job.output, $0) }
      }
    }
  }

  private func nextStep() -> (index: Int, step: FilePlan.Step)? {
    state.withLock { state in
      while let step = state.plan.next() {
        if case .job(let job) = step, links?.takesLater(job) == true { continue }
        defer { state.nextIndex += 1 }
        return (state.nextIndex, step)
      }
      return nil
    }
  }

  /// The place among the outcomes of a job that the plan did not give out last.
  func takeIndex() -> Int {
    state.withLock { state in
      defer { state.nextIndex += 1 }
      return state.nextIndex
    }
  }

  /// Makes a directory or a symbolic link.
  private func make(_ job: EntryJob) throws -> JobOutcome {
    do {
      switch job.entry {
      case .directory(let found):
        try job.directory.make(
          found, at: job.relative, keepingExtended: keepsExtended, noting: lost)
        return .directory
      case .symbolicLink(let found):
        if claimsNames { try claim(job.output) }
        return .symbolicLink(
          isKept: try job.directory.make(
            found, at: job.relative, replacing: replaces, leftovers: leftovers, noting: lost))
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
        // The flush has closed the outputs that were waiting: try again.
        try perform(job, report)
      }
    } catch {
      // What follows a gap would be taken for what belongs there.
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
    guard let (input, place) = try inputs.open(job) else { return report(.success(.vanished)) }
    let status = try input.status()
    if job.input == "-", status.kind == .directory { throw FileRuleError.isDirectory("-") }
    if input.isTerminal { console.note("reading from the terminal; end with Ctrl-D") }
    switch try work(DescriptorSource(input), job) {
    case .leave(let outcome): report(.success(outcome))
    case .transfer(let transfer):
      try run(job, from: input, status, in: place, report) { [progress] sink in
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
    _ report: @escaping Reporter, transfer: (any ByteSink) throws -> MessageSummary
  ) throws {
    let isUnderWay = naming == .encrypt && keystoreFiles.isStoreBeingWritten(status)
    func outcome(_ summary: MessageSummary) throws -> JobOutcome {
      try isUnderWay || isChanged(input, since: status)
        ? .doneOfChanging(summary) : .done(summary)
    }
    if discardsOutput { return report(.success(try outcome(try transfer(NullSink())))) }
    guard let path = job.output, path != "/dev/stdout" else {
      return report(.success(try outcome(try write(to: .standardOutput, from: status, transfer))))
    }
    let named = job.replacesInput || job.place != nil ? nil : try FilePlace.following(path)
    if let named, let existing = named.existing, existing.kind == .other {
      let special = try named.place.openSpecial(foundAs: existing)
      return report(.success(try outcome(try write(to: special, from: status, transfer))))
    }
    if claimsNames { try claim(path) }
    let output: OutputFile
    let summary: MessageSummary
    do {
      output = try makeOutput(for: job, from: status, replacing: place, named)
      if makesHoles { output.makeSparse() }
      summary = try transfer(output)
    } catch {
      if claimsNames { giveUp(path) }
      throw error
    }
    if keepsAttributes || keepsExtended, status.kind == .regular {
      output.keep(
        keepsAttributes ? FileAttributes(status) : nil,
        keepsExtended ? ExtendedAttributes(of: input, noting: lost) : nil, noting: lost)
    }
    let done = try outcome(summary)
    guard areMany else {
      try output.commit(synchronizing: synchronizes)
      return report(.success(done))
    }
    batch.add(output, byteCount: summary.plaintextCount) { [links] result in
      if case .success = result, case .done = done { links?.complete(job, output) }
      report(result.map { done })
    }
  }

  /// True if the input of `encrypt` was written to while it was read. Does not apply to the audit
  /// log, which this run may write to, or to other commands: they verify the message, so it is the
  /// right one.
  private func isChanged(_ input: Descriptor, since status: FileStatus) throws -> Bool {
    guard naming == .encrypt, status.kind == .regular else { return false }
    if keystoreFiles.isStoreBeingWritten(status) { return true }
    return try !input.status().isUnchanged(since: status) && !keystoreFiles.isLog(status)
  }

  /// Creates the output in the place of its input, in the place that the job names, or in the place
  /// that `named` gives.
  private func makeOutput(
    for job: FileJob, from status: FileStatus, replacing replaced: FilePlace?,
    _ named: (place: FilePlace, existing: FileStatus?)?
  ) throws -> OutputFile {
    if job.replacesInput, let replaced {
      return try OutputFile(
        inPlaceOf: replaced, status, reserved: keystoreFiles, leftovers: leftovers)
    }
    let source = status.kind == .regular ? status : nil
    let permissions = permissions(from: source)
    switch job.place {
    case .below(let directory, let relative):
      return try OutputFile(
        relative, below: directory, directoryPermissions: job.found?.directoryPermissions ?? [],
        replacing: replaces, permissions: permissions, source: source, reserved: keystoreFiles,
        leftovers: leftovers)
    case .beside(let place):
      return try OutputFile(
        beside: place, replacing: replaces, permissions: permissions, source: source,
        reserved: keystoreFiles, leftovers: leftovers)
    case nil:
      guard let named else { preconditionFailure("an output without a place") }
      return try OutputFile(
        at: named.place, named.existing, replacing: replaces, permissions: permissions,
        source: source, reserved: keystoreFiles, leftovers: leftovers)
    }
  }

  /// Returns the mode of an output; nil for the mode of the input. In a tree, files keep their
  /// mode, as with cp -a. Otherwise the umask applies, as with cp.
  private func permissions(from source: FileStatus?) -> mode_t? {
    guard let source else { return 0o666 & ~mask }
    return keepsAttributes ? nil : source.permissions & ~mask
  }

  /// Reserves the name of an output for one job.
  func claim(_ path: FilePath) throws {
    try state.withLock { state in
      guard state.written.insert(path.lexicallyNormalized()).inserted else {
        throw Failure(
          .cannotCreate, "\(Text.printable(path)) was already written in this run",
          hint: "two inputs have the same name; use different output directories"
        ).withFile(path)
      }
    }
  }

  /// Releases the name of an output that was not created: another job may use it.
  func giveUp(_ path: FilePath) {
    state.withLock { _ = $0.written.remove(path.lexicallyNormalized()) }
  }

  /// Writes to standard output or a special file: a pipe, a terminal or a device. They cannot be
  /// replaced by renaming.
  private func write(
    to descriptor: Descriptor, from input: FileStatus,
    _ transfer: (any ByteSink) throws -> MessageSummary
  ) throws -> MessageSummary {
    let status = try descriptor.status()
    if status.kind == .regular, input.kind == .regular, status.isSameFile(as: input) {
      throw FileRuleError.sameFile("standard input and output")
    }
    if status.kind == .regular { try keystoreFiles.check(status, named: "standard output") }
    let sink = DescriptorSink(descriptor)
    guard descriptor.isTerminal else {
      let summary = try transfer(sink)
      try sink.finish()
      return summary
    }
    switch rule {
    case .everything: return try transfer(sink)
    case .nothing:
      throw Self.binaryToTerminal
    case .text:
      let text = TerminalSink(sink)
      let summary = try transfer(text)
      try text.finish()
      return summary
    }
  }
}
