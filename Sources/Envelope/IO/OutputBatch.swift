import Glibc
import Synchronization
import SystemPackage

/// Outputs of a run that are complete, on their way to the disk and then to their names: many at a time,
/// for the disk takes as long for hundreds of small files as for one.
///
/// No name ever shows a file that is not wholly on the disk. Several threads add outputs; the one that
/// finds enough of them does the work.
public final class OutputBatch: Sendable {
  /// Told what became of an output.
  public typealias Completion = @Sendable (Result<Void, any Error>) -> Void

  private struct Pending {
    let output: OutputFile
    /// What its directory is on.
    let device: UInt64?
    let completion: Completion
  }

  private struct State {
    var pending: [Pending] = []
    var byteCount: Int64 = 0
    /// With so many it is full.
    var countLimit = OutputBatch.firstCount
    var start = ContinuousClock.now
    /// How many threads wait for what may take for ever.
    var waiting = 0
    /// The directory of the last output: the next one is often in the same.
    var directory: Descriptor?
    var device: UInt64?
  }

  /// Of more outputs than this, one call brings the whole file system to the disk; of fewer, each file by
  /// itself, so that nobody waits for what other programs have written.
  private static let singleLimit = 16
  /// So many at a time to begin with, and as long as the disk takes no time, or is none: what the
  /// processor still has at hand is named sooner.
  private static let firstCount = 32
  /// So many in the end. Twice as many are open where a process may open 1,024 files: those on their way,
  /// and the next ones.
  private static let lastCount = 448
  /// A wait for the disk that is worth sharing among more outputs.
  private static let longWait = Duration.milliseconds(1)
  private static let byteLimit: Int64 = 128 << 20
  /// A slow run shows what it has done.
  private static let ageLimit = Duration.seconds(1)

  private let isSynchronizing: Bool
  private let made: MadeDirectories
  /// An output with this descriptor, or a greater one, waits for no others.
  private let descriptorLimit: Int32
  private let state = Mutex(State())
  /// One thread at a time waits for the disk, and the next one has all that has come meanwhile.
  private let turn = Mutex<Void>(())

  /// `made` has the directories that are made for the outputs. Outputs get their names at once unless
  /// it is `synchronizing`. So many threads work on outputs.
  public init(synchronizing: Bool, directories made: MadeDirectories, threads: Int = 1) {
    isSynchronizing = synchronizing
    self.made = made
    descriptorLimit = Self.descriptorLimit(threads)
  }

