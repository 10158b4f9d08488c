import Testing

@testable import Envelope
@testable import TestSupport

/// Parses the output of the encryptor by hand from the specification, byte by byte.
@Suite struct MessageLayoutTests {
  /// Reads from the front.
  private struct Bytes {
    var rest: ArraySlice<UInt8>

    mutating func take(_ count: Int) -> [UInt8] {
      let taken = Array(rest.prefix(count))
      rest = rest.dropFirst(count)
      return taken
    }

    mutating func number(_ count: Int) -> Int { take(count).reduce(0) { $0 << 8 | Int($1) } }
    mutating func block() -> [UInt8] { take(number(2)) }
  }

  private static func open(
    _ sealed: [UInt8], _ key: [UInt8], nonce: [UInt8], _ aad: [UInt8]
  ) throws -> [UInt8] {
    try AESGCM.open(
      sealed, under: SecretBytes(key), nonce: Nonce(bytes: nonce), authenticating: aad
    )
    .exposed
  }

  @Test(
    arguments: [AlgorithmSuite.standard, .signing], [0, 1, 15, 16, 17, 31, 32, 33, 100, 160])
  func everyByteIsTheSpecifications(suite: AlgorithmSuite, count: Int) throws {
    let plaintext = patternBytes(count)
    let pairs =
      count == 1 ? [] : [(key: "ä", value: "1"), (key: "b", value: ""), (key: "a", value: "z")]
    let message = try RoundTripTests.encrypt(
      plaintext, suite: suite, context: try EncryptionContext(pairs))
    var bytes = Bytes(rest: message[...])

    // Header body.
    #expect(bytes.take(1) == [2])
    #expect(bytes.number(2) == Int(suite.rawValue))
    let messageID = bytes.take(32)
    let context = bytes.block()
    let dataKeyCount = bytes.number(2)
    #expect(dataKeyCount == 1)
    let wrapped = EncryptedDataKey(
      providerID: String(decoding: bytes.block(), as: UTF8.self),
      providerInformation: bytes.block(), ciphertext: bytes.block())
    #expect(bytes.take(1) == [2])
    #expect(bytes.number(4) == 16)
    let commitment = bytes.take(32)
    let headerBody = Array(message.prefix(message.count - bytes.rest.count))
    let tag = bytes.take(16)

    // Encrypted data key of a raw AES keyring.
    #expect(wrapped.providerID == "tests")
    let information = wrapped.providerInformation
    #expect(Array(information.prefix(12)) == Array("test".utf8) + [0, 0, 0, 128, 0, 0, 0, 12])
    #expect(information.count == 24)
    let dataKey = try Self.open(
      wrapped.ciphertext, [UInt8](repeating: 7, count: 32), nonce: Array(information.suffix(12)),
      context)
    #expect(dataKey.count == 32)

    // Derived keys and the header's tag.
    let derived = try CraftedMessage.derive(
      suite.rawValue, from: SecretBytes(dataKey), messageID: messageID)
    #expect(commitment == derived.commitment)
    let zero = [UInt8](repeating: 0, count: 12)
    #expect(try Self.open(tag, derived.key, nonce: zero, headerBody) == [])

    // Frames: 1, 2, 3 …, all full but the final one.
    var found: [UInt8] = []
    for number in 1... {
      let first = bytes.number(4)
      let isFinal = first == 0xFFFF_FFFF
      #expect((isFinal ? bytes.number(4) : first) == number)
      let nonce = bytes.take(12)
      #expect(nonce == CraftedMessage.bigEndian(UInt64(number), 12))
      let length = isFinal ? bytes.number(4) : 16
      #expect(length <= 16)
      let aad = CraftedMessage.aad(
        messageID: messageID,
        text: isFinal ? "AWSKMSEncryptionClient Final Frame" : "AWSKMSEncryptionClient Frame",
        number: UInt32(number), length: UInt64(length))
      found += try Self.open(bytes.take(length + 16), derived.key, nonce: nonce, aad)
      if isFinal { break }
      try #require(bytes.rest.count >= 40)
    }
    #expect(found == plaintext)

    // Context and footer.
    var wanted = pairs
    if suite.isSigned {
      let signed = Array(message.prefix(message.count - bytes.rest.count))
      let signature = bytes.block()
      var pair = Bytes(rest: context[...])
      _ = pair.take(2)
      while String(decoding: pair.block(), as: UTF8.self) != "aws-crypto-public-key" {
        try #require(!pair.rest.isEmpty)
        _ = pair.block()
      }
      let publicKey = pair.block()
      wanted.append(
        (key: "aws-crypto-public-key", value: String(decoding: publicKey, as: UTF8.self)))
      let point = try #require(Base64.decode(publicKey))
      #expect(point.count == 49)
      let verifier = try SignatureVerifier(curve: .p384, digest: .sha384, publicKey: point)
      try verifier.update(signed.span.bytes)
      try verifier.finish(signature)
    }
    #expect(bytes.rest.isEmpty)
    #expect(context == CraftedMessage.serialize(CraftedMessage.sorted(wanted)))
  }

