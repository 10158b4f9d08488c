import Synchronization

/// A value that is made when it is first needed. One thread makes it, and the others wait for it.
final class Deferred<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let make: @Sendable () throws -> Value

  init(_ make: @escaping @Sendable () throws -> Value) { self.make = make }

  /// Returns the value, or throws the error that prevents it, which stays the same. Before the value
  /// is made, calls `check`; if that throws, a later call may still make the value.
  func value(after check: () throws -> Void = {}) throws -> Value {
    try result.withLock { result in
      if let result { return try result.get() }
      try check()
      let made = Result { try make() }
      result = made
      return try made.get()
    }
  }

  /// The value, if it was made.
  var made: Value? { try? result.withLock { $0 }?.get() }

  /// The error that prevents the value.
  var error: (any Error)? {
    guard case .failure(let error) = result.withLock({ $0 }) else { return nil }
    return error
  }
}
