/// The part of a message that one thread reads in order: the final frame or a non-framed body, and
/// the footer.
struct MessageRest: ~Copyable {
  private var input: InputBuffer
  private let verifier: SignatureVerifier?
  private let progress: ProgressHandler?

  init(
    _ input: consuming InputBuffer, verifier: SignatureVerifier?, progress: ProgressHandler?
  ) {
    self.input = input
    self.verifier = verifier
    self.progress = progress
  }

  /// Opens the final frame, which has index `frame` (counted from 0), to the front of `plaintext`.
  /// Returns the number of bytes.
  mutating func openFinalFrame(
    at frame: Int64, _ opener: FrameOpener, _ frameLength: FrameLength,
    into plaintext: inout Buffer
  ) throws -> Int {
    // The first bytes tell which kind of frame it is. A final frame has a longer prefix than a
    // regular one. If the message is truncated, only a part of the prefix may be there.
    guard try input.fill(atLeast: FramePrefix.regularLength) else { throw MessageError.truncated }
    _ = try input.fill(atLeast: FramePrefix.finalLength)
    let prefix = try input.withBytes(min(input.count, FramePrefix.finalLength)) {
      (bytes) throws(MessageError) in try FrameOpener.parse(bytes, frameLength)
    }
    // A whole regular frame would have been opened with the others.
    guard case .final(_, _, let length) = prefix else { throw MessageError.truncated }
    let end = prefix.length + Int(length) + AESGCM.tagLength
    guard try input.fill(atLeast: end) else { throw MessageError.truncated }
    try plaintext.grow(to: Int(length), keeping: 0)
    try input.withBytes(end) { try opener.open($0, prefix, frame: frame, into: &plaintext, at: 0) }
    try advance(by: end)
    return Int(length)
  }

  /// Opens a non-framed body and verifies the rest of the message. Returns the number of bytes.
  mutating func openNonFramedBody(_ body: BodyKey, to sink: any ByteSink) throws -> Int64 {
    guard try input.fill(atLeast: NonFramedPrefix.length) else { throw MessageError.truncated }
    let prefix = try input.withBytes(NonFramedPrefix.length) { (bytes) throws(MessageError) in
      try WireReader.read(bytes) { (reader) throws(MessageError) in
        try NonFramedPrefix.transcode(nil, through: &reader)
      }
    }
    let limit = MessageDecryptor.nonFramedLimit
    if !sink.discardsOnFailure, prefix.contentLength > UInt64(limit) {
      throw MessageError.nonFramedBodyTooLarge(length: prefix.contentLength, limit: limit)
    }
    try advance(by: NonFramedPrefix.length)
    var aad = BodyAAD(messageID: body.messageID, content: .nonFramed)
    aad.set(sequenceNumber: 1, contentLength: prefix.contentLength)
    let cipher = try AESGCM(key: body.key.bytes, for: .open)
    try cipher.begin(prefix.nonce, authenticating: aad.bytes.span.bytes)
    var plaintext = Buffer(capacity: 0)
    var held = 0
    var remaining = prefix.contentLength
    while remaining > 0 {
      guard try input.fill(atLeast: 1) else { throw MessageError.truncated }
      let count = Int(min(UInt64(input.count), remaining))
      // The buffer doubles as bytes arrive.
      if held + count > plaintext.capacity {
        try plaintext.grow(to: max(held + count, 2 * plaintext.capacity), keeping: held)
      }
      let offset = held
      _ = try input.withBytes(count) { bytes in
        try plaintext.withMutableBytes(in: offset..<offset + count) {
          try cipher.update(bytes, into: &$0)
        }
      }
      try advance(by: count)
      held += count
      remaining -= UInt64(count)
      // The plaintext is not authenticated yet: only a sink that discards on failure may receive
      // it.
      if sink.discardsOnFailure {
        try plaintext.withBytes(in: 0..<held) { try sink.write($0) }
        held = 0
      }
    }
    guard try input.fill(atLeast: AESGCM.tagLength) else { throw MessageError.truncated }
    try input.withBytes(AESGCM.tagLength) { try cipher.finish(tag: $0) }
    try advance(by: AESGCM.tagLength)
    try finish()
    try plaintext.withBytes(in: 0..<held) { if $0.byteCount > 0 { try sink.write($0) } }
    return Int64(prefix.contentLength)
  }

  /// Verifies the footer of a signed message, and that nothing follows.
  mutating func finish() throws {
    if let verifier { try verifier.finish(try readFooter()) }
    if try input.fill(atLeast: 1) { throw MessageError.trailingData }
  }

  /// Reads until the footer is complete. It has at most 2 + 65535 bytes.
  private mutating func readFooter() throws -> [UInt8] {
    var isMore = true
    while true {
      if let footer = try parseFooter() {
        input.consume(footer.length)
        return footer.signature
      }
      guard isMore else { throw MessageError.truncated }
      isMore = try input.fill(atLeast: input.count + 1)
    }
  }

  private struct ParsedFooter {
    let signature: [UInt8]
    let length: Int
  }

  /// Parses the bytes at hand; nil if the footer goes on after them.
  private borrowing func parseFooter() throws -> ParsedFooter? {
    try input.withBytes(input.count) { bytes -> ParsedFooter? in
      do {
        return try WireReader.read(bytes) { (reader) throws(MessageError) in
          let signature = try MessageFooter.transcode(nil, through: &reader)
          return ParsedFooter(signature: signature, length: reader.offset)
        }
      } catch MessageError.truncated {
        return nil
      }
    }
  }

  /// Consumes `count` bytes of input, and reports the progress. Hashes them if the message is
  /// signed.
  private mutating func advance(by count: Int) throws {
    if let verifier { try input.withBytes(count) { try verifier.update($0) } }
    input.consume(count)
    progress?(count)
  }
}
