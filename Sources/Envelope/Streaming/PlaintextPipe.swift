import Foundation

/// A pipe inside the process: what one thread writes another reads, at most so much ahead.
final class PlaintextPipe: ByteSource, ByteSink, @unchecked Sendable {
  /// What whoever writes gets when nobody reads any more.
  struct Abandoned: Error {}

  private let condition = NSCondition()
  // Guarded by `condition`: a ring of bytes.
  private var buffer: Buffer
  private var start = 0
  private var count = 0
  private var hasEnded = false
  private var failure: (any Error)?
  private var isAbandoned = false

  /// Holds at most `capacity` bytes.
  init(capacity: Int, expectedCount: Int64?) {
    buffer = Buffer(capacity: capacity)
    self.expectedCount = expectedCount
  }

  let expectedCount: Int64?
  /// The reader keeps to itself what it makes of the bytes until the writer has ended well.
  let discardsOnFailure = true

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

  /// No more bytes come: that was all of them, or `failure` was in the way.
  func end(_ failure: (any Error)?) {
    condition.lock()
    hasEnded = true
    self.failure = failure
    condition.broadcast()
    condition.unlock()
  }

  /// Nobody reads any more.
  func abandon() {
    condition.lock()
    isAbandoned = true
    condition.broadcast()
    condition.unlock()
  }
}
