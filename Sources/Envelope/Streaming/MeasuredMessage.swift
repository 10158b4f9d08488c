/// A message whose plaintext size was computed without a key: from the header and the size of the
/// file. Nothing of it is authenticated.
package struct MeasuredMessage: Equatable, Sendable {
  package let header: MessageHeader
  /// True if the message is armored.
  package let isArmored: Bool
  /// Bytes of plaintext.
  package let plaintextSize: Int64

  /// Measures the message in a regular file of `size` bytes. Reads only the beginning of a small
  /// file. Of a larger one it also reads the beginning of the final frame and of the footer, which
  /// must confirm the size. Armor that is not as `ArmorSink` writes it is read to its end.
  ///
  /// Throws `IOError`, and `MessageError` if the file is not a message or not a whole one.
  package init(_ descriptor: Descriptor, size: Int64) throws {
    let file = try BegunFile(descriptor, count: size)
    guard let first = file.beginning.first else { throw MessageError.notAMessage(.empty) }
    guard first == UInt8(ascii: "-") || Armor.isSpace(first) else {
      self = try Self.measure(file, beginning: file.beginning, isArmored: false)
      return
    }
    if let region = try ArmorRegion(file),
      let measured = try? Self.measure(
        region, beginning: try region.bytes(upTo: Self.firstLength), isArmored: true)
    {
      self = measured
    } else {
      self = try Self.read(descriptor)
    }
  }

  private init(_ header: MessageHeader, isArmored: Bool, plaintextSize: Int64) {
    self.header = header
    self.isArmored = isArmored
    self.plaintextSize = plaintextSize
  }

  /// Keys are not tried, so their number does not matter.
  private static let limits = HeaderLimits.anyNumberOfKeys
  /// The number of bytes in which a header is looked for first.
  private static let firstLength = 1024

  /// Reads armor to its end.
  private static func read(_ descriptor: Descriptor) throws -> MeasuredMessage {
    let inspection = try MessageInspector.inspect(descriptor, limits: limits)
    guard let body = inspection.body else { throw MessageError.truncated }
    return MeasuredMessage(
      inspection.header, isArmored: inspection.isArmored, plaintextSize: body.plaintextSize)
  }

  private static func measure(
    _ source: any PositionalSource, beginning: [UInt8], isArmored: Bool
  ) throws -> MeasuredMessage {
    let parsed = try header(of: source, beginning: beginning)
    let header = parsed.header
    let isSigned = header.suite.isSigned
    let size: Int64
    switch header.content {
    case .framed(let frameLength):
      size = try BodyExtent(
        of: source, headerLength: parsed.length, frameLength: frameLength, isSigned: isSigned
      ).plaintextCount(frameLength)
    case .nonFramed:
      size = try nonFramedSize(of: source, headerLength: parsed.length, isSigned: isSigned)
    }
    return MeasuredMessage(header, isArmored: isArmored, plaintextSize: size)
  }

  /// Returns the header. If it goes on after `beginning`, reads more.
  private static func header(
    of source: any PositionalSource, beginning: [UInt8]
  ) throws -> ParsedHeader {
    var bytes = beginning
    while true {
      if let parsed = try parse(bytes) { return parsed }
      let known = bytes.count
      guard known < min(source.count, Int64(HeaderLimits.length)) else {
        throw MessageError.truncated
      }
      bytes = try source.bytes(upTo: min(4 * max(known, firstLength), HeaderLimits.length))
      guard bytes.count > known else { throw MessageError.truncated }
    }
  }

  /// Parses the header at the front of `bytes`; nil if it goes on after them.
  private static func parse(_ bytes: [UInt8]) throws -> ParsedHeader? {
    do {
      return try ParsedHeader(parsing: bytes.span.bytes, limits: limits)
    } catch MessageError.truncated {
      return nil
    }
  }

  /// Returns the size that a non-framed body claims. The size of the file must confirm it.
  private static func nonFramedSize(
    of source: any PositionalSource, headerLength: Int, isSigned: Bool
  ) throws -> Int64 {
    let prefix = try source.bytes(at: Int64(headerLength), count: NonFramedPrefix.length)
    let parsed = try WireReader.read(prefix.span.bytes) { (reader) throws(MessageError) in
      try NonFramedPrefix.transcode(nil, through: &reader)
    }
    let size = Int64(parsed.contentLength)
    var end = Int64(headerLength + NonFramedPrefix.length) + size + Int64(AESGCM.tagLength)
    if isSigned {
      let length = try source.bytes(at: end, count: 2)
      end += 2 + (Int64(length[0]) << 8 | Int64(length[1]))
    }
    guard end >= source.count else { throw MessageError.trailingData }
    guard end == source.count else { throw MessageError.truncated }
    return size
  }
}

extension PositionalSource {
  /// The first `limit` bytes, or as many as there are.
  fileprivate func bytes(upTo limit: Int) throws -> [UInt8] {
    try bytes(at: 0, count: Int(min(count, Int64(limit))))
  }
}
