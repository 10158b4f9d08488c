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
      if let first, let replacing = try replacing(job), try addName(job, to: first, replacing) {
        return try removing(job, reporter(of: job, index))(.success(.linked))
      }
    } catch {
      return outcomes.add(index, job.input, output: job.output, .failure(error))
    }
    run(job, report: reporter(of: job, index))
    // The next name may be one of this output.
    batch.flush()
  }

  /// True if the job's output may be replaced; nil if it is not known if it is current, so that the
  /// job must be done by itself.
  private func replacing(_ job: FileJob) throws -> Bool? {
    guard repetition.updates else { return replaces }
    guard naming == .encrypt, let found = job.found else { return nil }
    switch try finding(for: job, of: found.status, input: nil) {
    case .nothing, .foreign: return replaces
    case .outdated: return true
    case .current: return nil
    }
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
    case nil: return false
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
