import Foundation
import KMSService
import Synchronization

/// The threads of a measurement and the hosts that they use.
enum Crew: CaseIterable, Sendable {
  case oneThread
  /// Two threads, one host: as a service would run.
  case twoThreads
  /// Two threads with a host and a connection to SQLite each: what the machine allows.
  case twoHosts

  func hosts(of store: FilledKeystore) -> [KeyServiceHost] {
    switch self {
    case .oneThread: [store.host]
    case .twoThreads: [store.host, store.host]
    case .twoHosts: [store.host, store.other]
    }
  }
}

/// The result of one measurement.
struct Rate {
  let perSecond: Double
  /// The processor time of all threads, user and system, in proportion to the wall time.
  let coresUsed: Double
}

/// Performs requests for `duration` on every thread of the crew.
func measure(
  _ operation: MeasuredOperation, on store: FilledKeystore, by crew: Crew, for duration: Duration
) throws -> Rate {
  let hosts = crew.hosts(of: store)
  let threads = try hosts.map { try RequestThread(operation, store.samples, $0) }
  let clock = ContinuousClock()
  let processor = processorTime()
  let start = clock.now
  for thread in threads { thread.start(until: start + duration) }
  let counts = try threads.map { try $0.join() }
  let elapsed = (clock.now - start) / .seconds(1)
  return Rate(
    perSecond: Double(counts.reduce(0, +)) / elapsed,
    coresUsed: (processorTime() - processor) / elapsed)
}

/// A thread that performs requests until a deadline.
private final class RequestThread: Sendable {
  private let operation: MeasuredOperation
  private let samples: [FilledKeystore.Sample]
  private let host: KeyServiceHost
  private let caller: Caller
  private let result = Mutex<Result<Int, any Error>>(.success(0))
  private let end = DispatchSemaphore(value: 0)

  init(
    _ operation: MeasuredOperation, _ samples: [FilledKeystore.Sample], _ host: KeyServiceHost
  ) throws {
    self.operation = operation
    self.samples = samples
    self.host = host
    // A service learns once for each connection who calls.
    caller = try KeyService(host).caller
  }

  func start(until deadline: ContinuousClock.Instant) {
    Thread.detachNewThread { [self] in
      let counted = Result { try count(until: deadline) }
      result.withLock { $0 = counted }
      end.signal()
    }
  }

  /// Returns the number of requests.
  func join() throws -> Int {
    end.wait()
    return try result.withLock { $0 }.get()
  }

  private func count(until deadline: ContinuousClock.Instant) throws -> Int {
    var count = 0
    // Threads begin at different keys.
    var next = Int.random(in: 0..<samples.count)
    while ContinuousClock.now < deadline {
      for _ in 0..<16 {
        try operation.perform(
          with: samples[next], by: KeyService(host, caller: caller))
        next = (next + 1) % samples.count
      }
      count += 16
    }
    return count
  }
}

/// The processor time of this process in seconds.
private func processorTime() -> Double {
  var usage = rusage()
  getrusage(RUSAGE_SELF.rawValue, &usage)
  return [usage.ru_utime, usage.ru_stime].reduce(0) {
    $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6
  }
}
