/// The header body of a message (specification, `data-format/message-header.md`).
public struct MessageHeader: Equatable, Sendable {
  /// The division of the body ("Content Type").
  public enum Content: Equatable, Sendable {
    /// All of the plaintext in one piece, with one tag at its end. This package only reads it.
    case nonFramed
    /// Frames of this length, each with its own tag. The final frame may be shorter.
    case framed(FrameLength)
  }

  /// The algorithm suite of the message.
  public let suite: AlgorithmSuite
  /// A random identifier of the message: 16 bytes in format version 1, 32 in version 2.
  public let messageID: [UInt8]
  /// The encryption context. In a signed message it includes the public key of the signature.
  public let encryptionContext: EncryptionContext
  /// The data key of the message, wrapped under each wrapping key: at least one.
  public let encryptedDataKeys: [EncryptedDataKey]
  /// The division of the body.
  public let content: Content
  /// The commitment to the data key, in suites that have one.
  let suiteData: [UInt8]

  /// The only message type: customer authenticated encrypted data. Version 1 carries it.
  private static let type: UInt8 = 0x80

  /// Version, then the fields in the order of that version.
  static func transcode(
    _ value: MessageHeader?, limits: HeaderLimits, through wire: inout some Wire
  ) throws(MessageError) -> MessageHeader {
    let rawVersion = try wire.uint8(value?.suite.formatVersion.rawValue)
    guard let version = FormatVersion(rawValue: rawVersion) else {
      throw .unsupportedVersion(rawVersion)
    }
    if version == .one {
      let type = try wire.uint8(Self.type)
      guard type == Self.type else { throw .unsupportedType(type) }
    }
    let rawSuite = try wire.uint16(value?.suite.rawValue)
    guard let suite = AlgorithmSuite(rawValue: rawSuite) else { throw .unknownSuite(rawSuite) }
    guard suite.formatVersion == version else {
      throw .malformed(
        "a header of version \(rawVersion) with the suite \(suite.name) of version "
          + "\(suite.formatVersion.rawValue)")
    }
    let messageID = try wire.bytes(value?.messageID, count: version.messageIDLength)
    let context = try EncryptionContext.transcode(value?.encryptionContext, through: &wire)
    let keys = try transcodeKeys(value?.encryptedDataKeys, limits: limits, through: &wire)
    let content = try transcodeContent(value?.content, version: version, through: &wire)
    let suiteData = try wire.bytes(value?.suiteData, count: suite.suiteDataLength)
    return MessageHeader(
      suite: suite, messageID: messageID, encryptionContext: context, encryptedDataKeys: keys,
      content: content, suiteData: suiteData)
  }

  /// The count, then each encrypted data key.
  private static func transcodeKeys(
    _ value: [EncryptedDataKey]?, limits: HeaderLimits, through wire: inout some Wire
  ) throws(MessageError) -> [EncryptedDataKey] {
    if let value, value.count > Int(UInt16.max) {
      throw .tooManyEncryptedDataKeys(found: value.count, limit: Int(UInt16.max))
    }
    let count = Int(try wire.uint16(value.map { UInt16($0.count) }))
    guard count > 0 else { throw .malformed("a header without an encrypted data key") }
    guard count <= limits.encryptedDataKeys else {
      throw .tooManyEncryptedDataKeys(found: count, limit: limits.encryptedDataKeys)
    }
    var keys: [EncryptedDataKey] = []
    for index in 0..<count {
      keys.append(try EncryptedDataKey.transcode(value?[index], through: &wire))
    }
    return keys
  }

  /// Content type; in version 1 four reserved bytes and the nonce length; frame length.
  private static func transcodeContent(
    _ value: Content?, version: FormatVersion, through wire: inout some Wire
  ) throws(MessageError) -> Content {
    let type = try wire.uint8(value.map { $0 == .nonFramed ? 1 : 2 })
    guard type == 1 || type == 2 else { throw .malformed("an unknown content type \(type)") }
    if version == .one {
      guard try wire.uint32(0) == 0 else { throw .malformed("reserved bytes that are not zero") }
      let nonceLength = try wire.uint8(UInt8(AESGCM.nonceLength))
      guard nonceLength == UInt8(AESGCM.nonceLength) else {
        throw .malformed("an IV length of \(nonceLength), not \(AESGCM.nonceLength)")
      }
    }
    let length = try wire.uint32(
      value.map { content in
        if case .framed(let length) = content { UInt32(length.bytes) } else { 0 }
      })
    if type == 1 {
      guard length == 0 else { throw .malformed("a non-framed body with a frame length") }
      return .nonFramed
    }
    return .framed(try FrameLength(length))
  }
}

/// The limits of a header that is not authenticated yet.
public struct HeaderLimits: Equatable, Sendable {
  /// The most encrypted data keys of a message. Each one may cost an attempt to unwrap it.
  public var encryptedDataKeys: Int
  /// The most bytes: room for more than 16 encrypted data keys of the largest size.
  static let length = 4 << 20

  /// 16 encrypted data keys.
  public static let standard = HeaderLimits(encryptedDataKeys: 16)

  /// As many encrypted data keys as the format has room for, if none of them is tried.
  package static let anyNumberOfKeys = HeaderLimits(encryptedDataKeys: Int(UInt16.max))

  /// Accepts at most `encryptedDataKeys` of them, up to 65,535.
  public init(encryptedDataKeys: Int) { self.encryptedDataKeys = encryptedDataKeys }
}

/// The tag over the header body. In version 1 its nonce comes first.
struct HeaderAuthentication: Equatable {
  let nonce: Nonce
  let tag: [UInt8]

  static func transcode(
    _ value: HeaderAuthentication?, version: FormatVersion, through wire: inout some Wire
  ) throws(MessageError) -> HeaderAuthentication {
    let nonce = version == .one ? try wire.nonce(value?.nonce) : .zero
    return HeaderAuthentication(
      nonce: nonce, tag: try wire.bytes(value?.tag, count: AESGCM.tagLength))
  }
}

/// A header as it was read, with the bytes that its tag and the signature cover.
struct ParsedHeader {
  let header: MessageHeader
  let authentication: HeaderAuthentication
  /// The serialized header body.
  let body: [UInt8]
  /// Bytes of header body and authentication together. The message body begins after them.
  let length: Int

  /// Reads a header from the front of `bytes`. Throws `truncated` if the header goes on after them,
  /// and `notAMessage` if the first bytes are not a header's.
  init(parsing bytes: RawSpan, limits: HeaderLimits) throws(MessageError) {
    self = try WireReader.read(bytes) { (reader) throws(MessageError) in
      let header = try MessageHeader.transcode(nil, limits: limits, through: &reader)
      let bodyLength = reader.offset
      let authentication = try HeaderAuthentication.transcode(
        nil, version: header.suite.formatVersion, through: &reader)
      return ParsedHeader(
        header: header, authentication: authentication,
        body: bytes.extracting(first: bodyLength).withUnsafeBytes { Array($0) },
        length: reader.offset)
    }
  }

  private init(
    header: MessageHeader, authentication: HeaderAuthentication, body: [UInt8], length: Int
  ) {
    self.header = header
    self.authentication = authentication
    self.body = body
    self.length = length
  }
}

extension MessageHeader {
  /// The serialized header body.
  func serializedBody() throws(MessageError) -> [UInt8] {
    var writer = WireWriter()
    _ = try Self.transcode(
      self, limits: .anyNumberOfKeys, through: &writer)
    return writer.bytes
  }
}
