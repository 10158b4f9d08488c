import Envelope
import Synchronization
import SystemPackage

/// The files that have several names (hard links). As with cp -a, the outputs of a tree become several
/// names of one output, if the run comes to at least two of the names.
///
/// The first name that the run comes to is an ordinary job. The others wait for the end of the run,
/// when it is known if there is an output that they can be names of.
final class HardLinks: Sendable {
  /// A name that waits. Its directory is not kept open.
  private struct LaterName {
    let input: FilePath
    let status: FileStatus
    let job: LaterJob
  }

  private enum LaterJob {
    /// The job of an input that the user named.
    case named(FileJob)
    /// A file of a tree. `place` is nil if the output belongs beside the input or replaces it.
    case inTree(KnownFile, place: OutputPlace?, outputName: FilePath)
  }

  private struct First {
    let status: FileStatus
    /// Nil as long as the output is not complete, and if it failed.
    var output: CompleteOutput?
  }

  private struct State {
    var firsts: [[UInt64]: First] = [:]
    /// In the order of the walk; from `next` on, they still wait.
    var later: [LaterName] = []
    var next = 0
  }

  private let state = Mutex(State())
  /// True if outputs replace their inputs. Then each new output changes the status of the other
  /// names of its input.
  private let isReplacing: Bool

  init(replacing: Bool) { isReplacing = replacing }

  private static func key(_ status: FileStatus) -> [UInt64] { [status.device, status.inode] }

  /// Returns the status of the job's input if that has several names.
  private func statusOfSeveralNames(_ job: FileJob) -> FileStatus? {
    let status: FileStatus?
    if let found = job.found {
      status = job.place != nil || job.replacesInput ? found.status : nil
    } else {
      status = isReplacing && job.replacesInput ? try? FileStatus.at(job.input) : nil
    }
    guard let status, status.kind == .regular, status.linkCount > 1 else { return nil }
    return status
  }

  /// True if the run has come to another name of the file before. The job then waits.
  func takesLater(_ job: FileJob) -> Bool {
    guard let status = statusOfSeveralNames(job) else { return false }
    return state.withLock { state in
      let key = Self.key(status)
      guard state.firsts[key] != nil else {
        state.firsts[key] = First(status: status)
        return false
      }
      let later: LaterJob
      if let found = job.found {
        var place = job.place
        // The place beside the input keeps a directory open.
        if case .beside? = place { place = nil }
        later = .inTree(
          KnownFile(found), place: place, outputName: job.place?.name ?? found.place.name)
      } else {
        later = .named(job)
      }
      state.later.append(LaterName(input: job.input, status: status, job: later))
      return true
    }
  }

  /// Records the complete output of a job, which has this status: further names of its input can
  /// become names of the output.
  func complete(_ job: FileJob, _ output: FileStatus?) {
    guard let found = job.found, found.status.linkCount > 1 else { return }
    let complete: CompleteOutput? =
      switch job.place {
      case .below(let directory, let parent, let name):
        CompleteOutput(output, named: name, in: parent, below: directory)
      case .beside(let place): CompleteOutput(output, named: place.name, beside: found)
      case nil:
        job.replacesInput ? CompleteOutput(output, named: found.place.name, beside: found) : nil
      }
    guard let complete else { return }
    state.withLock { state in
      state.firsts[Self.key(found.status)] = First(status: found.status, output: complete)
    }
  }

  /// Takes out the jobs that wait, one after the other; nil if there are none. With the output that
  /// the job can be a name of, if there is one. A job whose directory cannot be opened any more is
  /// returned with the error.
  func nextLater() -> (job: Result<FileJob, IOError>, input: FilePath, first: CompleteOutput?)? {
    let (name, first) = state.withLock { state -> (LaterName?, First?) in
      guard state.next < state.later.count else { return (nil, nil) }
      let name = state.later[state.next]
      state.next += 1
      return (name, state.firsts[Self.key(name.status)])
    }
    guard let name else { return nil }
    switch name.job {
    case .named(let job): return (.success(job), name.input, nil)
    case .inTree(let file, let place, let outputName):
      do throws(IOError) {
        let job = job(of: try file.found(), place, outputName)
        return (.success(job), name.input, first.flatMap { output(of: $0, for: name.status) })
      } catch {
        return (.failure(error), name.input, nil)
      }
    }
  }

  private func job(
    of found: FoundFile, _ place: OutputPlace?, _ outputName: FilePath
  ) -> FileJob {
    if isReplacing {
      return FileJob(found, output: found.place.path, replacesInput: true, place: nil)
    }
    return FileJob(
      found, output: nil, replacesInput: false,
      place: place ?? .beside(found.sibling(outputName)))
  }

  /// The output of the first name; nil if there is none, or if the file has changed since: then it
  /// is another file.
  private func output(of first: First, for status: FileStatus) -> CompleteOutput? {
    let isSame =
      isReplacing
      ? status.hasSameContents(as: first.status) : status.isUnchanged(since: first.status)
    return isSame ? first.output : nil
  }
}
