/// An output with an offset for each write. Writes may come in any order if the sink allows that,
/// otherwise they must come in the order of the offsets.
final class PlacedOutput: @unchecked Sendable {
  private let sink: any ByteSink
  private let positional: (any PositionalSink)?
  /// The offset of the next write in order. Only the thread that writes may use it.
  private var next: Int64 = 0

  init(_ sink: any ByteSink) {
    self.sink = sink
    positional = sink.positional
  }

  /// True if writes must come in order.
  var isOrdered: Bool { positional == nil }

  func write(_ bytes: RawSpan, at position: Int64) throws {
    if let positional { return try positional.writeAll(bytes, at: position) }
    precondition(position == next, "output out of order")
    if bytes.byteCount == 0 { return }
    try sink.write(bytes)
    next += Int64(bytes.byteCount)
  }

  /// Cuts the output off after `count` bytes. A thread may have written more before another thread
  /// found the end of the body.
  func finish(at count: Int64) throws { try positional?.truncate(to: count) }
}

/// A writer that writes batches at their offsets.
final class BatchWriter: Sendable {
  private let output: PlacedOutput
  private let start: Int64
  private let frameLength: Int64
  /// The requested part of the plaintext, which becomes the whole output.
  private let window: Range<Int64>?

  /// Frame 0 begins at offset `start` of the output. Each frame has `frameLength` bytes.
  init(_ output: PlacedOutput, at start: Int64, frameLength: Int, window: Range<Int64>? = nil) {
    self.output = output
    self.start = start
    self.frameLength = Int64(frameLength)
    self.window = window
  }

  var isOrdered: Bool { output.isOrdered }

  func write(_ batch: TransformedBatch) throws {
    let position = start + batch.source.firstFrame * frameLength
    guard let window else {
      return try batch.memory.output.withBytes(in: 0..<batch.outputCount) {
        try output.write($0, at: position)
      }
    }
    let wanted = (position..<position + Int64(batch.outputCount)).clamped(to: window)
    guard !wanted.isEmpty else { return }
    try batch.memory.output.withBytes(
      in: Int(wanted.lowerBound - position)..<Int(wanted.upperBound - position)
    ) {
      try output.write($0, at: wanted.lowerBound - window.lowerBound)
    }
  }
}
