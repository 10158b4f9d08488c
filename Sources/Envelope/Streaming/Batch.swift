/// Frames that are processed together: read into `input`, sealed or opened into `output`, and
/// written from there. A batch is reused, so that no frame allocates memory.
///
/// One thread owns a batch at a time.
final class Batch: @unchecked Sendable {
  /// The index of the batch in its stream.
  var ticket = 0
  /// Bytes of input that are likely to follow the batch; nil if unknown.
  var countBehind: Int64?
  /// Regular frames of the message before this batch.
  var firstFrame: Int64 = 0
  /// Whole regular frames in `input`, from its front.
  var frameCount = 0
  /// The offset in `input` at which the whole regular frames end.
  var frameEnd = 0
  var input = Buffer(capacity: 0)
  /// Bytes in `input`. In the last batch, the rest of the input follows the frames.
  var inputCount = 0
  var output = Buffer(capacity: 0)
  /// Bytes in `output`.
  var outputCount = 0
}

/// The division of a framed body into batches, on its plaintext side and on its message side.
struct FrameLayout: Equatable {
  /// Bytes of plaintext in a regular frame.
  let plaintextLength: Int
  /// Bytes of a regular frame in the message.
  let sealedLength: Int
  let framesPerBatch: Int

  /// `batchLength` is the plaintext of a batch, rounded to whole frames.
  init(_ frameLength: FrameLength, batchLength: Int) {
    plaintextLength = frameLength.bytes
    sealedLength = frameLength.sealedBytes
    // The number of tiny frames is bounded too: their overhead is larger than their content.
    framesPerBatch = max(1, batchLength / max(frameLength.bytes, 16))
  }
}

/// An operation that seals or opens the frames of a batch. Each thread has its own.
protocol FrameTransform: AnyObject {
  /// Reads the frames in `batch.input`; writes `batch.output` and `batch.outputCount`.
  func apply(to batch: Batch) throws
}
