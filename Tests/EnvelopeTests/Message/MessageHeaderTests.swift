import Testing

@testable import Envelope
@testable import TestSupport

@Suite struct MessageHeaderTests {
  static let key = EncryptedDataKey(
    providerID: "provider", providerInformation: [1, 2, 3], ciphertext: patternBytes(48))

  static func header(
    _ suite: AlgorithmSuite, content: MessageHeader.Content = .framed(.standard),
    keys: [EncryptedDataKey] = [key], context: EncryptionContext = EncryptionContext()
  ) -> MessageHeader {
    MessageHeader(
      suite: suite, messageID: patternBytes(suite.formatVersion.messageIDLength),
      encryptionContext: context, encryptedDataKeys: keys, content: content,
      suiteData: patternBytes(suite.suiteDataLength))
  }

  static func bytes(_ header: MessageHeader) throws -> [UInt8] {
    var writer = WireWriter()
    _ = try HeaderAuthentication.transcode(
      HeaderAuthentication(nonce: Nonce(sequenceNumber: 9), tag: patternBytes(16)),
      version: header.suite.formatVersion, through: &writer)
    return try header.serializedBody() + writer.bytes
  }

  static func parse(_ bytes: [UInt8], keys: Int = 16) throws -> ParsedHeader {
    try ParsedHeader(parsing: bytes.span.bytes, limits: HeaderLimits(encryptedDataKeys: keys))
  }

  @Test(arguments: AlgorithmSuite.allCases)
  func whatIsWrittenIsRead(suite: AlgorithmSuite) throws {
    let context = try EncryptionContext([
      (key: "zwei", value: "2"), (key: "eins", value: "ünï 🙂"), (key: "", value: ""),
    ])
    for content in [MessageHeader.Content.nonFramed, .framed(try FrameLength(1))] {
      let header = Self.header(
        suite, content: content, keys: [Self.key, Self.key], context: context)
      let bytes = try Self.bytes(header)
      let parsed = try Self.parse(bytes + [0xAA])
      #expect(parsed.header == header)
      #expect(parsed.length == bytes.count)
      #expect(parsed.body == (try header.serializedBody()))
      #expect(parsed.authentication.tag == patternBytes(16))
    }
  }

  @Test(arguments: [AlgorithmSuite.aes128GCM, .standard])
  func everyPrefixIsTruncated(suite: AlgorithmSuite) throws {
    let context = try EncryptionContext([(key: "a", value: "b")])
    let bytes = try Self.bytes(Self.header(suite, context: context))
    for count in 0..<bytes.count {
      #expect(throws: MessageError.truncated) { try Self.parse(Array(bytes.prefix(count))) }
    }
  }

