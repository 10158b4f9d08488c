/// A transform that opens frames of one message. Each frame must carry the sequence number of its
/// position and authenticate.
final class FrameOpener: FrameTransform {
  private let cipher: AESGCM
  private let frameLength: FrameLength
  private var aad: FrameAAD

  init(_ body: BodyKey, frameLength: FrameLength) throws(CryptoError) {
    let cipher = try AESGCM(key: body.key.bytes, for: .open)
    self.cipher = cipher
    self.frameLength = frameLength
    aad = FrameAAD(messageID: body.messageID)
  }

  func apply(to batch: ReadBatch) throws -> TransformedBatch {
    let length = frameLength.bytes
    let sealedLength = frameLength.sealedBytes
    let memory = batch.memory
    try memory.output.grow(to: batch.frameCount * length, keeping: 0)
    for frame in 0..<batch.frameCount {
      let index = batch.firstFrame + Int64(frame)
      let start = frame * sealedLength
      try memory.input.withBytes(in: start..<start + sealedLength) {
        let prefix = try Self.parse($0, frameLength)
        try open($0, prefix, frame: index, into: &memory.output, at: frame * length)
      }
    }
    return TransformedBatch(source: batch, outputCount: batch.frameCount * length)
  }

  /// Reads the prefix of a frame from the front of `bytes`.
  static func parse(
    _ bytes: RawSpan, _ frameLength: FrameLength
  ) throws(MessageError) -> FramePrefix {
    try WireReader.read(bytes) { (reader) throws(MessageError) in
      try FramePrefix.transcode(nil, frameLength: frameLength, through: &reader)
    }
  }

  /// Opens `bytes`, the whole frame number `frame` (counted from 0) that begins with `prefix`, into
  /// `plaintext` at `offset`.
  func open(
    _ bytes: RawSpan, _ prefix: FramePrefix, frame: Int64, into plaintext: inout Buffer,
    at offset: Int
  ) throws {
    // A sequence number has 32 bits, so a frame after number 2^32 - 1 never passes this check.
    guard Int64(prefix.sequenceNumber) == frame + 1 else {
      throw MessageError.malformed(
        "frame \(prefix.sequenceNumber) instead of frame \(frame + 1)")
    }
    let sealed = bytes.extracting(prefix.length...)
    let length = sealed.byteCount - AESGCM.tagLength
    try aad.withBytes(of: prefix, contentLength: length) { aad in
      try plaintext.withMutableBytes(in: offset..<offset + length) { (span) throws(CryptoError) in
        try cipher.open(sealed, nonce: prefix.nonce, authenticating: aad, into: &span)
      }
    }
  }
}
