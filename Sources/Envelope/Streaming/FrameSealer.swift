/// A transform that seals frames of one message. The nonce of a frame is its sequence number. The
/// caller numbers the frames and never uses a number twice.
final class FrameSealer: FrameTransform {
  private let cipher: AESGCM
  private let frameLength: FrameLength
  private var aad: FrameAAD
  private var prefix = WireWriter()

  init(_ body: BodyKey, frameLength: FrameLength) throws(CryptoError) {
    let cipher = try AESGCM(key: body.key.bytes, for: .seal)
    self.cipher = cipher
    self.frameLength = frameLength
    aad = FrameAAD(messageID: body.messageID)
  }

  /// The maximum number of bytes of a frame in addition to its content, which a final
  /// frame has.
  static let overhead = FramePrefix.finalLength + AESGCM.tagLength

  func apply(to batch: ReadBatch) throws -> TransformedBatch {
    let length = frameLength.bytes
    let memory = batch.memory
    try memory.output.grow(to: batch.frameCount * (length + Self.overhead), keeping: 0)
    var count = 0
    for frame in 0..<batch.frameCount {
      let number = try Self.number(ofFrame: batch.firstFrame + Int64(frame), isFinal: false)
      let offset = count
      count += try memory.input.withBytes(in: frame * length..<(frame + 1) * length) {
        try seal(
          $0, as: .regular(sequenceNumber: number, nonce: Nonce(sequenceNumber: number)),
          into: &memory.output, at: offset)
      }
    }
    return TransformedBatch(source: batch, outputCount: count)
  }

  /// Seals the bytes after the regular frames of the last batch as the final frame, to the front of
  /// its output. Returns the number of bytes.
  func sealFinal(of last: ReadBatch) throws -> Int {
    let rest = last.rest
    let memory = last.memory
    try memory.output.grow(to: rest.count + Self.overhead, keeping: 0)
    let number = try Self.number(ofFrame: last.endFrame, isFinal: true)
    return try memory.input.withBytes(in: rest) {
      try seal(
        $0,
        as: .final(
          sequenceNumber: number, nonce: Nonce(sequenceNumber: number),
          contentLength: UInt32(rest.count)),
        into: &memory.output, at: 0)
    }
  }

  /// Seals one frame, counted from 0, of a plaintext in memory to the front of `sealed`. Returns the
  /// number of bytes.
  func seal(
    _ plaintext: RawSpan, frame: Int64, isFinal: Bool, into sealed: inout Buffer
  ) throws -> Int {
    let number = try Self.number(ofFrame: frame, isFinal: isFinal)
    let nonce = Nonce(sequenceNumber: number)
    return try seal(
      plaintext,
      as: isFinal
        ? .final(
          sequenceNumber: number, nonce: nonce, contentLength: UInt32(plaintext.byteCount))
        : .regular(sequenceNumber: number, nonce: nonce),
      into: &sealed, at: 0)
  }

  /// Returns the sequence number of frame `index`, counted from 0. Only the final frame may have
  /// the largest number, 2^32 - 1: at the beginning of a frame, this value is the end marker.
  private static func number(ofFrame index: Int64, isFinal: Bool) throws(MessageError) -> UInt32 {
    guard index < FrameLength.mostFrames - (isFinal ? 0 : 1) else { throw .tooManyFrames }
    return UInt32(index + 1)
  }

  /// Writes one frame to `sealed` at `offset`; returns the number of its bytes.
  func seal(
    _ plaintext: RawSpan, as value: FramePrefix, into sealed: inout Buffer, at offset: Int
  ) throws -> Int {
    prefix.reset()
    _ = try FramePrefix.transcode(value, frameLength: frameLength, through: &prefix)
    prefix.withBytes { sealed.copy($0, to: offset) }
    let content = offset + prefix.offset
    let end = content + plaintext.byteCount + AESGCM.tagLength
    try aad.withBytes(of: value, contentLength: plaintext.byteCount) { aad in
      try sealed.withMutableBytes(in: content..<end) { (span) throws(CryptoError) in
        try cipher.seal(plaintext, nonce: value.nonce, authenticating: aad, into: &span)
      }
    }
    return end - offset
  }
}
