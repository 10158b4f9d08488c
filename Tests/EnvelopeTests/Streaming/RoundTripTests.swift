import Testing

@testable import Envelope
@testable import TestSupport

/// Encrypts and decrypts in memory, around every boundary.
@Suite struct RoundTripTests {
  static func encrypt(
    _ plaintext: [UInt8], suite: AlgorithmSuite = .standard, frameLength: UInt32 = 16,
    step: Int = .max, context: EncryptionContext = EncryptionContext()
  ) throws -> [UInt8] {
    let sink = MemorySink(discardsOnFailure: false)
    let summary = try MessageEncryptor(
      keyrings: [try testKeyring()], encryptionContext: context, suite: suite,
      frameLength: try FrameLength(frameLength)
    ).encrypt(from: MemorySource(plaintext, step: step), to: sink)
    #expect(summary.plaintextCount == Int64(plaintext.count))
    return sink.bytes
  }

  static func decrypt(
    _ message: [UInt8], step: Int = .max, sink: MemorySink, required: EncryptionContext = .init()
  ) throws -> MessageSummary {
    try MessageDecryptor(
      materialsProvider: MultiKeyring([try testKeyring()]), requiredContext: required
    ).decrypt(from: MemorySource(message, step: step), to: sink)
  }

  static func decrypted(_ message: [UInt8], step: Int = .max) throws -> [UInt8] {
    let sink = MemorySink(discardsOnFailure: false)
    let summary = try decrypt(message, step: step, sink: sink)
    #expect(summary.plaintextCount == Int64(sink.bytes.count))
    return sink.bytes
  }

  @Test(
    arguments: [AlgorithmSuite.standard, .signing],
    [0, 1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 160, 1000])
  func smallFrames(suite: AlgorithmSuite, count: Int) throws {
    let plaintext = patternBytes(count)
    let message = try Self.encrypt(plaintext, suite: suite)
    #expect(try Self.decrypted(message) == plaintext)
    // A final frame, which is never full, follows the regular frames.
    let frames = count / 16 + 1
    let body = try MessageHeaderTests.parse(message).length
    let footer = suite.isSigned ? message.count - body - count - frames * 32 - 8 : 0
    #expect(message.count == body + count + frames * 32 + 8 + footer)
  }

  /// Sizes around the batch of 16 frames of 64 KiB.
  @Test(arguments: [
    (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (1 << 20) + 65535, (1 << 20) + 65536,
    (1 << 20) + 65537, 3 << 20, (3 << 20) + 7,
  ])
  func standardFrames(count: Int) throws {
    let plaintext = patternBytes(count)
    let message = try Self.encrypt(plaintext, frameLength: 65536)
    #expect(try Self.decrypted(message) == plaintext)
  }

  @Test(arguments: [1, 2, 3, 5000, 1 << 20, (1 << 20) + 1, 3 << 20] as [UInt32])
  func frameLengths(frameLength: UInt32) throws {
    let plaintext = patternBytes(frameLength < 10 ? 5000 : (2 << 20) + 11)
    let message = try Self.encrypt(plaintext, frameLength: frameLength)
    #expect(try Self.decrypted(message) == plaintext)
  }

  @Test(arguments: [1, 2, 7, 1000])
  func shortReadsChangeNothing(step: Int) throws {
    let plaintext = patternBytes(3000)
    let message = try Self.encrypt(plaintext, suite: .signing, step: step)
    #expect(try Self.decrypted(message, step: step) == plaintext)
  }

  @Test func messagesNeverRepeatKeyOrID() throws {
    let first = try MessageHeaderTests.parse(try Self.encrypt([])).header
    let second = try MessageHeaderTests.parse(try Self.encrypt([])).header
    #expect(first.messageID != second.messageID)
    #expect(first.suiteData != second.suiteData)
    #expect(try Self.dataKey(of: first) != Self.dataKey(of: second))
  }

  static func dataKey(of header: MessageHeader) throws -> [UInt8]? {
    try TestWrapping.unwrap(
      testKeyring(), header.encryptedDataKeys[0], context: header.encryptionContext.serialized())
  }

  @Test func contextIsBoundAndRequired() throws {
    let context = try EncryptionContext([(key: "größe", value: "λ"), (key: "b", value: "")])
    let message = try Self.encrypt(patternBytes(5), context: context)
    let sink = MemorySink(discardsOnFailure: false)
    let summary = try Self.decrypt(message, sink: sink, required: context)
    #expect(summary.header.encryptionContext == context)
    #expect(
      throws: DecryptionPolicyError.contextMismatch(key: "b", expected: "x", found: "")
    ) {
      try Self.decrypt(
        message, sink: sink, required: try EncryptionContext([(key: "b", value: "x")]))
    }
    #expect(
      throws: DecryptionPolicyError.contextMismatch(key: "c", expected: "x", found: nil)
    ) {
      try Self.decrypt(
        message, sink: sink, required: try EncryptionContext([(key: "c", value: "x")]))
    }
  }

  @Test func armorRoundTrips() throws {
    for count in [0, 1, 47, 48, 49, 100_000] {
      let sink = MemorySink(discardsOnFailure: false)
      let armor = ArmorSink(sink)
      _ = try MessageEncryptor(
        keyrings: [try testKeyring()], encryptionContext: EncryptionContext()
      ).encrypt(from: MemorySource(patternBytes(count)), to: armor)
      try armor.finish()
      #expect(try Self.decrypted(sink.bytes) == patternBytes(count))
      #expect(try Self.decrypted(sink.bytes, step: 7) == patternBytes(count))
      let text = String(decoding: sink.bytes, as: UTF8.self)
      let crlf = Array(("\r\n" + text.replacing("\n", with: "\r\n") + " \r\n").utf8)
      #expect(try Self.decrypted(crlf) == patternBytes(count))
      #expect(try Self.decrypted(Array(sink.bytes.dropLast())) == patternBytes(count))
    }
  }

  @Test func damagedArmorIsRefused() throws {
    let sink = MemorySink(discardsOnFailure: false)
    let armor = ArmorSink(sink)
    _ = try MessageEncryptor(
      keyrings: [try testKeyring()], encryptionContext: EncryptionContext()
    ).encrypt(from: MemorySource(patternBytes(100)), to: armor)
    try armor.finish()
    for position in sink.bytes.indices {
      let out = MemorySink(discardsOnFailure: false)
      var bytes = sink.bytes
      bytes[position] ^= 1
      // A changed line feed may become white space that the reader accepts. No other change may
      // pass.
      let passed = (try? Self.decrypt(bytes, sink: out)) != nil
      #expect(!passed || out.bytes == patternBytes(100), "byte \(position)")
      #expect(out.bytes.isEmpty || passed)
    }
    for count in 0..<sink.bytes.count - 1 {
      let out = MemorySink(discardsOnFailure: false)
      #expect(throws: (any Error).self, "\(count) bytes") {
        try Self.decrypt(Array(sink.bytes.prefix(count)), sink: out)
      }
      #expect(out.bytes.isEmpty)
    }
  }
}
