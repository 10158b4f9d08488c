/// The properties that a message claims. Nothing is authenticated, because that needs a key.
public struct MessageInspection: Equatable, Sendable {
  /// The header, with the context and the wrapping keys that it names.
  public let header: MessageHeader
  /// Bytes of the header, including its authentication.
  public let headerLength: Int
  /// True if the message is armored.
  public let isArmored: Bool
  /// The part after the header; nil if the input is not a regular file.
  public let body: Body?

  /// The size of a message body.
  public struct Body: Equatable, Sendable {
    /// The number of frames, including the final one; nil if the body is not framed.
    public let frameCount: Int64?
    /// Bytes of plaintext.
    public let plaintextSize: Int64
  }
}

/// A reader of the header of a message, which computes the size of the body from the size of the
/// input.
public enum MessageInspector {
  /// Returns the properties of the message in `descriptor`, armored or not. Reads the header. If
  /// the input is a regular file, also reads the sizes in the body; if the file is armored, reads
  /// it all.
  ///
  /// Throws `IOError`, and `MessageError` if the input is not a message or its header exceeds
  /// `limits`. The error is `truncated` or `malformed` if the bytes after the header cannot be a
  /// body.
  public static func inspect(
    _ descriptor: Descriptor, limits: HeaderLimits
  ) throws -> MessageInspection {
    let source = DescriptorSource(descriptor)
    let detected = try MessageSource.detect(source)
    var input = InputBuffer(detected.source, capacity: 64 << 10)
    let parsed = try input.readHeader(limits: limits)
    var body: MessageInspection.Body?
    if let positional = source.positional {
      if detected.isArmored {
        input.consume(parsed.length)
        body = try walk(&input, parsed.header)
        try walkToEnd(&input, isSigned: parsed.header.suite.isSigned)
      } else {
        body = try measure(positional, parsed)
      }
    }
    return MessageInspection(
      header: parsed.header, headerLength: parsed.length, isArmored: detected.isArmored, body: body)
  }

  /// True if the bytes begin with the whole header of a message, or with the first line of an
  /// armored message. Leaves no copy of the bytes in memory, because they may be a secret key.
  package static func isMessage(_ bytes: borrowing SecretBytes) -> Bool {
    bytes.withBytes { bytes in
      let isArmored = bytes.withUnsafeBytes {
        $0.drop { Armor.isSpace($0) }.starts(with: Armor.header)
      }
      let header = try? WireReader.read(bytes) { (reader) throws(MessageError) in
        try MessageHeader.transcode(
          nil, limits: .anyNumberOfKeys, through: &reader)
      }
      return isArmored || header != nil
    }
  }

  /// Computes the body from the size of the file.
  private static func measure(
    _ source: any PositionalSource, _ parsed: ParsedHeader
  ) throws -> MessageInspection.Body {
    guard case .framed(let frameLength) = parsed.header.content else {
      return try nonFramed(
        try source.bytes(at: Int64(parsed.length), count: NonFramedPrefix.length))
    }
    let extent = try BodyExtent(
      of: source, headerLength: parsed.length, frameLength: frameLength,
      isSigned: parsed.header.suite.isSigned)
    return .init(
      frameCount: extent.regularFrames + 1, plaintextSize: extent.plaintextCount(frameLength))
  }

  private static func nonFramed(_ prefix: [UInt8]) throws -> MessageInspection.Body {
    let parsed = try WireReader.read(prefix.span.bytes) { (reader) throws(MessageError) in
      try NonFramedPrefix.transcode(nil, through: &reader)
    }
    return .init(frameCount: nil, plaintextSize: Int64(parsed.contentLength))
  }

  /// Reads frame by frame, for armor: offsets in the binary message are not offsets in the file.
  private static func walk(
    _ input: inout InputBuffer, _ header: MessageHeader
  ) throws -> MessageInspection.Body {
    guard case .framed(let frameLength) = header.content else {
      guard try input.fill(atLeast: NonFramedPrefix.length) else { throw MessageError.truncated }
      let prefix = input.withBytes(NonFramedPrefix.length) { $0.withUnsafeBytes { Array($0) } }
      let body = try nonFramed(prefix)
      try input.skip(
        Int64(NonFramedPrefix.length) + body.plaintextSize + Int64(AESGCM.tagLength))
      return body
    }
    var frames: Int64 = 0
    while true {
      _ = try input.fill(atLeast: FramePrefix.finalLength)
      let count = min(input.count, FramePrefix.finalLength)
      let prefix = input.withBytes(count) { $0.withUnsafeBytes { Array($0) } }
      let parsed = try WireReader.read(prefix.span.bytes) { (reader) throws(MessageError) in
        try FramePrefix.transcode(nil, frameLength: frameLength, through: &reader)
      }
      frames += 1
      if case .final(_, _, let length) = parsed {
        try input.skip(Int64(FramePrefix.finalLength + AESGCM.tagLength) + Int64(length))
        return .init(
          frameCount: frames,
          plaintextSize: (frames - 1) * Int64(frameLength.bytes) + Int64(length))
      }
      try input.skip(Int64(frameLength.sealedBytes))
    }
  }

  /// Reads the footer of a signed message. Throws unless the input ends after it.
  private static func walkToEnd(_ input: inout InputBuffer, isSigned: Bool) throws {
    if isSigned {
      guard try input.fill(atLeast: 2) else { throw MessageError.truncated }
      let length = input.withBytes(2) { $0.withUnsafeBytes { Int64($0[0]) << 8 | Int64($0[1]) } }
      try input.skip(2 + length)
    }
    if try input.fill(atLeast: 1) { throw MessageError.trailingData }
  }
}

extension InputBuffer {
  /// Reads and drops `count` bytes. Throws `truncated` if there are fewer.
  fileprivate mutating func skip(_ count: Int64) throws {
    var rest = count
    while rest > 0 {
      guard try fill(atLeast: 1) else { throw MessageError.truncated }
      let step = Int(min(rest, Int64(self.count)))
      consume(step)
      rest -= Int64(step)
    }
  }
}
