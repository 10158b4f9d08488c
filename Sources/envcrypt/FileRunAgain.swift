import Envelope
import Glibc
import SystemPackage

/// Runs that are done again.
extension FileRun {
  /// Reports the jobs that have nothing to do, and returns the other steps. A job that fails is
  /// returned too: it fails again when it runs.
  func leavingOutUnchanged(_ steps: [NumberedStep]) -> [NumberedStep] {
    var unchanged: [(index: Int, job: FileJob)] = []
    var rest: [NumberedStep] = []
    for step in steps {
      if case .job(let job) = step.step, let found = job.found,
        (try? isUnchanged(job, found)) == true
      {
        unchanged.append((step.index, job))
      } else {
        rest.append(step)
      }
    }
    outcomes.add(unchanged: unchanged)
    return rest
  }

  private func isUnchanged(_ job: FileJob, _ found: FoundFile) throws -> Bool {
    if naming == .encrypt {
      return try isLeftOut(
        job, finding(for: job, of: found.status, input: nil), of: found.status)
    }
    guard let (input, _) = try inputs.open(job) else { return false }
    let status = try input.status()
    return try isLeftOut(job, finding(for: job, of: status, input: input), of: status)
  }

  /// Removes the outputs of gone sources. Those that are in the way of new outputs come first, then
  /// the new outputs are made, and only if nothing has failed the other outputs are removed.
  func deleteOutputsOfGoneSources() {
    guard let deletion = repetition.deletion, !outcomes.isAborted else { return }
    batch.flush()
    progress?.clear()
    let (mirrors, vanished) = state.withLock { ($0.plan.mirrors, $0.vanished) }
    guard var mirrors else { return }
    mirrors.vanished = vanished
    var count = 0
    do {
      var plan = Deletion.Plan()
      if mayDelete(count) { plan = try deletion.plan(mirrors, noting: outcomes) }
      let obstacles = state.withLock { Set($0.obstructed.values) }
      if !obstacles.isEmpty {
        count += remove(plan.take(at: obstacles), deletion)
        retryObstructed()
        batch.flush()
        if !mayDelete(count) { plan = Deletion.Plan() }
      }
      count += remove(plan, deletion)
    } catch {
      outcomes.add(Failure(error))
      retryObstructed()
    }
    if count > 0 { console.note("\(count) deleted, whose sources are gone") }
  }

  /// False if a file has failed: it may have had another name before, and then the old message is
  /// all there is. `count` outputs are deleted already.
  private func mayDelete(_ count: Int) -> Bool {
    guard outcomes.hasFailures else { return true }
    let rest = count > 0 ? "nothing more" : "nothing"
    console.warning("\(rest) was deleted: not all files have a new message")
    return false
  }

  private func remove(_ plan: Deletion.Plan, _ deletion: Deletion) -> Int {
    let (count, failures) = deletion.remove(plan, noting: outcomes)
    for failure in failures { outcomes.add(Failure(failure)) }
    return count
  }

  /// Notes a file or directory that is gone.
  func noteVanished(_ input: FilePath) { state.withLock { _ = $0.vanished.insert(input) } }

  /// Returns the result; nil if the job can be done after outputs of gone sources are removed. Such
  /// an output is in the way if a directory has become a link, or a link a directory. A directory
  /// with messages does not make room for a message that may fail.
  func unlessObstructed(
    _ input: FilePath, isLink: Bool = false, _ result: Result<JobOutcome, any Error>
  ) -> Result<JobOutcome, any Error>? {
    guard repetition.deletion != nil, case .failure(let error) = result else { return result }
    let obstacle: FilePath
    switch error as? FileRuleError {
    case .symbolicLink(let path): obstacle = path
    case .outputIsDirectory(let path) where isLink: obstacle = path
    default: return result
    }
    return state.withLock { state in
      guard state.retry == nil else { return result }
      state.obstructed[input] = obstacle
      return nil
    }
  }

  /// Does the jobs that `unlessObstructed` has put off.
  private func retryObstructed() {
    let isNeeded = state.withLock { state in
      guard !state.obstructed.isEmpty, state.retry == nil else { return false }
      state.retry = firstPlan
      return true
    }
    guard isNeeded, !outcomes.isAborted else { return }
    takeJobs()
    helpers.wait()
    makeLaterNames()
    // The second walk did not find these inputs any more.
    for input in state.withLock({ $0.obstructed.keys.sorted { $0.string < $1.string } }) {
      outcomes.add(takeIndex(), input, .success(.vanished))
    }
  }

