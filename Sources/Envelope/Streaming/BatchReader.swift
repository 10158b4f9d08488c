/// A reader that cuts a body into batches of whole regular frames: plaintext to seal, or sealed
/// frames to open.
protocol BatchReader: AnyObject, Sendable {
  /// True if tickets must come in order.
  var isOrdered: Bool { get }
  /// The division of the input into batches.
  var shape: BatchShape { get }
  /// Reads the batch with this ticket into `memory`.
  func read(
    _ ticket: Int, into memory: BatchMemory, unless cancellation: Cancellation?
  ) throws -> BatchReading
  /// Tells the source that all input has been read, including the bytes after the frames of the
  /// last batch.
  func finish(after last: ReadBatch)
  /// The input after the frames of the last batch.
  func rest(after last: ReadBatch) throws -> InputBuffer
}

/// The result of reading a batch.
enum BatchReading {
  case more(ReadBatch)
  /// No regular frame follows the batch.
  case last(ReadBatch)
  /// The read was cancelled.
  case cancelled
}

/// The sizes of frames and batches on the side that is read: plaintext or message.
struct BatchShape {
  /// Bytes of a regular frame.
  let frameLength: Int
  let framesPerBatch: Int
  /// True if a marker tells the final frame from the regular ones.
  let isMessage: Bool

  static func plaintext(_ layout: FrameLayout) -> BatchShape {
    BatchShape(
      frameLength: layout.plaintextLength, framesPerBatch: layout.framesPerBatch, isMessage: false)
  }

  static func message(_ layout: FrameLayout) -> BatchShape {
    BatchShape(
      frameLength: layout.sealedLength, framesPerBatch: layout.framesPerBatch, isMessage: true)
  }

  var batchLength: Int { framesPerBatch * frameLength }

  /// Reads `source` in any order if it is a file of at least two batches. Otherwise reads in order,
  /// beginning with `input`, which is at offset `start` of the source.
  func reader(
    of source: any ByteSource, _ input: consuming InputBuffer, at start: Int64
  ) -> any BatchReader {
    if let positional = source.positional, positional.count - start >= 2 * Int64(batchLength) {
      return PositionalReader(positional, at: start, self)
    }
    return OrderedReader(input, self)
  }

  /// Counts the whole regular frames in the first `count` bytes of the input. `isFinal` is true if
  /// the final frame begins after them.
  func countFrames(in memory: BatchMemory, _ count: Int) -> (frameCount: Int, isFinal: Bool) {
    let whole = count / frameLength
    let final = isMessage ? finalFrame(in: memory, count, upTo: whole) : nil
    return (final ?? whole, final != nil)
  }

  private func finalFrame(in memory: BatchMemory, _ count: Int, upTo whole: Int) -> Int? {
    memory.input.withBytes(in: 0..<count) { bytes in
      (0...whole).first { FramePrefix.announcesFinal(bytes, at: $0 * frameLength) }
    }
  }
}

/// A reader that reads any source from its beginning to its end. `Pipeline` lets one thread at a
/// time read.
final class OrderedReader: BatchReader, @unchecked Sendable {
  let shape: BatchShape
  // Only the thread that reads may use these.
  private var input: InputBuffer
  private var frameCount: Int64 = 0
  private var byteCount: Int64 = 0

  init(_ input: consuming InputBuffer, _ shape: BatchShape) {
    self.input = input
    self.shape = shape
  }

  let isOrdered = true

  /// The time to wait for more input if there is a whole frame already, in milliseconds.
  private static let patience: Int32 = 1

  func read(
    _ ticket: Int, into memory: BatchMemory, unless cancellation: Cancellation?
  ) throws -> BatchReading {
    var inputCount = 0
    var hasEnded = false
    while inputCount < shape.batchLength, !hasEnded {
      let hasFrame = inputCount >= shape.frameLength
      let readiness = input.wait(
        milliseconds: hasFrame ? Self.patience : nil, unless: cancellation)
      if readiness == .cancelled { return .cancelled }
      if readiness == .notYet, hasFrame { break }
      try makeRoom(in: memory, keeping: inputCount)
      let room = min(memory.input.capacity, shape.batchLength)
      let count = try memory.input.withMutableBytes(in: inputCount..<room) {
        try input.read(into: &$0)
      }
      inputCount += count
      hasEnded = count == 0
    }
    let (count, isFinal) = shape.countFrames(in: memory, inputCount)
    let frameEnd = count * shape.frameLength
    let isLast = isFinal || hasEnded
    if !isLast {
      try putBack(frameEnd..<inputCount, of: memory)
      inputCount = frameEnd
    }
    defer { frameCount += Int64(count) }
    byteCount += Int64(inputCount)
    let batch = ReadBatch(
      memory: memory, ticket: ticket, firstFrame: frameCount, frameCount: count,
      rest: frameEnd..<inputCount,
      countAfter: input.expectedCount.map { $0 - byteCount })
    return isLast ? .last(batch) : .more(batch)
  }

