/// The body and footer of a message being decrypted: input in, authenticated plaintext out.
struct MessageBody: ~Copyable {
  private var input: InputBuffer
  private var verifier: SignatureVerifier?
  private let sink: any ByteSink
  private let progress: ProgressHandler?
  private var plaintext = Buffer(capacity: 0)
  /// Plaintext that is authenticated and not yet written.
  private var held = 0

  init(
    input: consuming InputBuffer, verifier: consuming SignatureVerifier?, sink: any ByteSink,
    progress: ProgressHandler?
  ) {
    self.input = input
    self.verifier = verifier
    self.sink = sink
    self.progress = progress
  }

  /// Passes the header that was read already.
  mutating func skipHeader(_ length: Int) throws { try pass(length) }

  /// Opens frame after frame. What is open is written when the next frame is not at hand or the
  /// batch is full; the final frame when everything behind it is checked.
  mutating func openFrames(
    of length: FrameLength, with opener: consuming FrameOpener
  ) throws -> Int64 {
    var total: Int64 = 0
    while true {
      if input.count < FramePrefix.regularLength + length.bytes + AESGCM.tagLength { try release() }
      let prefix = try readPrefix(of: length)
      let content: Int
      let isFinal: Bool
      switch prefix.value {
      case .regular: (content, isFinal) = (length.bytes, false)
      case .final(_, _, let count): (content, isFinal) = (Int(count), true)
      }
      let end = prefix.length + content + AESGCM.tagLength
      guard try input.fill(atLeast: end) else { throw MessageError.truncated }
      if held + content > batchLength { try release() }
      plaintext.grow(to: min(max(held + content, 2 * held), batchLength), keeping: held)
      plaintext.grow(to: held + content, keeping: held)
      let offset = held
      try input.withBytes(in: prefix.length..<end) {
        try opener.open($0, prefix: prefix.value, into: &plaintext, at: offset)
      }
      try pass(end)
      total += Int64(content)
      if isFinal {
        // The frames before stay released even if the end turns out bad; this one does not.
        try releaseAll(but: content)
        held += content
        try finish()
        return total
      }
      held += content
    }
  }

  /// Opens a body in one piece.
  mutating func openWhole(
    under key: borrowing MessageKey, messageID: [UInt8]
  ) throws -> Int64 {
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
    try pass(NonFramedPrefix.length)
    var aad = BodyAAD(messageID: messageID, content: .nonFramed)
    aad.set(sequenceNumber: 1, contentLength: prefix.contentLength)
    let cipher = try AESGCM(key: key.bytes, for: .open)
    try cipher.begin(prefix.nonce, authenticating: aad.bytes.span.bytes)
    var remaining = prefix.contentLength
    while remaining > 0 {
      guard try input.fill(atLeast: 1) else { throw MessageError.truncated }
      let count = Int(min(UInt64(min(input.count, batchLength)), remaining))
      plaintext.grow(to: held + count, keeping: held)
      let offset = held
      _ = try input.withBytes(count) { bytes in
        try plaintext.withMutableBytes(in: offset..<offset + count) {
          try cipher.update(bytes, into: &$0)
        }
      }
      try pass(count)
      held += count
      remaining -= UInt64(count)
      // Nothing of it is authenticated yet: only a sink that forgets on failure may have it.
      if sink.discardsOnFailure { try release() }
    }
    guard try input.fill(atLeast: AESGCM.tagLength) else { throw MessageError.truncated }
    try input.withBytes(AESGCM.tagLength) { try cipher.finish(tag: $0) }
    try pass(AESGCM.tagLength)
    try finish()
    return Int64(prefix.contentLength)
  }

  /// Reads the prefix of the next frame, which stays at hand.
  private mutating func readPrefix(
    of length: FrameLength
  ) throws -> (value: FramePrefix, length: Int) {
    // The shortest frame of all is a final one: the prefix alone tells which kind it is.
    guard try input.fill(atLeast: FramePrefix.regularLength) else { throw MessageError.truncated }
    let longest = FramePrefix.finalLength
    if input.count < longest { _ = try input.fill(atLeast: longest) }
    return try input.withBytes(min(input.count, longest)) { (bytes) throws(MessageError) in
      try WireReader.read(bytes) { (reader) throws(MessageError) in
        let value = try FramePrefix.transcode(nil, frameLength: length, through: &reader)
        return (value, reader.offset)
      }
    }
  }

  /// Checks the footer and that nothing follows, then releases the last plaintext.
  private mutating func finish() throws {
    if let verifier = verifier.take() { try verifier.finish(try readFooter()) }
    if try input.fill(atLeast: 1) { throw MessageError.trailingData }
    try release()
  }

  /// Reads on until the footer is whole: it has at most 2 + 65535 bytes.
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

  /// Parses what is at hand; nil where the footer goes on behind it.
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

  /// Consumes `count` bytes of input, through the signature where there is one.
  private mutating func pass(_ count: Int) throws {
    if verifier != nil {
      try input.withBytes(count) { try verifier?.update($0) }
    }
    input.consume(count)
    progress?(count)
  }

  /// Writes what is held.
  private mutating func release() throws {
    guard held > 0 else { return }
    try plaintext.withBytes(in: 0..<held) { try sink.write($0) }
    held = 0
  }

  /// Writes what is held; the `count` bytes behind it move to the front.
  private mutating func releaseAll(but count: Int) throws {
    let start = held
    try release()
    plaintext.moveToFront(start..<start + count)
  }
}
