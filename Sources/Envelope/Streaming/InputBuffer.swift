/// A window on a source: bytes are read into it on demand and consumed from its front.
///
/// It grows as bytes arrive. A length in the message alone does not make it grow, because the
/// message may be forged.
struct InputBuffer: ~Copyable {
  private let source: any ByteSource
  private var buffer: Buffer
  private var start = 0
  private var end = 0
  private var hasEnded = false
  /// The usual capacity. The buffer grows beyond it only if a caller needs more bytes at once.
  private let capacity: Int
  /// If set, it can end a wait for input.
  var cancellation: Cancellation?
  private static let firstCapacity = 16 << 10

  init(_ source: any ByteSource, capacity: Int = 64 << 10) {
    self.source = source
    self.capacity = capacity
    let expected =
      source.expectedCount.map { Int(clamping: min($0, Int64(capacity))) + 1 }
      ?? Self.firstCapacity
    buffer = Buffer(capacity: min(capacity, max(expected, 4096)))
  }

  /// The number of bytes in the buffer that are not consumed yet, the bytes at hand.
  var count: Int { end - start }

  /// The number of bytes that are likely to come from the source.
  var expectedCount: Int64? { source.expectedCount }

  /// Reads until at least `count` bytes are at hand; false if the source ends before that.
  mutating func fill(atLeast count: Int) throws -> Bool {
    while self.count < count {
      if hasEnded { return false }
      try makeRoom(for: count)
      if let cancellation,
        source.wait(milliseconds: nil, unless: cancellation) == .cancelled
      {
        throw CancelledError()
      }
      let source = source
      let read = try buffer.withMutableBytes(in: end..<buffer.capacity) {
        try source.read(into: &$0)
      }
      end += read
      if read == 0 { hasEnded = true }
    }
    return true
  }

  /// Moves bytes to `target`: the bytes at hand, or if there are none the bytes of one read.
  /// Returns 0 at the end of the input.
  mutating func read(into target: inout MutableRawSpan) throws -> Int {
    guard count > 0 else {
      if hasEnded { return 0 }
      let read = try source.read(into: &target)
      hasEnded = read == 0 && target.byteCount > 0
      return read
    }
    let moved = min(count, target.byteCount)
    withBytes(moved) { bytes in
      target.withUnsafeMutableBytes { target in
        bytes.withUnsafeBytes { target.copyMemory(from: $0) }
      }
    }
    consume(moved)
    return moved
  }

  /// Waits until a read would not block; see `ByteSource.wait`.
  func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness {
    if count > 0 || hasEnded { return .ready }
    return source.wait(milliseconds: milliseconds, unless: cancellation)
  }

  /// Puts `bytes` before the bytes at hand.
  mutating func putBack(_ bytes: RawSpan) throws(OutOfMemoryError) {
    let count = bytes.byteCount
    if start < count {
      var larger = Buffer(capacity: 0)
      try larger.grow(to: max(buffer.capacity, count + self.count), keeping: 0)
      withBytes(self.count) { larger.copy($0, to: count) }
      end = count + self.count
      start = count
      buffer = larger
    }
    start -= count
    buffer.copy(bytes, to: start)
  }

  /// Lends the first `count` bytes at hand.
  borrowing func withBytes<Result, Failure: Error>(
    _ count: Int, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try buffer.withBytes(in: start..<start + count, body)
  }

  /// Lends `range` of the bytes at hand.
  borrowing func withBytes<Result, Failure: Error>(
    in range: Range<Int>, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try buffer.withBytes(in: start + range.lowerBound..<start + range.upperBound, body)
  }

  /// Drops `count` bytes from the front.
  mutating func consume(_ count: Int) {
    precondition(count <= self.count)
    start += count
  }

  /// Makes room after the last byte, so that a read can add bytes. The caller needs `count` bytes
  /// in all.
  private mutating func makeRoom(for count: Int) throws(OutOfMemoryError) {
    let wanted = max(count, capacity)
    if start > 0, start + wanted > buffer.capacity {
      buffer.moveToFront(start..<end)
      end -= start
      start = 0
    }
    if end == buffer.capacity {
      try buffer.grow(to: min(wanted, buffer.capacity * 2), keeping: end)
    }
  }
}
