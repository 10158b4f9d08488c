/// The reason why a part of a message cannot be read alone.
public enum MessageRangeError: Error, Equatable, Sendable {
  /// The input is not a regular file.
  case notSeekable
  /// Armor has to be read from its beginning.
  case armored
  /// A non-framed body has one tag, at its end.
  case notFramed
  /// The signature covers the whole message and would not be verified.
  case signed
}

extension OpenedMessage {
  /// Decrypts `count` bytes of the plaintext from `offset` on, or as many as there are, to `sink`.
  /// Without `count` it decrypts to the end. Returns the number of bytes that it wrote.
  ///
  /// Reads the frames that contain the range, and the final frame: if that is authentic and at the
  /// end of the file, the file is not truncated. Other frames are neither read nor verified. With
  /// `ignoringSignature` it accepts a signed message without verifying the signature. `offset` and
  /// `count` must not be negative. `progress` receives the number of bytes of the message.
  ///
  /// Throws `MessageRangeError`, and the errors of `decrypt(to:progress:)`.
  public func decrypt(
    from offset: Int64, count: Int64?, to sink: any ByteSink, ignoringSignature: Bool = false,
    progress: ProgressHandler? = nil
  ) throws -> Int64 {
    precondition(offset >= 0 && count ?? 0 >= 0, "a negative range")
    guard !isArmored else { throw MessageRangeError.armored }
    guard let positional = source.positional else { throw MessageRangeError.notSeekable }
    guard case .framed(let frameLength) = header.content else { throw MessageRangeError.notFramed }
    if header.suite.isSigned, !ignoringSignature { throw MessageRangeError.signed }
    let extent = try BodyExtent(
      of: positional, headerLength: headerLength, frameLength: frameLength,
      isSigned: header.suite.isSigned)
    let final = try openFinalFrame(extent, positional, frameLength)

    let (sum, isOverflow) = offset.addingReportingOverflow(count ?? .max)
    let wanted = (offset..<(isOverflow ? .max : sum))
      .clamped(to: 0..<extent.plaintextCount(frameLength))
    guard !wanted.isEmpty else { return 0 }
    let output = PlacedOutput(sink)
    let finalStart = extent.regularFrames * Int64(frameLength.bytes)
    if wanted.lowerBound < finalStart {
      try openFrames(
        holding: wanted.clamped(to: 0..<finalStart), positional, frameLength, to: output,
        progress: progress)
    }
    if wanted.upperBound > finalStart {
      let first = max(wanted.lowerBound, finalStart)
      let part = final[Int(first - finalStart)..<Int(wanted.upperBound - finalStart)]
      try Array(part).withUnsafeBytes {
        try output.write(RawSpan(_unsafeBytes: $0), at: first - wanted.lowerBound)
      }
    }
    try output.finish(at: Int64(wanted.count))
    return Int64(wanted.count)
  }

  private func openFinalFrame(
    _ extent: BodyExtent, _ source: any PositionalSource, _ frameLength: FrameLength
  ) throws -> [UInt8] {
    let bytes = try source.bytes(
      at: extent.finalPosition,
      count: FramePrefix.finalLength + extent.finalLength + AESGCM.tagLength)
    let prefix = try FrameOpener.parse(bytes.span.bytes, frameLength)
    // The frame is read again and may have changed meanwhile.
    guard case .final(_, _, let length) = prefix, Int(length) == extent.finalLength else {
      throw MessageError.truncated
    }
    var plaintext = Buffer(capacity: 0)
    try plaintext.grow(to: extent.finalLength, keeping: 0)
    try FrameOpener(bodyKey, frameLength: frameLength).open(
      bytes.span.bytes, prefix, frame: extent.regularFrames, into: &plaintext, at: 0)
    return plaintext.withBytes(in: 0..<extent.finalLength) { $0.withUnsafeBytes { Array($0) } }
  }

  /// Opens the regular frames that contain `wanted` and writes that part of them.
  private func openFrames(
    holding wanted: Range<Int64>, _ source: any PositionalSource, _ frameLength: FrameLength,
    to output: PlacedOutput, progress: ProgressHandler?
  ) throws {
    let layout = FrameLayout(frameLength, batchLength: scheduler.batchLength)
    let length = Int64(frameLength.bytes)
    let first = wanted.lowerBound / length
    let frames = (wanted.upperBound - 1) / length + 1 - first
    let bodyKey = bodyKey
    let pipeline = Pipeline(
      scheduler,
      from: PositionalReader(
        source, at: Int64(headerLength) + first * Int64(layout.sealedLength), .message(layout),
        firstFrame: first, frameLimit: frames),
      to: BatchWriter(output, at: 0, frameLength: layout.plaintextLength, window: wanted),
      signature: nil, progress: progress
    ) { try FrameOpener(bodyKey, frameLength: frameLength) }
    let last = try pipeline.run()
    defer { scheduler.giveBack(last.memory) }
    guard last.endFrame == first + frames else { throw MessageError.truncated }
  }
}
