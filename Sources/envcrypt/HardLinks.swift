import Envelope
import Synchronization
import SystemPackage

/// The files of trees that have several names (hard links). As with cp -a, their outputs become
/// several names of one output, if the run comes to at least two of the names.
///
/// The first name that the run comes to is an ordinary job. The others wait for the end of the run,
/// when it is known if there is an output that they can be names of.
final class HardLinks: Sendable {
  /// A name that waits. Its directory is not kept open.
  private struct LaterName {
    let file: KnownFile
    let status: FileStatus
    let input: FilePath
    /// Nil if the output belongs beside the input.
    let place: OutputPlace?
    /// The name of the output.
    let outputName: FilePath
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

  private static func key(_ status: FileStatus) -> [UInt64] { [status.device, status.inode] }

  /// True if the input of the job has several names.
  private static func hasSeveralNames(_ job: FileJob) -> FoundFile? {
    guard let found = job.found, found.status.linkCount > 1, job.place != nil else { return nil }
    return found
  }

  /// True if the run has come to another name of the file before. The job then waits.
  func takesLater(_ job: FileJob) -> Bool {
    guard let found = Self.hasSeveralNames(job) else { return false }
    return state.withLock { state in
      let key = Self.key(found.status)
      guard state.firsts[key] != nil else {
        state.firsts[key] = First(status: found.status)
        return false
      }
      var place = job.place
      // The place beside the input keeps a directory open.
      if case .beside? = place { place = nil }
      state.later.append(
        LaterName(
          file: KnownFile(found), status: found.status, input: job.input, place: place,
          outputName: job.place?.name ?? found.place.name))
      return true
    }
  }

  /// Records the output of a job: further names of its input can become names of the output.
  func complete(_ job: FileJob, _ output: OutputFile) {
    guard let found = Self.hasSeveralNames(job) else { return }
    let complete: CompleteOutput? =
      switch job.place {
      case .below(let directory, let parent, let name):
        CompleteOutput(output, named: name, in: parent, below: directory)
      case .beside(let place): CompleteOutput(output, named: place.name, beside: found)
      case nil: nil
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
    // A file that has changed since is another file.
    let isSame = first.map { name.status.isUnchanged(since: $0.status) } ?? false
    do throws(IOError) {
      let found = try name.file.found()
      let job = FileJob(
        found, output: nil, replacesInput: false,
        place: name.place ?? .beside(found.sibling(name.outputName)))
      return (.success(job), name.input, isSame ? first?.output : nil)
    } catch {
      return (.failure(error), name.input, nil)
    }
  }
}
