/// Seals the frames of one message, in order. The nonce of a frame is its sequence number, so none
/// seals twice.
struct FrameSealer: ~Copyable {
  private let cipher: AESGCM
  private let frameLength: FrameLength
  private var regularAAD: BodyAAD
  private var finalAAD: BodyAAD
  private var prefix = WireWriter()
  private var sequenceNumber: UInt32 = 0

  init(
    key: borrowing MessageKey, messageID: [UInt8], frameLength: FrameLength
  ) throws(CryptoError) {
    let cipher = try AESGCM(key: key.bytes, for: .seal)
    self.cipher = cipher
    self.frameLength = frameLength
    regularAAD = BodyAAD(messageID: messageID, content: .regularFrame)
    finalAAD = BodyAAD(messageID: messageID, content: .finalFrame)
  }

  /// The most bytes a frame takes beside its content.
  static let overhead = FramePrefix.finalLength + AESGCM.tagLength

  /// Writes the next frame to `sealed` at `offset`; returns how many bytes it has.
  mutating func seal(
    _ plaintext: RawSpan, isFinal: Bool, into sealed: inout Buffer, at offset: Int
  ) throws -> Int {
    // The largest number marks the final frame, and only the final frame may bear it.
    guard sequenceNumber < (isFinal ? UInt32.max : UInt32.max - 1) else {
      throw MessageError.tooManyFrames
    }
    sequenceNumber += 1
    let nonce = Nonce(sequenceNumber: sequenceNumber)
    let length = plaintext.byteCount
    prefix.reset()
    _ = try FramePrefix.transcode(
      isFinal
        ? .final(sequenceNumber: sequenceNumber, nonce: nonce, contentLength: UInt32(length))
        : .regular(sequenceNumber: sequenceNumber, nonce: nonce),
      frameLength: frameLength, through: &prefix)
    let content = offset + prefix.bytes.count
    let end = content + length + AESGCM.tagLength
    let prefixBytes = prefix.bytes
    sealed.withMutableBytes(in: offset..<content) { span in
      span.withUnsafeMutableBytes { $0.copyBytes(from: prefixBytes) }
    }
    if isFinal {
      finalAAD.set(sequenceNumber: sequenceNumber, contentLength: UInt64(length))
    } else {
      regularAAD.set(sequenceNumber: sequenceNumber, contentLength: UInt64(length))
    }
    let aad = isFinal ? finalAAD.bytes : regularAAD.bytes
    try sealed.withMutableBytes(in: content..<end) { (span) throws(CryptoError) in
      try cipher.seal(plaintext, nonce: nonce, authenticating: aad.span.bytes, into: &span)
    }
    return end - offset
  }
}

/// Opens the frames of one message, in order.
struct FrameOpener: ~Copyable {
  private let cipher: AESGCM
  private var regularAAD: BodyAAD
  private var finalAAD: BodyAAD
  private var sequenceNumber: UInt32 = 0

  init(key: borrowing MessageKey, messageID: [UInt8]) throws(CryptoError) {
    let cipher = try AESGCM(key: key.bytes, for: .open)
    self.cipher = cipher
    regularAAD = BodyAAD(messageID: messageID, content: .regularFrame)
    finalAAD = BodyAAD(messageID: messageID, content: .finalFrame)
  }

  /// Frames opened so far.
  var frameCount: UInt32 { sequenceNumber }

  /// Opens `sealed` (content and tag of the frame that `prefix` announces) into `plaintext` at
  /// `offset`. Throws where it is not the next frame or does not authenticate.
  mutating func open(
    _ sealed: RawSpan, prefix: FramePrefix, into plaintext: inout Buffer, at offset: Int
  ) throws {
    // Behind number 2^32 - 1 no frame can follow: the format ends there.
    let (expected, overflow) = sequenceNumber.addingReportingOverflow(1)
    guard !overflow, prefix.sequenceNumber == expected else {
      throw MessageError.malformed(
        "frame \(prefix.sequenceNumber) where frame \(expected) belongs")
    }
    sequenceNumber = expected
    let length = sealed.byteCount - AESGCM.tagLength
    let aad = aad(for: prefix, contentLength: length)
    try plaintext.withMutableBytes(in: offset..<offset + length) { (span) throws(CryptoError) in
      try cipher.open(sealed, nonce: prefix.nonce, authenticating: aad.span.bytes, into: &span)
    }
  }

  private mutating func aad(for prefix: FramePrefix, contentLength: Int) -> [UInt8] {
    switch prefix {
    case .regular(let number, _):
      regularAAD.set(sequenceNumber: number, contentLength: UInt64(contentLength))
      return regularAAD.bytes
    case .final(let number, _, _):
      finalAAD.set(sequenceNumber: number, contentLength: UInt64(contentLength))
      return finalAAD.bytes
    }
  }
}
