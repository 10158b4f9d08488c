/// An output whose writes name their offsets. They come in any order if the sink allows it,
/// otherwise in the order of the offsets.
final class PlacedOutput: @unchecked Sendable {
  private let sink: any ByteSink
  private let positional: (any PositionalSink)?
  /// The offset of the next write in order. Only the thread whose turn it is touches it.
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

  /// Ends the output after `count` bytes: one thread may have written further before another one
  /// found the end.
  func finish(at count: Int64) throws { try positional?.truncate(to: count) }
}

/// Writes batches at their offsets.
final class BatchWriter: Sendable {
  private let output: PlacedOutput
  private let start: Int64
  private let frameLength: Int64
  /// The part of the plaintext that is wanted; it becomes the whole output.
  private let window: Range<Int64>?

  /// Frame 0 begins at `start` of the output and each takes `frameLength` bytes.
  init(_ output: PlacedOutput, at start: Int64, frameLength: Int, window: Range<Int64>? = nil) {
    self.output = output
    self.start = start
    self.frameLength = Int64(frameLength)
    self.window = window
  }

  var isOrdered: Bool { output.isOrdered }

  func write(_ batch: Batch) throws {
    let position = start + batch.firstFrame * frameLength
    guard let window else {
      return try batch.output.withBytes(in: 0..<batch.outputCount) {
        try output.write($0, at: position)
      }
    }
    let wanted = (position..<position + Int64(batch.outputCount)).clamped(to: window)
    guard !wanted.isEmpty else { return }
    try batch.output.withBytes(
      in: Int(wanted.lowerBound - position)..<Int(wanted.upperBound - position)
    ) {
      try output.write($0, at: wanted.lowerBound - window.lowerBound)
    }
  }
}