  func finish(after last: ReadBatch) {}

  func rest(after last: ReadBatch) throws -> InputBuffer {
    var rest = InputBuffer(NullSource())
    swap(&rest, &input)
    try last.memory.input.withBytes(in: last.rest) {
      (bytes) throws(OutOfMemoryError) in try rest.putBack(bytes)
    }
    return rest
  }

  /// Puts an incomplete frame at the end of the batch back into the input, for the next batch.
  private func putBack(_ part: Range<Int>, of memory: BatchMemory) throws(OutOfMemoryError) {
    try memory.input.withBytes(in: part) { (bytes) throws(OutOfMemoryError) in
      if bytes.byteCount > 0 { try input.putBack(bytes) }
    }
  }

  /// Lets the buffer grow as bytes arrive. A header may claim a large frame length although few
  /// bytes follow, so the frame length alone does not make the buffer large.
  private func makeRoom(
    in memory: BatchMemory, keeping count: Int
  ) throws(OutOfMemoryError) {
    guard count == memory.input.capacity || count == 0 else { return }
    let expected = min(input.expectedCount ?? .max, 64 << 10) + 1
    let wanted = max(2 * count, min(max(Int(clamping: expected), 4096), 64 << 10))
    try memory.input.grow(to: min(wanted, shape.batchLength), keeping: count)
  }
}

/// A reader that reads batches in any order, because the number of a frame determines its offset.
final class PositionalReader: BatchReader, Sendable {
  private let source: any PositionalSource
  let shape: BatchShape
  private let start: Int64
  private let firstFrame: Int64
  private let frameLimit: Int64

  /// Reads at most `frameLimit` frames, from frame `firstFrame` (counted from 0) on, which begins
  /// at offset `start`.
  init(
    _ source: any PositionalSource, at start: Int64, _ shape: BatchShape, firstFrame: Int64 = 0,
    frameLimit: Int64 = .max
  ) {
    self.source = source
    self.start = start
    self.shape = shape
    self.firstFrame = firstFrame
    self.frameLimit = frameLimit
  }

  let isOrdered = false

  /// Bytes that are likely to follow batch `ticket`.
  private func expectedCount(after ticket: Int) -> Int64 {
    let frames = Int64(ticket + 1) * Int64(shape.framesPerBatch)
    let length = Int64(shape.frameLength)
    return min((source.count - start) / length, frameLimit) * length - frames * length
  }

  func read(
    _ ticket: Int, into memory: BatchMemory, unless cancellation: Cancellation?
  ) throws -> BatchReading {
    let frame = Int64(ticket) * Int64(shape.framesPerBatch)
    let wanted = Int(min(Int64(shape.framesPerBatch), max(frameLimit - frame, 0)))
    let length = wanted * shape.frameLength
    try memory.input.grow(to: length, keeping: 0)
    let inputCount = try memory.input.withMutableBytes(in: 0..<length) {
      try source.fill(&$0, at: start + frame * Int64(shape.frameLength))
    }
    let (frameCount, isFinal) = shape.countFrames(in: memory, inputCount)
    let frameEnd = frameCount * shape.frameLength
    let batch = ReadBatch(
      memory: memory, ticket: ticket, firstFrame: firstFrame + frame, frameCount: frameCount,
      rest: frameEnd..<inputCount,
      countAfter: expectedCount(after: ticket))
    return isFinal || inputCount < length || frame + Int64(wanted) >= frameLimit
      ? .last(batch) : .more(batch)
  }

  func finish(after last: ReadBatch) {
    source.finish(at: position(after: last) + Int64(last.rest.count))
  }

  func rest(after last: ReadBatch) throws -> InputBuffer {
    InputBuffer(PositionalCursor(source, at: position(after: last)))
  }

  private func position(after last: ReadBatch) -> Int64 {
    start + (last.endFrame - firstFrame) * Int64(shape.frameLength)
  }
}

/// A source that reads a positional source in order, from an offset on.
final class PositionalCursor: ByteSource {
  private let source: any PositionalSource
  private var position: Int64

  init(_ source: any PositionalSource, at position: Int64) {
    self.source = source
    self.position = position
  }

  var expectedCount: Int64? { max(source.count - position, 0) }

  func read(into buffer: inout MutableRawSpan) throws -> Int {
    let count = try source.read(into: &buffer, at: position)
    position += Int64(count)
    return count
  }

  deinit { source.finish(at: position) }
}

/// A source without bytes.
private final class NullSource: ByteSource {
  let expectedCount: Int64? = 0
  func read(into buffer: inout MutableRawSpan) -> Int { 0 }
}