  /// The system gives the lowest numbers first, so that a number says how many are in use. Some are left
  /// for a tree, the keystore and its log, and for each thread's input, output and directory.
  private static func descriptorLimit(_ threads: Int) -> Int32 {
    var limits = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 0 }
    return Int32(clamping: limits.rlim_cur) - 64 - 4 * Int32(clamping: threads)
  }

  /// Takes over an output that holds `byteCount` bytes or so, which nobody writes to any more.
  public func add(
    _ output: OutputFile, byteCount: Int64, completion: @escaping Completion
  ) {
    do {
      try output.complete()
      guard isSynchronizing else {
        try output.appear()
        return completion(.success(()))
      }
    } catch {
      return completion(.failure(error))
    }
    let now = ContinuousClock.now
    let isFull = state.withLock { state in
      if state.pending.isEmpty { state.start = now }
      if state.directory !== output.directory {
        state.directory = output.directory
        state.device = try? output.directory.status().device
      }
      state.pending.append(
        Pending(output: output, device: state.device, completion: completion))
      state.byteCount += byteCount
      return state.pending.count >= state.countLimit || state.byteCount >= Self.byteLimit
        || output.descriptor.number >= descriptorLimit
        || state.start.duration(to: now) >= Self.ageLimit || state.waiting > 0
    }
    if isFull { flush() }
  }

  /// Runs `body`, which may wait for ever: until it returns, no output waits for others.
  public func withoutWaiting<Result>(_ body: () throws -> Result) rethrows -> Result {
    state.withLock { $0.waiting += 1 }
    defer { state.withLock { $0.waiting -= 1 } }
    flush()
    return try body()
  }

  /// Brings what has been added to the disk and to its names. Returns how many outputs there were.
  @discardableResult
  public func flush() -> Int {
    turn.withLock { _ in
      let pending = state.withLock { state in
        defer { (state.pending, state.byteCount, state.directory) = ([], 0, nil) }
        return state.pending
      }
      for outputs in Self.byDevice(pending) { finish(outputs) }
      return pending.count
    }
  }

  /// The last of all: what has been added, and the directories that were made. Returns what is wrong with
  /// these.
  public func finish() -> [IOError] {
    flush()
    return made.finish(synchronizing: isSynchronizing)
  }

  // MARK: The steps

  private static func byDevice(_ pending: [Pending]) -> [[Pending]] {
    let devices = Set(pending.map(\.device))
    if devices.count == 1 { return [pending] }
    return devices.map { device in pending.filter { $0.device == device } }
  }

  /// Outputs of one file system.
  private func finish(_ outputs: [Pending]) {
    let start = ContinuousClock.now
    let synchronized = Self.synchronized(outputs)
    adapt(to: start.duration(to: .now))
    var named: [Pending] = []
    for one in synchronized {
      do {
        try one.output.appear()
        named.append(one)
      } catch {
        one.completion(.failure(error))
      }
    }
    for (one, failure) in synchronizeNames(of: named) {
      one.completion(failure.map { .failure($0) } ?? .success(()))
    }
  }

  /// The longer the disk takes, the more outputs wait for it together.
  private func adapt(to wait: Duration) {
    state.withLock { state in
      state.countLimit =
        wait < Self.longWait ? Self.firstCount : min(state.countLimit * 4, Self.lastCount)
    }
  }

  /// Those whose bytes are on the disk; the others are told why they are not.
  private static func synchronized(_ outputs: [Pending]) -> [Pending] {
    var isWhole = false
    if outputs.count > singleLimit {
      isWhole = (try? outputs[0].output.descriptor.synchronizeFileSystem()) != nil
    }
    return outputs.filter { one in
      do throws(IOError) {
        // The system tells of a file what went wrong with that file. Before Linux 5.8 it tells nothing of
        // a file system.
        if isWhole {
          try one.output.descriptor.checkWrittenBack()
        } else {
          try one.output.synchronize()
        }
        return true
      } catch {
        one.completion(.failure(error))
        return false
      }
    }
  }

  /// Brings the names of outputs of one file system to the disk, and says what was in the way.
  private func synchronizeNames(of outputs: [Pending]) -> [(Pending, failure: IOError?)] {
    guard let file = outputs.first?.output.descriptor else { return [] }
    let changed = made.takeChanged()
    let here = changed.filter { (try? $0.status().device) == outputs[0].device }
    // Directories on another file system belong to the outputs there.
    made.putBack(changed.filter { directory in !here.contains { $0 === directory } })
    var directories: [ObjectIdentifier: Descriptor] = [:]
    for directory in outputs.map(\.output.directory) + here {
      directories[ObjectIdentifier(directory)] = directory
    }
    if directories.count > Self.singleLimit, (try? file.synchronizeFileSystem()) != nil {
      return outputs.map { ($0, nil) }
    }
    var failures: [ObjectIdentifier: IOError] = [:]
    for (identifier, directory) in directories {
      do throws(IOError) {
        try directory.synchronizeNames(orFileSystemOf: file)
      } catch {
        failures[identifier] = error
      }
    }
    // Without the directory a file in it is lost, too.
    let lost = here.filter { failures[ObjectIdentifier($0)] != nil }
    made.putBack(lost)
    let failure = lost.first.flatMap { failures[ObjectIdentifier($0)] }
    return outputs.map { one in
      let error = failures[ObjectIdentifier(one.output.directory)] ?? failure
      return (one, error.map { IOError(.write, one.output.path, $0.errno) })
    }
  }
}
