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
  }

  private let areMany: Bool
  /// Whether the inputs were not all named one by one, so that their number says something.
  private let isLongRun: Bool
  /// True if several inputs could have outputs of one name.
  private let claimsNames: Bool
  private let naming: FilePlan.Naming
  private let replaces: Bool
  private let synchronizes: Bool
  private let keystoreFiles: KeystoreFiles
  private let helpers: ThreadGroup
  private let console: Console
  private let progress: ProgressBar?
  private let leftovers: Leftovers
  /// The bits that outputs do not get whose inputs were named.
  private let mask: mode_t
  private let keepsPermissions: Bool
  /// Outputs that are complete, among many.
  private let batch: OutputBatch
  private let state: Mutex<State>
  private let outcomes: OutcomeLog

  private let rule: TerminalRule
  private let discardsOutput: Bool
  private let work: Work

  init(
    plan: FilePlan, inputs: InputOptions, replaces: Bool, synchronizes: Bool = true,
    report: ReportOptions, scheduler: Scheduler, console: Console, leftovers: Leftovers,
    toTerminal rule: TerminalRule, discardingOutput: Bool = false,
    done: @escaping @Sendable (FilePath, JobOutcome) throws -> Void = { _, _ in },
    work: @escaping Work
  ) {
    state = Mutex(State(plan: plan))
    areMany = inputs.areMany
    isLongRun = inputs.recursive || inputs.filesFrom != nil
    claimsNames = !plan.isSingle
    naming = plan.naming
    keystoreFiles = plan.keystoreFiles
    self.replaces = replaces
    self.synchronizes = synchronizes
    mask = OutputFile.creationMask()
    keepsPermissions = inputs.recursive
    batch = OutputBatch(
      synchronizing: synchronizes, directories: plan.made,
      threads: inputs.areMany ? scheduler.threadCount : 1)
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
    for error in batch.finish() { outcomes.add(Failure(error)) }
    progress?.clear()
    let (passedOver, count) = state.withLock { ($0.plan.passedOver, $0.nextIndex) }
    if count == 0, isLongRun { tellOfNothing(passedOver) }
    try outcomes.finish(passedOver: passedOver, alwaysSummarizing: isLongRun)
  }

  /// No input was named at all; of an empty tree the plan tells.
  private func tellOfNothing(_ passedOver: PassedOver) {
    if naming != .encrypt {
      outcomes.add(FilePlan.nothing(to: naming.verb, "in the list of files"))
    } else if !passedOver.hasEmptyTree {
      console.warning("no files to encrypt: the list is empty")
    }
  }

  /// What every thread does.
  private func takeJobs() {
    while !outcomes.isAborted, let (index, step) = nextStep() {
      if areMany { _ = helpers.start { [self] in takeJobs() } }
      switch step {
      case .failure(let input, let error): outcomes.add(index, input, .failure(error))
      case .vanished(let input): outcomes.add(index, input, .success(.vanished))
      case .job(let job): run(job) { [outcomes] in outcomes.add(index, job.input, $0) }
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

  /// Told what became of a job, perhaps later and on another thread.
  private typealias Reporter = @Sendable (Result<JobOutcome, any Error>) -> Void

  private func run(_ job: FileJob, report: @escaping Reporter) {
    do {
      do {
        // To read a pipe may take for ever, and what is done need not wait for it.
        if mayWait(for: job) {
          try batch.withoutWaiting { try perform(job, report) }
        } else {
          try perform(job, report)
        }
      } catch let error as IOError where Self.isOutOfDescriptors(error) && batch.flush() > 0 {
        // The outputs that waited had them.
        try perform(job, report)
      }
    } catch {
      report(.failure(error))
    }
  }

  private static func isOutOfDescriptors(_ error: IOError) -> Bool {
    error.errno == .tooManyOpenFiles || error.errno == .tooManyOpenFilesInSystem
  }

  private func perform(_ job: FileJob, _ report: @escaping Reporter) throws {
    guard let (input, place) = try open(job) else { return report(.success(.vanished)) }
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

  /// Opens the input; nil if a walk over a tree has found it and it is gone. What is replaced comes with
  /// its place.
  private func open(_ job: FileJob) throws -> (Descriptor, FilePlace?)? {
    if let found = job.found {
      do {
        let input = try Descriptor.openInput(found.place, foundAs: found.status)
        holdLocks(of: input, found.status)
        return (input, found.place)
      } catch let error as IOError where error.errno == .noSuchFileOrDirectory {
        return nil
      }
    }
    if job.input == "-" { return (.standardInput, nil) }
    if job.replacesInput { return try openReplaced(job.input) }
    let input = try Descriptor.openInput(job.input)
    holdLocks(of: input, try input.status())
    return (input, nil)
  }

  /// Opens a file that is to be replaced, in the directory where it will be.
  private func openReplaced(_ path: FilePath) throws -> (Descriptor, FilePlace?) {
    guard try FileStatus.at(path) != nil else {
      throw IOError(.openInput, path, .noSuchFileOrDirectory)
    }
    let (place, existing) = try FilePlace.following(path)
    switch existing?.kind {
    case nil: throw IOError(.openInput, path, .noSuchFileOrDirectory)
    case .directory: throw FileRuleError.isDirectory(path)
    case .symbolicLink, .other: throw FileRuleError.notARegularFile(path)
    case .regular: break
    }
    let input = try Descriptor.openInput(place, foundAs: existing!)
    holdLocks(of: input, existing!)
    return (input, place)
  }

  /// The keystore's file stays open: to close it would let go of the locks that SQLite has of it.
  private func holdLocks(of input: Descriptor, _ status: FileStatus) {
    guard keystoreFiles.isStore(status) else { return }
    input.keepOpen()
    if naming == .encrypt {
      console.note(
        "\(Text.printable(input.path)) is the keystore in use: this copy opens only with a key that is "
          + "kept elsewhere; 'envcrypt keystore backup' makes another")
    }
  }

  /// True if an input among several is a pipe, a terminal or a device.
  private func mayWait(for job: FileJob) -> Bool {
    guard areMany, job.found == nil else { return false }
    return job.input == "-" || (try? FileStatus.at(job.input))?.kind == .other
  }

  /// Makes the output that the job wants and lets `transfer` fill it. `place` is the input's, if it may be
  /// replaced.
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
      summary = try transfer(output)
    } catch {
      if claimsNames { giveUp(path) }
      throw error
    }
    let done = try outcome(summary)
    guard areMany else {
      try output.commit(synchronizing: synchronizes)
      return report(.success(done))
    }
    batch.add(output, byteCount: summary.plaintextCount) { report($0.map { done }) }
  }

  /// True if somebody wrote to a file while it was read. A message that was verified is what it was meant
  /// to be, however it came about.
  private func isChanged(_ input: Descriptor, since status: FileStatus) throws -> Bool {
    guard naming == .encrypt, status.kind == .regular else { return false }
    if keystoreFiles.isStoreBeingWritten(status) { return true }
    return try !input.status().isUnchanged(since: status) && !keystoreFiles.isLog(status)
  }

  /// The output takes the place of its input, or goes where the job says, or where its own name led to.
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

  /// A tree comes back as it was, as with cp -a; what was named gets what the umask leaves, as with cp.
  private func permissions(from source: FileStatus?) -> mode_t {
    guard let source else { return 0o666 & ~mask }
    return keepsPermissions ? source.permissions : source.permissions & ~mask
  }

  /// Takes an output's name for one job.
  private func claim(_ path: FilePath) throws {
    try state.withLock { state in
      guard state.written.insert(path.lexicallyNormalized()).inserted else {
        throw Failure(
          .cannotCreate, "\(Text.printable(path)) was written in this run already",
          hint: "two inputs have the same name; use different output directories")
      }
    }
  }

  /// The output was not made: another job may have its name.
  private func giveUp(_ path: FilePath) {
    state.withLock { _ = $0.written.remove(path.lexicallyNormalized()) }
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
}
