import Glibc
import Synchronization

/// Complete outputs of a run that are brought to the disk and then get their names. The batch
/// handles many at a time, because the disk takes as long for hundreds of small files as for one.
///
/// A name never refers to a file that is not wholly on the disk. Several threads add outputs; the
/// thread whose output fills the batch does the work.
package final class OutputBatch: Sendable {
  /// A function that receives the result for an output.
  package typealias Completion = @Sendable (Result<Void, any Error>) -> Void

  private struct Pending {
    let output: OutputFile
    /// The device of its directory.
    let device: UInt64?
    let completion: Completion
  }

  private struct State {
    var pending: [Pending] = []
    var byteCount: Int64 = 0
    /// The number of outputs that fills the batch.
    var countLimit = OutputBatch.firstCount
    var start = ContinuousClock.now
    /// The number of threads in `withoutWaiting`.
    var waiting = 0
    /// The directory of the last output. The next output is often in the same directory.
    var directory: Descriptor?
    var device: UInt64?
  }

  /// If there are more outputs than this, one call brings the whole file system to the disk.
  /// Otherwise each file is synchronized by itself, to avoid a wait for the writes of other
  /// programs.
  private static let singleLimit = 16
  /// The number of outputs of a batch at the beginning, and as long as the disk is fast or the file
  /// system is in memory: files get their names sooner, while they are still in the processor
  /// cache.
  private static let firstCount = 32
  /// The most outputs of a batch. Twice this number of files are open, those of the current batch
  /// and of the next, which fits in a limit of 1,024 open files.
  private static let lastCount = 448
  /// After a wait of this length for the disk, more outputs share the next wait.
  private static let longWait = Duration.milliseconds(1)
  private static let byteLimit: Int64 = 128 << 20
  /// The longest time that an output waits for others, so that a slow run shows its results.
  private static let ageLimit = Duration.seconds(1)

  private let isSynchronizing: Bool
  private let made: MadeDirectories
  /// An output with this descriptor or a greater one does not wait for others.
  private let descriptorLimit: Int32
  private let state = Mutex(State())
  /// Lets one thread at a time wait for the disk. The next thread takes all outputs that were added
  /// meanwhile.
  private let turn = Mutex<Void>(())

  /// `made` records the directories that are made for the outputs. Unless `synchronizing`, outputs
  /// get their names at once. `threads` is the number of threads that work on outputs.
  package init(synchronizing: Bool, directories made: MadeDirectories, threads: Int = 1) {
    isSynchronizing = synchronizing
    self.made = made
    if !synchronizing { made.neverSynchronize() }
    descriptorLimit = Self.descriptorLimit(threads)
  }

  /// The system gives out the lowest free number first, so a descriptor tells how many are in use.
  /// The limit leaves some for a tree, the keystore and its log, and for the input, output and
  /// directory of each thread.
  private static func descriptorLimit(_ threads: Int) -> Int32 {
    var limits = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 0 }
    return Int32(clamping: limits.rlim_cur) - 64 - 4 * Int32(clamping: threads)
  }

  /// Takes over a complete output of about `byteCount` bytes. Nobody may write to it afterwards.
  package func add(
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

  /// Runs `body`, which may wait forever. Until it returns, no output waits for others.
  package func withoutWaiting<Result>(_ body: () throws -> Result) rethrows -> Result {
    state.withLock { $0.waiting += 1 }
    defer { state.withLock { $0.waiting -= 1 } }
    flush()
    return try body()
  }

  /// Brings the added outputs to the disk and gives them their names. Returns their number.
  @discardableResult
  package func flush() -> Int {
    turn.withLock { _ in
      let pending = state.withLock { state in
        defer { (state.pending, state.byteCount, state.directory) = ([], 0, nil) }
        return state.pending
      }
      for outputs in Self.byDevice(pending) { finish(outputs) }
      return pending.count
    }
  }

  /// Finishes the run: flushes the added outputs, then finishes the directories that were made.
  /// Returns the errors of the directories.
  package func finish() -> [IOError] {
    flush()
    return made.finish(synchronizing: isSynchronizing)
  }

  // MARK: The steps

  private static func byDevice(_ pending: [Pending]) -> [[Pending]] {
    let devices = Set(pending.map(\.device))
    if devices.count == 1 { return [pending] }
    return devices.map { device in pending.filter { $0.device == device } }
  }

  /// Finishes outputs that are on one file system.
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

  /// Makes the batch larger if the disk is slow, and small again if it is fast.
  private func adapt(to wait: Duration) {
    state.withLock { state in
      state.countLimit =
        wait < Self.longWait ? Self.firstCount : min(state.countLimit * 4, Self.lastCount)
    }
  }

  /// The outputs whose bytes are on the disk. Completes the others with their error.
  private static func synchronized(_ outputs: [Pending]) -> [Pending] {
    var isWhole = false
    if outputs.count > singleLimit {
      isWhole = (try? outputs[0].output.descriptor.synchronizeFileSystem()) != nil
    }
    return outputs.filter { one in
      do throws(IOError) {
        // The system reports the write errors of each file to that file. Before Linux 5.8 syncfs
        // reports no write errors.
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

  /// Brings the names of outputs on one file system to the disk. Returns each output with its
  /// error, if any.
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
    // If a new directory is not on the disk, the files in it are lost too.
    let lost = here.filter { failures[ObjectIdentifier($0)] != nil }
    made.putBack(lost)
    let failure = lost.first.flatMap { failures[ObjectIdentifier($0)] }
    return outputs.map { one in
      let error = failures[ObjectIdentifier(one.output.directory)] ?? failure
      return (one, error.map { IOError(.write, one.output.path, $0.errno) })
    }
  }
}
