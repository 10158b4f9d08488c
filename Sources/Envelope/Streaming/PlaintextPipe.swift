import Foundation

/// A pipe inside the process: one thread writes, another one reads. The capacity bounds how far the
/// writer gets ahead.
final class PlaintextPipe: ByteSource, ByteSink, @unchecked Sendable {
  /// Thrown to the writer after the reader has left.
  struct Abandoned: Error {}

  private let condition = NSCondition()
  // A ring buffer, guarded by `condition`.
  private var buffer: Buffer
  private var start = 0
  private var count = 0
  private var hasEnded = false
  private var failure: (any Error)?
  private var isAbandoned = false

  /// Holds at most `capacity` bytes. `discardsOnFailure` is true if the reader discards its own
  /// output on failure.
  init(capacity: Int, expectedCount: Int64?, discardsOnFailure: Bool) {
    buffer = Buffer(capacity: capacity)
    self.expectedCount = expectedCount
    self.discardsOnFailure = discardsOnFailure
  }

  let expectedCount: Int64?
  let discardsOnFailure: Bool

  func write(_ bytes: RawSpan) throws {
    condition.lock()
    defer { condition.unlock() }
    var done = 0
    while done < bytes.byteCount {
      while count == buffer.capacity, !isAbandoned { condition.wait() }
      if isAbandoned { throw Abandoned() }
      let end = (start + count) % buffer.capacity
      let room = end < start ? start - end : buffer.capacity - end
      let moved = min(room, bytes.byteCount - done)
      buffer.copy(bytes.extracting(done..<done + moved), to: end)
      done += moved
      count += moved
      condition.broadcast()
    }
  }

  func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness {
    let deadline = milliseconds.map { Date(timeIntervalSinceNow: Double($0) / 1000) }
    guard let cancellation else { return wait(until: deadline) { false } }
    return cancellation.waking(
      { [self] in wake() },
      while: { wait(until: deadline) { cancellation.isCancelled } })
  }

  private func wait(until deadline: Date?, isCancelled: () -> Bool) -> Readiness {
    condition.lock()
    defer { condition.unlock() }
    while count == 0, !hasEnded {
      if isCancelled() { return .cancelled }
      guard let deadline else {
        condition.wait()
        continue
      }
      // `wait(until:)` returns false at the deadline.
      if !condition.wait(until: deadline), count == 0, !hasEnded { return .notYet }
    }
    return .ready
  }

  /// Wakes the waiting threads, which check their conditions again.
  private func wake() {
    condition.lock()
    condition.broadcast()
    condition.unlock()
  }

  func read(into target: inout MutableRawSpan) throws -> Int {
    condition.lock()
    defer { condition.unlock() }
    while count == 0, !hasEnded { condition.wait() }
    if let failure { throw failure }
    let moved = min(count, buffer.capacity - start, target.byteCount)
    buffer.withBytes(in: start..<start + moved) { bytes in
      target.withUnsafeMutableBytes { target in
        bytes.withUnsafeBytes { if $0.count > 0 { target.copyMemory(from: $0) } }
      }
    }
    start = (start + moved) % buffer.capacity
    count -= moved
    condition.broadcast()
    return moved
  }

  /// Ends the input: complete, or cut short by `failure`.
  func end(_ failure: (any Error)?) {
    condition.lock()
    hasEnded = true
    self.failure = failure
    condition.broadcast()
    condition.unlock()
  }

  /// Ends the pipe for the reader: writes throw `Abandoned` from now on.
  func abandon() {
    condition.lock()
    isAbandoned = true
    condition.broadcast()
    condition.unlock()
  }
}
