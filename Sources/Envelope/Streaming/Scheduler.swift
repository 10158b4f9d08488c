import Foundation
import Synchronization

/// The threads that all streams share, and the memory of batches, which one stream leaves to the
/// next.
///
/// A stream runs on the calling thread and takes further threads while some are free, so that one
/// large file and ten thousand small ones both keep all cores busy.
public final class Scheduler: Sendable {
  /// Plaintext bytes of a batch, rounded to whole frames.
  let batchLength: Int
  /// A stream asks for further threads only if at least this number of bytes is likely to come.
  /// Fewer bytes are processed in less time than another thread needs to start.
  let helpThreshold: Int64
  /// The number of threads that work at once; nil for one per core.
  private let jobs: Int?
  /// The number of further threads that may start; nil until it is needed, because counting the
  /// cores takes longer than encrypting a small file.
  private let freeThreads = Mutex<Int?>(nil)
  private let freeMemory = Mutex<[BatchMemory]>([])
  /// True if the memory of batches is wiped before it is freed.
  private let holdsSecrets: Bool

  /// Uses at most `jobs` threads at once, and at least 1. Nil means one for each core that the
  /// process may use.
  public convenience init(jobs: Int? = nil) {
    self.init(jobs: jobs, batchLength: Self.standardBatchLength, helpThreshold: 1 << 20)
  }

  /// Large enough that system calls and the exchange of batches between threads take little time
  /// compared with encryption. Small enough that a batch stays in the second-level cache from read
  /// to write.
  private static let standardBatchLength = 256 << 10

  /// Makes the scheduler of a stream whose plaintext is a secret.
  convenience init(forSecrets: Void) {
    self.init(
      jobs: 1, batchLength: Self.standardBatchLength, helpThreshold: .max, holdsSecrets: true)
  }

  init(jobs: Int?, batchLength: Int, helpThreshold: Int64, holdsSecrets: Bool = false) {
    self.jobs = jobs
    self.holdsSecrets = holdsSecrets
    self.batchLength = batchLength
    self.helpThreshold = helpThreshold
  }

  /// The number of threads that may work at once.
  package var threadCount: Int { max(jobs ?? ProcessInfo.processInfo.activeProcessorCount, 1) }

  /// Changes the number of threads that may start, and returns what `body` returns.
  private func withFreeThreads<Result>(_ body: (inout Int) -> Result) -> Result {
    freeThreads.withLock { known in
      // The system counts the cores that this process may use, including the limit of a container.
      var count = known ?? threadCount - 1
      defer { known = count }
      return body(&count)
    }
  }

  /// Runs `body` on a free thread, which is free again when `body` returns. If `isSpare`, runs it
  /// on an extra thread that is not one of the free ones. Returns false if there is no thread.
  fileprivate func start(isSpare: Bool, _ body: @escaping @Sendable () -> Void) -> Bool {
    if isSpare { return startThread(body) }
    let isFree = withFreeThreads { count in
      guard count > 0 else { return false }
      count -= 1
      return true
    }
    guard isFree else { return false }
    let isStarted = startThread { [self] in
      body()
      withFreeThreads { $0 += 1 }
    }
    if !isStarted { withFreeThreads { $0 += 1 } }
    return isStarted
  }

  /// True if it is worth asking for a thread.
  var hasFreeThread: Bool { withFreeThreads { $0 > 0 } }

  func takeMemory() -> BatchMemory {
    freeMemory.withLock { $0.popLast() } ?? BatchMemory(isSecret: holdsSecrets)
  }

  func giveBack(_ memory: BatchMemory) { freeMemory.withLock { $0.append(memory) } }

  /// Drops memory that has grown for unusually long frames, at the end of a stream.
  func trimMemory() {
    freeMemory.withLock {
      $0.removeAll { $0.input.capacity + $0.output.capacity > 8 * batchLength }
    }
  }
}

/// The reason why a stream cannot run.
public enum SchedulerError: Error, Equatable, Sendable {
  /// The system does not allow another thread.
  case noThread
}

/// The threads that work for one caller, which waits for them.
package final class ThreadGroup: Sendable {
  private let scheduler: Scheduler
  private let condition = NSCondition()
  /// Threads at work. Guarded by `condition`.
  private nonisolated(unsafe) var count = 0

  package init(_ scheduler: Scheduler) { self.scheduler = scheduler }

  /// Runs `body` on another thread of the scheduler; false if none is free.
  package func start(_ body: @escaping @Sendable () -> Void) -> Bool {
    start(isSpare: false, body)
  }

  /// Runs `body` on an extra thread, for work that must not wait for a free one.
  func startSpare(_ body: @escaping @Sendable () -> Void) -> Bool { start(isSpare: true, body) }

  private func start(isSpare: Bool, _ body: @escaping @Sendable () -> Void) -> Bool {
    change(by: 1)
    let isStarted = scheduler.start(isSpare: isSpare) { [self] in
      body()
      change(by: -1)
    }
    if !isStarted { change(by: -1) }
    return isStarted
  }

  /// Waits until all threads are done.
  package func wait() {
    condition.lock()
    while count > 0 { condition.wait() }
    condition.unlock()
  }

  private func change(by difference: Int) {
    condition.lock()
    count += difference
    if count == 0 { condition.broadcast() }
    condition.unlock()
  }
}
