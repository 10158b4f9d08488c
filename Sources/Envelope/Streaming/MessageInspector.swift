import SystemPackage

/// What a message says of itself. Nothing of it is authenticated: that takes a key.
public struct MessageInspection: Equatable, Sendable {
  public let header: MessageHeader
  /// Bytes of the header, its authentication included.
  public let headerLength: Int
  public let isArmored: Bool
  /// What lies behind the header; nil where the input cannot be seeked.
  public let body: Body?

  public struct Body: Equatable, Sendable {
    /// Nil where the body is not framed.
    public let frameCount: Int64?
    public let plaintextSize: Int64
  }
}

/// Reads a message's header, and from the size of the input what its body must be.
public enum MessageInspector {
  /// Inspects the message in `descriptor`. Throws `truncated` or `malformed` where a body cannot
  /// have the size that the input leaves for it.
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
      } else {
        body = try measure(positional, parsed)
      }
    }
    return MessageInspection(
      header: parsed.header, headerLength: parsed.length, isArmored: detected.isArmored, body: body)
  }

  /// Finds the end of the body from the end of the file.
  private static func measure(
    _ source: any PositionalSource, _ parsed: ParsedHeader
  ) throws -> MessageInspection.Body {
    let size = source.count
    let start = Int64(parsed.length)
    guard case .framed(let frameLength) = parsed.header.content else {
      return try nonFramed(try bytes(of: source, at: start, count: NonFramedPrefix.length))
    }
    // A footer is as long as its own first bytes say: try the lengths a signature can have.
    let footers = parsed.header.suite.isSigned ? Array(2 + 8...2 + 160) : [0]
    for footer in footers {
      if footer > 0 {
        guard size - Int64(footer) > start else { break }
        let length = try bytes(of: source, at: size - Int64(footer), count: 2)
        guard Int(length[0]) << 8 | Int(length[1]) == footer - 2 else { continue }
      }
      let bodyLength = size - Int64(footer) - start
      if let body = try framed(
        source, at: start, length: bodyLength, frameLength: frameLength)
      {
        return body
      }
    }
    throw MessageError.truncated
  }

  /// n regular frames and a final one: the length of the body leaves one possibility, which the
  /// final frame's own prefix must confirm.
  private static func framed(
    _ source: any PositionalSource, at start: Int64, length: Int64, frameLength: FrameLength
  ) throws -> MessageInspection.Body? {
    let overhead = Int64(FramePrefix.finalLength + AESGCM.tagLength)
    guard length >= overhead else { return nil }
    let regular = Int64(FramePrefix.regularLength + frameLength.bytes + AESGCM.tagLength)
    let count = (length - overhead) / regular
    let rest = (length - overhead) % regular
    let prefix = try bytes(
      of: source, at: start + count * regular, count: FramePrefix.finalLength)
    let parsed = try? WireReader.read(prefix.span.bytes) { (reader) throws(MessageError) in
      try FramePrefix.transcode(nil, frameLength: frameLength, through: &reader)
    }
    guard case .final(let number, _, let contentLength)? = parsed, Int64(number) == count + 1,
      Int64(contentLength) == rest
    else { return nil }
    return .init(
      frameCount: count + 1, plaintextSize: count * Int64(frameLength.bytes) + rest)
  }

  private static func nonFramed(_ prefix: [UInt8]) throws -> MessageInspection.Body {
    let parsed = try WireReader.read(prefix.span.bytes) { (reader) throws(MessageError) in
      try NonFramedPrefix.transcode(nil, through: &reader)
    }
    return .init(frameCount: nil, plaintextSize: Int64(parsed.contentLength))
  }

  private static func bytes(
    of source: any PositionalSource, at offset: Int64, count: Int
  ) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    guard try source.fill(&raw, at: offset) == count else {
      throw MessageError.truncated
    }
    return bytes
  }

  /// Counts frame by frame, where bytes cannot be addressed.
  private static func walk(
    _ input: inout InputBuffer, _ header: MessageHeader
  ) throws -> MessageInspection.Body {
    guard case .framed(let frameLength) = header.content else {
      guard try input.fill(atLeast: NonFramedPrefix.length) else { throw MessageError.truncated }
      let prefix = input.withBytes(NonFramedPrefix.length) { $0.withUnsafeBytes { Array($0) } }
      return try nonFramed(prefix)
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
        return .init(
          frameCount: frames,
          plaintextSize: (frames - 1) * Int64(frameLength.bytes) + Int64(length))
      }
      let end = FramePrefix.regularLength + frameLength.bytes + AESGCM.tagLength
      guard try input.fill(atLeast: end) else { throw MessageError.truncated }
      input.consume(end)
    }
  }
}