  @Test func fieldsWithForbiddenValuesAreNamed() throws {
    let v1 = try Self.bytes(Self.header(.aes128GCM))
    let v2 = try Self.bytes(Self.header(.standard))
    func refused(_ bytes: [UInt8], at index: Int, _ value: UInt8) -> MessageError? {
      var bytes = bytes
      bytes[index] = value
      do {
        _ = try Self.parse(bytes)
        return nil
      } catch { return error as? MessageError }
    }
    #expect(refused(v2, at: 0, 3) == .unsupportedVersion(3))
    #expect(refused(v1, at: 1, 0x81) == .unsupportedType(0x81))
    #expect(refused(v1, at: 3, 0x15) == .unknownSuite(0x0015))
    #expect(refused(v2, at: 2, 0x79) == .unknownSuite(0x0479))
    // A version 1 suite in a version 2 header.
    #expect(
      refused(v2, at: 1, 0x00)
        == .malformed(
          "a header of version 2 with the suite AES_256_GCM_IV12_TAG16 of version 1"))
    let contentType = v1.count - 28 - 10
    #expect(refused(v1, at: contentType, 3) == .malformed("an unknown content type 3"))
    #expect(refused(v1, at: contentType + 2, 1) == .malformed("reserved bytes that are not zero"))
    #expect(refused(v1, at: contentType + 5, 13) == .malformed("an IV length of 13, not 12"))
    #expect(
      refused(v1, at: contentType, 1) == .malformed("a non-framed body with a frame length"))
    #expect(refused(v1, at: contentType + 6, 0xFF) == .frameLengthOutOfRange(0xFF01_0000))
  }

  @Test func aFrameLengthOfZeroIsRefused() throws {
    var bytes = try Self.bytes(Self.header(.standard, content: .nonFramed))
    bytes[bytes.count - 16 - 32 - 5] = 2
    #expect(throws: MessageError.frameLengthOutOfRange(0)) { try Self.parse(bytes) }
  }

  @Test func moreKeysThanTheLimitAreRefusedBeforeTheyAreRead() throws {
    let header = Self.header(.standard, keys: Array(repeating: Self.key, count: 17))
    let bytes = try Self.bytes(header)
    #expect(throws: MessageError.tooManyEncryptedDataKeys(found: 17, limit: 16)) {
      try Self.parse(bytes)
    }
    #expect(try Self.parse(bytes, keys: 17).header == header)
    // A claim of 65,535 keys is refused by the count alone: no keys follow it.
    let claim = Array(bytes.prefix(1 + 2 + 32 + 2)) + [0xFF, 0xFF]
    #expect(throws: MessageError.tooManyEncryptedDataKeys(found: 65535, limit: 16)) {
      try Self.parse(claim)
    }
    let none = Array(bytes.prefix(1 + 2 + 32 + 2)) + [0, 0]
    #expect(throws: MessageError.malformed("a header without an encrypted data key")) {
      try Self.parse(none)
    }
  }

  @Test func contextsAreOrderedByBytesAndComparedByBytes() throws {
    // The same letter, composed and decomposed: equal in Unicode, but two keys in the format.
    let context = try EncryptionContext([
      (key: "\u{E9}", value: "composed"), (key: "e\u{301}", value: "decomposed"),
    ])
    #expect(context.pairs.map(\.value) == ["decomposed", "composed"])
    #expect(context["\u{E9}"] == "composed")
    #expect(context["e\u{301}"] == "decomposed")
    #expect(throws: MessageError.self) {
      try EncryptionContext([(key: "a", value: "1"), (key: "a", value: "2")])
    }
  }

  @Test(
    arguments: [
      [0, 4, 0, 1, 0, 0], [0, 2, 0, 0], [0, 3, 0, 0, 0], [0, 7, 0, 1, 0, 0, 0, 0, 9],
      [0, 7, 0, 1, 0, 1, 0xFF, 0, 0], [0, 10, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0],
    ] as [[UInt8]])
  func contextsThatDoNotFitTheirLengthAreRefused(field: [UInt8]) {
    #expect(throws: MessageError.self) {
      try WireReader.read(field.span.bytes) { (reader) throws(MessageError) in
        try EncryptionContext.transcode(nil, through: &reader)
      }
    }
  }

  @Test func aContextLongerThanItsFieldIsRefused() throws {
    let fits = try EncryptionContext([
      (key: "k", value: String(repeating: "v", count: 65535 - 2 - 2 - 1 - 2))
    ])
    #expect(try fits.serialized().count == 65535)
    let large = try EncryptionContext([
      (key: "k", value: String(repeating: "v", count: 65535 - 2 - 2 - 1 - 2 + 1))
    ])
    #expect(throws: MessageError.self) { try large.serialized() }
  }

  @Test func keyNamesAreShownWithoutTheirParameters() throws {
    let information = RawAESKeyInformation(
      keyName: Array("name".utf8), nonce: Nonce(sequenceNumber: 5))
    #expect(RawAESKeyInformation(parsing: information.bytes) == information)
    let aes = EncryptedDataKey(
      providerID: "p", providerInformation: information.bytes, ciphertext: [])
    #expect(aes.keyName == "name")
    let rsa = EncryptedDataKey(
      providerID: "p", providerInformation: Array("rsa-key".utf8), ciphertext: [])
    #expect(rsa.keyName == "rsa-key")
    let binary = EncryptedDataKey(
      providerID: "p", providerInformation: [0xFF, 0x00], ciphertext: [])
    #expect(binary.keyName == "ff00")
  }
}
