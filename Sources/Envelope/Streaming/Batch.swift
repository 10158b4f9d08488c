/// The memory of a batch. It is reused, so that no frame allocates memory.
///
/// One thread owns it at a time.
final class BatchMemory: @unchecked Sendable {
  var input: Buffer
  var output: Buffer

  /// With `isSecret`, the memory is wiped before it is freed.
  init(isSecret: Bool = false) {
    input = Buffer(capacity: 0, isSecret: isSecret)
    output = Buffer(capacity: 0, isSecret: isSecret)
  }
}

/// Frames that were read together, and that are sealed or opened together next.
struct ReadBatch: Sendable {
  /// The frames are at the front of its input.
  let memory: BatchMemory
  /// The number of the batch in its stream, counted from 0. A thread takes the next ticket before
  /// it reads the batch.
  let ticket: Int
  /// Regular frames of the message before this batch.
  let firstFrame: Int64
  /// Whole regular frames in the input.
  let frameCount: Int
  /// The bytes of the input after the frames. Only the last batch has any.
  let rest: Range<Int>
  /// Bytes of the source that are likely to follow the batch; nil if unknown.
  let countAfter: Int64?

  /// The offset in the input at which the frames end.
  var frameEnd: Int { rest.lowerBound }
  /// Regular frames of the message up to the end of this batch.
  var endFrame: Int64 { firstFrame + Int64(frameCount) }
}

/// Frames that were sealed or opened together, and that are written together next.
struct TransformedBatch: Sendable {
  /// The batch that was read. Its memory has the result at the front of the output.
  let source: ReadBatch
  /// Bytes in the output.
  let outputCount: Int

  var memory: BatchMemory { source.memory }
  var ticket: Int { source.ticket }
}

/// The sizes of frames and batches of a framed body, as plaintext and in the message.
struct FrameLayout: Equatable {
  /// Bytes of plaintext in a regular frame.
  let plaintextLength: Int
  /// Bytes of a regular frame in the message.
  let sealedLength: Int
  let framesPerBatch: Int

  /// `batchLength` is the number of plaintext bytes that a batch should have. A batch has as many
  /// whole frames as fit, and at least one.
  init(_ frameLength: FrameLength, batchLength: Int) {
    plaintextLength = frameLength.bytes
    sealedLength = frameLength.sealedBytes
    // Frames of fewer than 16 bytes count as 16 bytes. Each frame has an overhead, so a batch of
    // very many tiny frames would need too much memory.
    framesPerBatch = max(1, batchLength / max(frameLength.bytes, 16))
  }
}

/// An operation that seals or opens the frames of a batch. Each thread has its own.
protocol FrameTransform: AnyObject {
  /// Reads the frames in the batch's input, and writes its output.
  func apply(to batch: ReadBatch) throws -> TransformedBatch
}
