/// Frames on their way through one thread: read into `input`, sealed or opened into `output`,
/// written from there. Used again and again, so that nothing is allocated for a frame.
///
/// One thread owns it at a time.
final class Batch: @unchecked Sendable {
  /// The batch's place among those of its stream.
  var ticket = 0
  /// Bytes of input that are likely to follow it; nil where nobody knows.
  var countBehind: Int64?
  /// Regular frames of the message before this batch.
  var firstFrame: Int64 = 0
  /// Whole regular frames in `input`, from its front.
  var frameCount = 0
  /// Where they end in `input`.
  var frameEnd = 0
  var input = Buffer(capacity: 0)
  /// Bytes in `input`. Behind the last batch's frames stands what closes the message.
  var inputCount = 0
  var output = Buffer(capacity: 0)
  /// Bytes in `output`.
  var outputCount = 0
}

/// How a framed body is cut into batches, on its plaintext side and on its message side.
struct FrameLayout: Equatable {
  /// Bytes of plaintext in a regular frame.
  let plaintextLength: Int
  /// Bytes of a regular frame in the message.
  let sealedLength: Int
  let framesPerBatch: Int

  /// `batchLength` is the plaintext of a batch, as near as whole frames come to it.
  init(_ frameLength: FrameLength, batchLength: Int) {
    plaintextLength = frameLength.bytes
    sealedLength = frameLength.sealedBytes
    // Tiny frames are bounded too: their overhead is larger than they are.
    framesPerBatch = max(1, batchLength / max(frameLength.bytes, 16))
  }
}

/// What a thread does to the frames of a batch. Each thread has one of its own.
protocol FrameTransform: AnyObject {
  /// Reads the frames in `batch.input`, writes `batch.output` and `batch.outputCount`.
  func apply(to batch: Batch) throws
}
