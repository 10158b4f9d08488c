import Glibc
import Synchronization

/// Wakes a thread that waits for input when nobody wants the input any more.
public final class Cancellation: Sendable {
  /// Both ends of a pipe that becomes readable when its writing end is closed; -1 where the system
  /// has no descriptors left.
  private let ends: (reading: Int32, writing: Int32)
  private let state = Mutex(State())

  private struct State {
    var isCancelled = false
    var nextWaiter = 0
    /// Wakes the threads that wait for something else than a descriptor.
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

  /// What `poll` watches.
  var number: Int32 { ends.reading }

  func cancel() {
    let wakers = state.withLock { state in
      if !state.isCancelled, ends.writing >= 0 { close(ends.writing) }
      state.isCancelled = true
      return state.wakers.values
    }
    for wake in wakers { wake() }
  }

  /// Runs `body`, which waits for something that `poll` cannot watch. A cancellation meanwhile calls
  /// `wake`; `body` then asks `isCancelled`.
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

/// The input is not wanted any more.
struct CancelledError: Error {}

/// What waiting for input came to.
public enum Readiness: Equatable, Sendable {
  /// A read will not wait: there are bytes, or the end.
  case ready
  /// Nothing came in the time given.
  case notYet
  /// Nobody wants the input any more.
  case cancelled
}

extension Descriptor {
  /// Waits for input, at most `milliseconds`, for ever without them.
  func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness {
    var watched = [
      pollfd(fd: number, events: Int16(POLLIN), revents: 0),
      pollfd(fd: cancellation?.number ?? -1, events: Int16(POLLIN), revents: 0),
    ]
    let count = Self.retrying { poll(&watched, 2, milliseconds ?? -1) }
    if count > 0, watched[1].revents != 0 { return .cancelled }
    // What poll cannot tell, the read will.
    return count == 0 ? .notYet : .ready
  }
}
