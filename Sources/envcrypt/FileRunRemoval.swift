import Envelope

/// The removal of inputs.
extension FileRun {
  /// Returns the reporter of the job at this place among the outcomes. It may be kept for long, so it
  /// does not keep the directories of the job open. With `puttingOff`, the job may be put off.
  func reporter(of job: FileJob, _ index: Int, puttingOff: Bool = false) -> Reporter {
    { [self, input = job.input, output = job.output] in
      outcomes.add(
        index, input, output: output, puttingOff ? unlessObstructed(input, $0) : $0)
    }
  }

  /// Returns the reporter of a job that `report` is for. If the run removes inputs, it gets the
  /// outcome only after the input is removed. `place` is that of the input; the output has its name
  /// when the reporter is called.
  func removing(
    _ job: FileJob, _ status: FileStatus, in place: FilePlace?, _ output: OutputFile,
    _ report: @escaping Reporter
  ) -> Reporter {
    guard let removal, let place else { return report }
    return { [self] result in
      do {
        let outcome = try result.get()
        guard case .done = outcome else { return report(result) }
        removal.add(
          candidate(
            job, status, outcome, try output.status(), in: place, output.place, report),
          later: waits(job, status))
      } catch {
        report(.failure(error))
      }
    }
  }

  /// The same for a job whose output is another name of an output.
  func removing(_ job: FileJob, _ report: @escaping Reporter) throws -> Reporter {
    guard let removal, let found = job.found else { return report }
    guard let place = try existingPlace(of: job), let output = try place.status() else {
      return report
    }
    return { [self] result in
      guard case .success(let outcome) = result else { return report(result) }
      removal.add(
        candidate(job, found.status, outcome, output, in: found.place, place, report), later: true)
    }
  }

  /// Reports a job that is left out because its output is current. Its input can still be removed.
  func leaveOut(
    _ job: FileJob, _ status: FileStatus, in input: FilePlace?, _ report: @escaping Reporter
  ) throws {
    guard let removal, !repetition.isDryRun, let input, let place = try existingPlace(of: job),
      let output = try place.status()
    else { return report(.success(.unchanged)) }
    removal.add(
      candidate(
        job, status, .unchanged, output, isOfEarlierRun: true, in: input, place, report),
      later: waits(job, status))
  }

  /// True if an input must stay until the end of the run: its directories may not be on the disk, or
  /// the run may come to other names of the file, which would be changed by the removal.
  private func waits(_ job: FileJob, _ status: FileStatus) -> Bool {
    !areMany || !made.isSettled || status.linkCount > 1 || (job.found?.status.linkCount ?? 1) > 1
  }

  private func candidate(
    _ job: FileJob, _ status: FileStatus, _ outcome: JobOutcome, _ output: FileStatus,
    isOfEarlierRun: Bool = false, in input: FilePlace, _ place: FilePlace,
    _ report: @escaping Reporter
  ) -> RemovalCandidate {
    RemovalCandidate(
      input: job.input, inputStatus: status, outputStatus: output, isOfEarlierRun: isOfEarlierRun,
      outcome: outcome, report: report, places: places(of: job, status, input, place))
  }

  /// Returns the function that finds the places of input and output. Many jobs may wait for the end
  /// of the run, so for a file of a tree no directory but its root stays open then.
  private func places(
    of job: FileJob, _ status: FileStatus, _ input: FilePlace, _ output: FilePlace
  ) -> @Sendable () throws -> (input: FilePlace, output: FilePlace) {
    guard waits(job, status), let found = job.found, let place = job.place else {
      return { (input, output) }
    }
    let known = KnownFile(found)
    switch place {
    case .beside(let beside):
      return { [name = beside.name] in
        let found = try known.found()
        return (found.place, found.sibling(name))
      }
    case .below(let directory, let parent, let name):
      return {
        guard let place = try directory.existingPlace(name, in: parent) else {
          throw RemovalError.outputReplaced(directory.path.pushing(parent).pushing(name))
        }
        return (try known.found().place, place)
      }
    }
  }

  // MARK: Removing

  /// Removes the inputs that are ready. Every thread calls this between two jobs, so that no disk
  /// has to hold all inputs and all outputs of a long run.
  func removeInputs() {
    guard let removal else { return }
    while !outcomes.isAborted, let names = removal.next() { remove(names, removal) }
  }

  /// Removes all remaining inputs, on all free threads. If outputs are not on the disk, or if the
  /// run has ended early, the inputs stay.
  func removeLastInputs(areOnDisk: Bool) {
    guard let removal else { return }
    removal.endWaiting(areOnDisk: areOnDisk)
    takeRemovals(removal)
    helpers.wait()
    guard let (first, count) = removal.linked else { return }
    let others = count > 1 ? " and \(count - 1) more" : ""
    console.warning(
      "\(Text.printable(first))\(others) had other names (hard links), which still have the "
        + "contents")
  }

  private func takeRemovals(_ removal: InputRemoval) {
    while let names = removal.next() {
      if areMany { _ = helpers.start { [self] in takeRemovals(removal) } }
      if outcomes.isAborted {
        for name in names { name.report(.success(name.outcome)) }
      } else {
        remove(names, removal)
      }
    }
  }

  private func remove(_ names: [RemovalCandidate], _ removal: InputRemoval) {
    removal.remove(names) { [progress] in progress?.advance(by: $0) }
  }

  /// The files that the walk passed over, for the report.
  func passedOver(of plan: FilePlan) -> PassedOver {
    var passedOver = plan.passedOver
    if removal != nil { passedOver.forgetLoneMessages() }
    return passedOver
  }
}
