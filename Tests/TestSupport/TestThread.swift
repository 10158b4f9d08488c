import Envelope
import Foundation
import Synchronization

/// A thread that runs a part of a test.
final class TestThread<Value: Sendable>: Sendable {
  private let outcome = Mutex<Result<Value, any Error>?>(nil)
  private let end = DispatchSemaphore(value: 0)

  init(_ body: @escaping @Sendable () throws -> Value) {
    let isStarted = startThread { [self] in
      let result = Result { try body() }
      outcome.withLock { $0 = result }
      end.signal()
    }
    precondition(isStarted, "the system grants a thread")
  }

  /// Waits for the end of the thread, and returns its value.
  func join() throws -> Value {
    end.wait()
    return try outcome.withLock { $0! }.get()
  }

  /// Returns the value of the thread if it ends in time. Nil if it still waits for something.
  func joinIfDone(within seconds: Int) throws -> Value? {
    guard end.wait(timeout: .now() + .seconds(seconds)) == .success else { return nil }
    end.signal()
    return try join()
  }
}

/// Runs `body` on several threads at once, and waits for all of them.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
  for thread in (0..<count).map({ number in TestThread { try body(number) } }) {
    try thread.join()
  }
}

/// Throws unless `condition` is true. For threads of a test, which cannot use `#expect`: it belongs
/// to the test of the thread that calls it.
func require(_ condition: Bool, _ message: String = "") throws {
  struct NotMet: Error { let message: String }
  guard condition else { throw NotMet(message: message) }
}
