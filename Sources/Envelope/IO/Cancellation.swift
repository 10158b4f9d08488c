import Glibc
import Synchronization

/// Wakes threads that wait for input, if the input is no longer needed. A source of another program
/// only passes it on.
public final class Cancellation: Sendable {
  /// The ends of a pipe. The reading end becomes readable when the writing end is closed. Both are
  /// -1 if the system has no descriptors left.
  private let ends: (reading: Int32, writing: Int32)
  private let state = Mutex(State())

  private struct State {
    var isCancelled = false
    var nextWaiter = 0
    /// Functions that wake threads which do not wait for a descriptor.
    var wakers: [Int: @Sendable () -> Void] = [:]
  }

  init() {
    var ends: [Int32] = [-1, -1]
    _ = pipe(&ends)
    for end in ends where end >= 0 { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    self.ends = (ends[0], ends[1])
  }

  deinit {
    cancel()
    if ends.reading >= 0 { close(ends.reading) }
  }

  var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// The descriptor for `poll` to watch.
  var number: Int32 { ends.reading }

  func cancel() {
    let wakers = state.withLock { state in
      if !state.isCancelled, ends.writing >= 0 { close(ends.writing) }
      state.isCancelled = true
      return state.wakers.values
    }
    for wake in wakers { wake() }
  }

  /// Runs `body`, which waits for something that `poll` cannot watch. A cancellation during the
  /// wait calls `wake`; `body` then checks `isCancelled`.
  func waking<Result>(_ wake: @escaping @Sendable () -> Void, while body: () -> Result) -> Result {
    let waiter = state.withLock { state in
      defer { state.nextWaiter += 1 }
      state.wakers[state.nextWaiter] = wake
      return state.nextWaiter
    }
    defer { state.withLock { _ = $0.wakers.removeValue(forKey: waiter) } }
    return body()
  }
}

/// The input is no longer needed.
struct CancelledError: Error {}

/// The result of waiting for input.
public enum Readiness: Equatable, Sendable {
  /// A read will not block: there are bytes, or the input has ended.
  case ready
  /// Nothing arrived in the given time.
  case notYet
  /// The wait was cancelled.
  case cancelled
}

extension Descriptor {
  /// Waits for input, at most `milliseconds`. Without a limit it waits forever.
  func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness {
    var watched = [
      pollfd(fd: number, events: Int16(POLLIN), revents: 0),
      pollfd(fd: cancellation?.number ?? -1, events: Int16(POLLIN), revents: 0),
    ]
    let count = Self.retrying { poll(&watched, 2, milliseconds ?? -1) }
    if count > 0, watched[1].revents != 0 { return .cancelled }
    // If poll fails, the read reports the error.
    return count == 0 ? .notYet : .ready
  }
}