  /// Sequence number 2^32 - 1 marks the final frame, and only the final frame may have it.
  @Test func thereAreNoMoreFramesThanNumbers() throws {
    func sealer() throws -> FrameSealer {
      try FrameSealer(
        BodyKey(MessageKey(bytes: SecretBytes(patternBytes(32))), messageID: patternBytes(32)),
        frameLength: try FrameLength(16))
    }
    func batch(firstFrame: Int64, frames: Int) throws -> ReadBatch {
      let memory = BatchMemory()
      try memory.input.grow(to: 64, keeping: 0)
      memory.input.copy(patternBytes(64).span.bytes, to: 0)
      let end = 16 * frames
      return ReadBatch(
        memory: memory, ticket: 0, firstFrame: firstFrame, frameCount: frames,
        rest: end..<end, countAfter: nil)
    }
    let last = Int64(UInt32.max)
    _ = try sealer().apply(to: batch(firstFrame: last - 3, frames: 2))
    #expect(throws: MessageError.tooManyFrames) {
      try sealer().apply(to: batch(firstFrame: last - 2, frames: 2))
    }
    let final = try batch(firstFrame: last - 2, frames: 1)
    _ = try sealer().sealFinal(of: final)
    let bytes = final.memory.output.withBytes(in: 0..<8) { $0.withUnsafeBytes { Array($0) } }
    #expect(bytes == [UInt8](repeating: 0xFF, count: 8))
    #expect(throws: MessageError.tooManyFrames) {
      try sealer().sealFinal(of: batch(firstFrame: last - 2, frames: 2))
    }
  }

  /// The writer refuses a header that this reader would not accept.
  @Test func aHeaderThatNobodyReadsIsNotWritten() throws {
    let name = String(repeating: "n", count: 65_000)
    func encrypt(_ count: Int) throws -> [UInt8] {
      let sink = MemorySink(discardsOnFailure: false)
      _ = try MessageEncryptor(
        keyrings: try (0..<count).map { _ in try testKeyring(name: name) },
        encryptionContext: EncryptionContext()
      ).encrypt(from: MemorySource([1]), to: sink)
      return sink.bytes
    }
    let decryptor = MessageDecryptor(
      materialsProvider: MultiKeyring([try testKeyring(name: name)]),
      requiredContext: EncryptionContext(), limits: HeaderLimits(encryptedDataKeys: 100))
    let sink = MemorySink(discardsOnFailure: false)
    _ = try decryptor.decrypt(from: MemorySource(try encrypt(64)), to: sink)
    #expect(sink.bytes == [1])
    #expect(throws: MessageError.headerTooLong(limit: HeaderLimits.length)) { try encrypt(65) }
  }

  /// Also if the last character of the prefix merges with the character that follows.
  @Test(arguments: ["aws-crypto-", "aws-crypto-x", "aws-crypto-public-key", "aws-crypto-\u{301}"])
  func reservedKeysAreNotWritten(key: String) throws {
    for suite in [AlgorithmSuite.standard, .signing] {
      #expect(throws: MessageError.self) {
        try RoundTripTests.encrypt(
          [1], suite: suite, context: try EncryptionContext([(key: key, value: "A")]))
      }
    }
    #expect(EncryptionContext.isReserved(key))
    for other in ["aws-crypto", "aws-cryptO-x", "Aws-crypto-", "x-aws-crypto-"] {
      #expect(!EncryptionContext.isReserved(other))
    }
  }
}
