import Envelope

extension FileRun {
  /// Makes the outputs of further names of files, when all other outputs are complete.
  func makeLaterNames() {
    guard let links else { return }
    batch.flush()
    while !outcomes.isAborted, let next = links.nextLater() {
      let index = takeIndex()
      switch next.job {
      case .success(let job): make(job, asNameOf: next.first, index)
      case .failure(let error) where error.isOfMissingInput:
        noteVanished(next.input)
        outcomes.add(index, next.input, .success(.vanished))
      case .failure(let error): outcomes.add(index, next.input, .failure(error))
      }
    }
  }

  /// Makes the output a name of `first`, or a file of its own if that is not possible.
  private func make(_ job: FileJob, asNameOf first: CompleteOutput?, _ index: Int) {
    do {
      if let first, let outcome = try makeName(job, of: first) {
        let report = reporter(of: job, index)
        if case .linked = outcome { return try removing(job, report)(.success(outcome)) }
        return report(.success(outcome))
      }
    } catch {
      return outcomes.add(
        index, job.input, output: job.output, unlessObstructed(job.input, .failure(error)))
    }
    run(job, report: reporter(of: job, index, puttingOff: true))
    // The next name may be one of this output.
    batch.flush()
  }

  /// Makes the output a name of `first`; nil if the job must be done by itself.
  private func makeName(_ job: FileJob, of first: CompleteOutput) throws -> JobOutcome? {
    var replacing = replaces || job.replacesInput
    if repetition.updates, let finding = try finding(forLater: job) {
      switch finding {
      case .nothing, .foreign: break
      case .outdated: replacing = true
      case .current(_, let output, _):
        if first.isFile(output) { return removal == nil ? .unchanged : nil }
        replacing = true
      }
    }
    if repetition.isDryRun { return .wouldChange }
    return try addName(job, to: first, replacing) ? .linked : nil
  }

  private func finding(forLater job: FileJob) throws -> UpdateRule.Finding? {
    guard let found = job.found else { return nil }
    if naming == .encrypt { return try finding(for: job, of: found.status, input: nil) }
    guard let (input, _) = try inputs.open(job) else { return nil }
    return try finding(for: job, of: input.status(), input: input)
  }

  /// Gives an output the name that the job's output would have; false if it cannot have that name.
  private func addName(
    _ job: FileJob, to output: CompleteOutput, _ replacing: Bool
  ) throws -> Bool {
    guard let path = job.output, let found = job.found else { return false }
    let place: FilePlace
    switch job.place {
    case .below(let directory, let parent, let name):
      place = try directory.place(name, in: parent, permissions: found.directoryPermissions)
    case .beside(let beside): place = beside
    case nil:
      guard job.replacesInput else { return false }
      place = found.place
      guard let now = try place.status(), now.hasSameContents(as: found.status) else {
        throw FileRuleError.changed(place.path)
      }
    }
    if claimsNames { try claim(path) }
    do {
      let isAdded = try output.addName(
        place, replacing: replacing, recording: made, reserved: keystoreFiles, leftovers: leftovers)
      if claimsNames, !isAdded { giveUp(path) }
      return isAdded
    } catch {
      if claimsNames { giveUp(path) }
      throw error
    }
  }
}