  func tellOfDifferent() {
    let count = repetition.difference?.count ?? 0
    guard count > 0 else { return }
    console.note(
      "\(Text.count(count, "message")) of earlier runs \(count == 1 ? "has" : "have") other keys or "
        + "another encryption context, and \(count == 1 ? "was" : "were") left as "
        + "\(count == 1 ? "it is" : "they are")")
    if !console.isQuiet {
      console.hint(
        "'envcrypt reencrypt' changes keys; --force without --update encrypts all files again")
    }
  }

  /// Returns the status of an opened input. Waits until the next change of the input will get
  /// another time than the last change, so that the next run notices it. False if that takes too
  /// long, because the input is changing all the time.
  func settledStatus(of input: Descriptor) throws -> (FileStatus, isSettled: Bool) {
    let status = try input.status()
    guard naming == .encrypt, keepsTimes, status.kind == .regular else {
      return (status, true)
    }
    let wait = status.settlingTime
    if wait == 0 { return (status, true) }
    usleep(wait)
    let later = try input.status()
    return (later, later.settlingTime == 0)
  }

  /// Looks for the output of an earlier run. `input` is needed to decrypt.
  func finding(
    for job: FileJob, of status: FileStatus, input: Descriptor?
  ) throws -> UpdateRule.Finding {
    guard status.kind == .regular, job.output != nil else {
      throw Failure(.usage, "--update needs inputs and outputs that are files")
    }
    guard let place = try existingPlace(of: job) else { return .nothing }
    guard let input, naming == .decrypt else {
      return try UpdateRule.message(at: place, of: status)
    }
    return try UpdateRule.plaintext(at: place, of: input, status)
  }

  /// True if a finding means that there is nothing to do. In a tree the output then gets the
  /// attributes that its input has now.
  func isLeftOut(
    _ job: FileJob, _ finding: UpdateRule.Finding, of status: FileStatus
  ) throws -> Bool {
    guard case .current(let place, let output, let message) = finding else { return false }
    if claimsNames, let path = job.output { try claim(path) }
    if keepsAttributes, !repetition.isDryRun {
      do {
        try renewAttributes(of: output, at: place, from: job, status)
      } catch {
        if claimsNames, let path = job.output { giveUp(path) }
        throw error
      }
    }
    links?.complete(job, output)
    if let size = job.found?.status.size { progress?.advance(by: Int(size)) }
    if let message { repetition.difference?.add(message) }
    return true
  }

  private func renewAttributes(
    of output: FileStatus, at place: FilePlace, from job: FileJob, _ status: FileStatus
  ) throws {
    let attributes = FileAttributes(status)
    let areKept = attributes.are(on: output)
    guard !areKept || keepsExtended && status.hasChangedAfter(output) else { return }
    var extended: ExtendedAttributes?
    if keepsExtended, let (input, _) = try inputs.open(job) {
      extended = ExtendedAttributes(of: input, noting: lost)
    }
    try attributes.renew(on: output, at: place, extended, noting: lost)
  }

  /// The place of the output of a job; nil if there is none or its directory does not exist.
  func existingPlace(of job: FileJob) throws -> FilePlace? {
    switch job.place {
    case .below(let directory, let parent, let name): try directory.existingPlace(name, in: parent)
    case .beside(let place): place
    case nil: try job.output.map { try FilePlace.following($0).place }
    }
  }

  /// True if a dry run must not open the input, because that may wait or have an effect.
  func isSpecial(_ job: FileJob) throws -> Bool {
    if job.found != nil { return false }
    return try job.input == "-" || FileStatus.at(job.input)?.kind == .other
  }

  /// Throws if the output could not get its name.
  func checkOutput(of job: FileJob, _ finding: UpdateRule.Finding) throws {
    guard job.output != "/dev/stdout", let place = try existingPlace(of: job),
      let existing = try place.status()
    else { return }
    switch existing.kind {
    case .directory: throw FileRuleError.outputIsDirectory(place.path)
    case .symbolicLink: throw FileRuleError.symbolicLink(place.path)
    case .other where job.place != nil: throw FileRuleError.notARegularFile(place.path)
    case .other: return
    case .regular: break
    }
    if case .outdated = finding { return }
    if !replaces { throw FileRuleError.exists(place.path) }
  }
}
