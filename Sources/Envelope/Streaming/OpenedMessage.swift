/// A message with an authenticated header. Its body can be decrypted once.
public final class OpenedMessage {
  /// The header. Its tag is verified, and its key commitment if the suite has one. A signature is
  /// verified at the end of the body.
  public let header: MessageHeader
  /// True if the message is armored.
  public let isArmored: Bool
  /// Bytes of the header, including its authentication. The body begins after them.
  let headerLength: Int
  let bodyKey: BodyKey
  /// The binary message, from its first byte on.
  let source: any ByteSource
  let scheduler: Scheduler
  private let verifier: SignatureVerifier?
  /// The source after the header, with the bytes that have been read already. `decrypt` takes it.
  private var input: InputBuffer?

  init(
    _ parsed: ParsedHeader, isArmored: Bool, bodyKey: BodyKey, source: any ByteSource,
    input: consuming InputBuffer, verifier: SignatureVerifier?, scheduler: Scheduler
  ) {
    header = parsed.header
    headerLength = parsed.length
    self.isArmored = isArmored
    self.bodyKey = bodyKey
    self.source = source
    self.input = consume input
    self.verifier = verifier
    self.scheduler = scheduler
  }

  /// False if the size of the source shows that the plaintext does not fit into a message with
  /// frames of this length.
  func fits(_ frameLength: FrameLength) -> Bool {
    guard let positional = source.positional, !frameLength.canHold(positional.count),
      case .framed(let length) = header.content,
      let extent = try? BodyExtent(
        of: positional, headerLength: headerLength, frameLength: length,
        isSigned: header.suite.isSigned)
    else { return true }
    return frameLength.canHold(extent.plaintextCount(length))
  }

  /// If the source expects at most `limit` bytes, reads up to `limit + 1` of them. Returns true if
  /// the whole rest of the source is in memory after that.
  func readIfSmall(upTo limit: Int) throws -> Bool {
    guard let expected = source.expectedCount, expected <= limit else { return false }
    guard var rest = input.take() else { preconditionFailure("a message is decrypted once") }
    let isLonger = try rest.fill(atLeast: limit + 1)
    input = consume rest
    return !isLonger
  }

  /// Decrypts the body to `sink`, to the end of the source. Call at most once.
  ///
  /// `progress` receives the number of bytes of the binary message. Throws
  /// `CryptoError.authenticationFailed` if a frame, the body or the signature is not authentic,
  /// `MessageError` if the message is truncated, damaged or followed by other bytes,
  /// `OutOfMemoryError`, and the errors of source and sink. After an error the sink may have
  /// received authentic frames from the beginning.
  public func decrypt(
    to sink: any ByteSink, progress: ProgressHandler? = nil
  ) throws -> MessageSummary {
    try decrypt(to: sink, progress: progress, cancellation: nil)
  }

  /// Throws `CancelledError` if `cancellation` ends a wait for input.
  func decrypt(
    to sink: any ByteSink, progress: ProgressHandler?, cancellation: Cancellation?
  ) throws -> MessageSummary {
    guard var input = input.take() else { preconditionFailure("a message is decrypted once") }
    input.cancellation = cancellation
    progress?(headerLength)
    let count: Int64
    switch header.content {
    case .framed(let length):
      count = try openFrames(
        of: length, input, to: sink, progress: progress, cancellation: cancellation)
    case .nonFramed:
      var rest = MessageRest(input, verifier: verifier, progress: progress)
      count = try rest.openNonFramedBody(bodyKey, to: sink)
    }
    return MessageSummary(header: header, plaintextCount: count)
  }

  /// Opens the regular frames, then the end of the message. The sink keeps frames that it received
  /// even if the end is damaged. It receives the final frame only after everything that follows is
  /// verified.
  private func openFrames(
    of frameLength: FrameLength, _ input: consuming InputBuffer, to sink: any ByteSink,
    progress: ProgressHandler?, cancellation: Cancellation?
  ) throws -> Int64 {
    let layout = FrameLayout(frameLength, batchLength: scheduler.batchLength)
    let output = PlacedOutput(sink)
    let bodyKey = bodyKey
    let reader = BatchShape.message(layout).reader(of: source, input, at: Int64(headerLength))
    let pipeline = Pipeline(
      scheduler, from: reader,
      to: BatchWriter(output, at: 0, frameLength: layout.plaintextLength),
      signature: verifier.map { .input($0) }, progress: progress, cancellation: cancellation
    ) { try FrameOpener(bodyKey, frameLength: frameLength) }
    let last = try pipeline.run()
    defer { scheduler.giveBack(last.memory) }

    let frames = last.endFrame
    var rest = MessageRest(try reader.rest(after: last), verifier: verifier, progress: progress)
    let count = try rest.openFinalFrame(
      at: frames, FrameOpener(bodyKey, frameLength: frameLength), frameLength,
      into: &last.memory.output)
    try rest.finish()
    let position = frames * Int64(layout.plaintextLength)
    try last.memory.output.withBytes(in: 0..<count) { try output.write($0, at: position) }
    try output.finish(at: position + Int64(count))
    return position + Int64(count)
  }
}
