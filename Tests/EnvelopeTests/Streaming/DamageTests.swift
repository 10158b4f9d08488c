import Foundation
import Testing

@testable import Envelope
@testable import TestSupport

/// A small message of every kind, damaged at every position, is refused, and no unauthenticated
/// plaintext is released.
@Suite struct DamageTests {
  /// A message of one kind, under the test keyring.
  struct Sample: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let message: [UInt8]
    let plaintext: [UInt8]
    let suite: AlgorithmSuite
    /// Nil for a non-framed body.
    let frameLength: Int?

    func decryptor() throws -> MessageDecryptor {
      MessageDecryptor(
        materialsProvider: MultiKeyring([try testKeyring()]), requiredContext: EncryptionContext(),
        policy: .requireEncryptAllowDecrypt)
    }
  }

  /// Every suite, framed and non-framed. Framed messages have three frames of up to 16 bytes, and
  /// the last one is not full.
  static let samples: [Sample] = AlgorithmSuite.allCases.flatMap { suite in
    [16, nil].map { frameLength in
      let plaintext = patternBytes(39)
      return Sample(
        testDescription: "\(suite.name) \(frameLength == nil ? "non-framed" : "framed")",
        message: try! makeMessage(suite, frameLength: frameLength, plaintext),
        plaintext: plaintext, suite: suite, frameLength: frameLength)
    }
  }

  @Test(arguments: samples)
  func samplesOpen(sample: Sample) throws {
    let sink = MemorySink(discardsOnFailure: false)
    _ = try sample.decryptor().decrypt(from: MemorySource(sample.message), to: sink)
    #expect(sink.bytes == sample.plaintext)
  }

  /// The plaintext that may be released before the end of the message: whole frames, but not the
  /// final one. Nothing of a non-framed body.
  private func check(_ released: [UInt8], of sample: Sample, _ what: Comment) {
    #expect(sample.plaintext.starts(with: released), what)
    guard let length = sample.frameLength else {
      #expect(released.isEmpty, what)
      return
    }
    #expect(released.count % length == 0 && released.count < sample.plaintext.count, what)
  }

  @Test(arguments: samples)
  func everyChangedByteIsRefused(sample: Sample) throws {
    let decryptor = try sample.decryptor()
    for position in sample.message.indices {
      var message = sample.message
      message[position] ^= 1 << UInt8(position % 8)
      let sink = MemorySink(discardsOnFailure: false)
      #expect(throws: (any Error).self, "byte \(position)") {
        try decryptor.decrypt(from: MemorySource(message), to: sink)
      }
      check(sink.bytes, of: sample, "byte \(position)")
    }
  }

  @Test(arguments: samples)
  func everyTruncationIsRefused(sample: Sample) throws {
    let decryptor = try sample.decryptor()
    for count in sample.message.indices {
      let sink = MemorySink(discardsOnFailure: false)
      #expect(throws: (any Error).self, "\(count) bytes") {
        try decryptor.decrypt(
          from: MemorySource(Array(sample.message.prefix(count))), to: sink)
      }
      check(sink.bytes, of: sample, "\(count) bytes")
    }
  }

  @Test(arguments: samples)
  func trailingDataIsRefused(sample: Sample) throws {
    let sink = MemorySink(discardsOnFailure: false)
    #expect(throws: MessageError.trailingData) {
      try sample.decryptor().decrypt(from: MemorySource(sample.message + [0]), to: sink)
    }
    check(sink.bytes, of: sample, "one byte more")
  }

  /// Changes each of the eight bits of every byte of a message that we wrote, in both suites.
  @Test(arguments: [AlgorithmSuite.standard, .signing])
  func everyBitOfOurOwnMessagesCounts(suite: AlgorithmSuite) throws {
    let plaintext = patternBytes(20)
    let message = try RoundTripTests.encrypt(plaintext, suite: suite)
    for position in message.indices {
      for bit in 0..<8 {
        var changed = message
        changed[position] ^= 1 << UInt8(bit)
        let sink = MemorySink(discardsOnFailure: false)
        #expect(throws: (any Error).self, "byte \(position), bit \(bit)") {
          try RoundTripTests.decrypt(changed, sink: sink)
        }
        #expect(sink.bytes.isEmpty || sink.bytes == Array(plaintext.prefix(16)))
      }
    }
  }

  /// Frames of one message that are swapped, dropped and repeated, and a frame of another message.
  @Test func framesInDisorderAreRefused() throws {
    let message = try RoundTripTests.encrypt(patternBytes(60))
    let other = try RoundTripTests.encrypt(patternBytes(60))
    let start = try MessageHeaderTests.parse(message).length
    let length = 4 + 12 + 16 + 16
    func frame(_ index: Int, of message: [UInt8]) -> [UInt8] {
      Array(message[(start + index * length)..<(start + (index + 1) * length)])
    }
    let header = Array(message.prefix(start))
    let frames = (0..<3).map { frame($0, of: message) }
    let final = Array(message[(start + 3 * length)...])
    let disorders: [[[UInt8]]] = [
      [frames[1], frames[0], frames[2], final], [frames[0], frames[2], final],
      [frames[0], frames[1], final], [final], [frames[0], frames[0], frames[1], frames[2], final],
      [frames[0], frames[1], frames[2], final, final], [frames[0], frames[1], frames[2]],
      [frame(0, of: other), frames[1], frames[2], final],
    ]
    for disorder in disorders {
      let sink = MemorySink(discardsOnFailure: false)
      #expect(throws: (any Error).self) {
        try RoundTripTests.decrypt(header + disorder.flatMap { $0 }, sink: sink)
      }
      #expect(patternBytes(60).starts(with: sink.bytes) && sink.bytes.count < 60)
    }
  }

  /// A non-framed body that claims 64 GiB. A pipe refuses it because of the claim, a file at the
  /// end of its bytes. Neither allocates memory for it.
  @Test func aHugeNonFramedClaimCostsNothing() throws {
    let sample = try #require(
      Self.samples.first { $0.frameLength == nil && !$0.suite.isSigned })
    let start = try MessageHeaderTests.parse(sample.message).length
    var message = sample.message
    message.replaceSubrange(start + 12..<start + 20, with: [0, 0, 0, 0x0F, 0xFF, 0xFF, 0xFF, 0xE0])
    let decryptor = try sample.decryptor()
    #expect(
      throws: MessageError.nonFramedBodyTooLarge(
        length: (1 << 36) - 32, limit: MessageDecryptor.nonFramedLimit)
    ) {
      try decryptor.decrypt(
        from: MemorySource(message), to: MemorySink(discardsOnFailure: false))
    }
    #expect(throws: MessageError.truncated) {
      try decryptor.decrypt(
        from: MemorySource(message), to: MemorySink(discardsOnFailure: true))
    }
    message.replaceSubrange(start + 12..<start + 20, with: [0, 0, 0, 0x0F, 0xFF, 0xFF, 0xFF, 0xE1])
    #expect(throws: MessageError.malformed("a non-framed body of 68719476705 bytes")) {
      try decryptor.decrypt(
        from: MemorySource(message), to: MemorySink(discardsOnFailure: true))
    }
  }

  @Test func commitmentIsCheckedAndThePolicyHolds() throws {
    // The same frame with a data key that the header does not commit to: another wrapped key, which
    // unwraps correctly, replaces the original.
    let first = try RoundTripTests.encrypt(patternBytes(8))
    let second = try RoundTripTests.encrypt(patternBytes(8))
    let header = try MessageHeaderTests.parse(first).header
    let stranger = try MessageHeaderTests.parse(second).header.encryptedDataKeys
    let forged = MessageHeader(
      suite: header.suite, messageID: header.messageID,
      encryptionContext: header.encryptionContext, encryptedDataKeys: stranger,
      content: header.content, suiteData: header.suiteData)
    let length = try MessageHeaderTests.parse(first).length
    let message = try forged.serializedBody() + first[(length - 16)...]
    #expect(throws: CryptoError.authenticationFailed) {
      try RoundTripTests.decrypt(message, sink: MemorySink(discardsOnFailure: false))
    }

    let old = try #require(Self.samples.first { !$0.suite.isCommitting })
    let strict = MessageDecryptor(
      materialsProvider: MultiKeyring([]), requiredContext: EncryptionContext())
    #expect(throws: DecryptionPolicyError.notCommitting(old.suite)) {
      try strict.decrypt(
        from: MemorySource(old.message), to: MemorySink(discardsOnFailure: false))
    }
  }
}
