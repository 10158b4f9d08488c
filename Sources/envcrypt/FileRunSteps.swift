/// The steps of a run, which its threads take one after the other.
extension FileRun {
  /// Runs jobs until none is left or the run has ended early. Every thread calls this.
  func takeJobs() {
    while !outcomes.isAborted, let steps = takeSteps() {
      if areMany, !isJoined { _ = helpers.start { [self] in takeJobs() } }
      if steps.count > 1 {
        let outdated = leavingOutUnchanged(steps)
        state.withLock { $0.outdated += outdated }
      } else {
        run(steps[0])
      }
      removeInputs()
    }
  }

  private func run(_ numbered: NumberedStep) {
    let index = numbered.index
    switch numbered.step {
    case .failure(let input, let error): outcomes.add(index, input, .failure(error))
    case .vanished(let input):
      noteVanished(input)
      outcomes.add(index, input, .success(.vanished))
    case .entry(let job):
      let result = Result { try make(job) }
      var isLink = false
      if case .symbolicLink = job.entry { isLink = true }
      outcomes.add(
        index, job.input, output: job.output,
        unlessObstructed(job.input, isLink: isLink, result))
    case .job(let job):
      run(job, report: reporter(of: job, index, puttingOff: true))
    }
  }

  /// The most steps that a thread takes at once, to look for what has changed. Their descriptors
  /// stay open meanwhile.
  private static let portion = 32

  /// Returns a step to run, or several of which most have probably nothing to do; nil at the end.
  private func takeSteps() -> [NumberedStep]? {
    state.withLock { state in
      if !state.outdated.isEmpty { return [state.outdated.removeFirst()] }
      var steps: [NumberedStep] = []
      let limit = repetition.updates && keepsAttributes && removal == nil ? Self.portion : 1
      while steps.count < limit, let step = nextStep(&state) {
        if case .job(let job) = step, links?.takesLater(job) == true { continue }
        steps.append(NumberedStep(index: state.nextIndex, step: step))
        state.nextIndex += 1
      }
      return steps.isEmpty ? nil : steps
    }
  }

  private func nextStep(_ state: inout State) -> FilePlan.Step? {
    guard state.retry != nil else { return state.plan.next() }
    while let step = state.retry?.next() {
      if let input = step.input, state.obstructed.removeValue(forKey: input) != nil { return step }
    }
    return nil
  }

  /// The place among the outcomes of a job that the plan did not give out last.
  func takeIndex() -> Int {
    state.withLock { state in
      defer { state.nextIndex += 1 }
      return state.nextIndex
    }
  }
}
