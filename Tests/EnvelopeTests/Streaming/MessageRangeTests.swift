import Testing

@testable import Envelope
@testable import TestSupport

/// Decrypts parts of messages: correct bytes, few reads, and a wrong end is detected.
@Suite struct MessageRangeTests {
  static func decrypt(
    _ message: [UInt8], from offset: Int64, count: Int64?, jobs: Int = 3,
    ignoringSignature: Bool = false
  ) throws -> [UInt8] {
    let sink = MemoryOutput(isPositional: jobs % 2 == 1)
    let opened = try PipelineTests.decryptor(jobs).open(MemoryFile(message))
    let written = try opened.decrypt(
      from: offset, count: count, to: sink, ignoringSignature: ignoringSignature)
    #expect(written == Int64(sink.bytes.count))
    return sink.bytes
  }

  /// Every range of a message whose final frame is not full, and of one whose final frame is empty.
  @Test(arguments: [150, 160], [1, 2, 3])
  func everyRange(count: Int, jobs: Int) throws {
    let plaintext = patternBytes(count)
    let message = try PipelineTests.message(of: plaintext)
    for offset in stride(from: 0, through: count + 3, by: jobs == 1 ? 1 : 7) {
      for length in [0, 1, 2, 15, 16, 17, 63, 64, 65, 100, 200] {
        let wanted = plaintext.dropFirst(offset).prefix(length)
        let found = try Self.decrypt(
          message, from: Int64(offset), count: Int64(length), jobs: jobs)
        #expect(found == Array(wanted), "\(length) bytes from \(offset)")
      }
      let found = try Self.decrypt(message, from: Int64(offset), count: nil, jobs: jobs)
      #expect(found == Array(plaintext.dropFirst(offset)))
    }
    #expect(try Self.decrypt(message, from: .max, count: .max) == [])
  }

  /// Other programs write messages with a full final frame.
  @Test func aFullFinalFrame() throws {
    let plaintext = patternBytes(48)
    let message = try makeMessage(.standard, frameLength: 16, plaintext)
    for offset in 0...48 {
      let found = try Self.decrypt(message, from: Int64(offset), count: 5)
      #expect(found == Array(plaintext.dropFirst(offset).prefix(5)))
    }
  }

  /// A truncated message is detected wherever it ends, even if it contains the whole part.
  @Test func everyTruncationIsNoticed() throws {
    let message = try PipelineTests.message(of: patternBytes(150))
    for count in message.indices {
      #expect(throws: (any Error).self, "\(count) bytes") {
        try Self.decrypt(Array(message.prefix(count)), from: 0, count: 1)
      }
    }
    for count in 1...200 {
      #expect(throws: (any Error).self, "\(count) bytes more") {
        try Self.decrypt(message + [UInt8](repeating: 0, count: count), from: 0, count: 1)
      }
    }
  }

  /// Damage in the bytes that are read is detected. Other damage is not, because those bytes are
  /// not read.
  @Test func damageIsNoticedWhereItIsRead() throws {
    let plaintext = patternBytes(150)
    let message = try PipelineTests.message(of: plaintext)
    let start = try MessageHeaderTests.parse(message).length
    let frame = PipelineTests.frameLength.sealedBytes
    // Byte 40 is in the third frame. The final frame is the tenth.
    for position in message.indices {
      var damaged = message
      damaged[position] ^= 1
      let index = (position - start) / frame
      let isRead = position < start || index == 2 || index >= 9
      let found = try? Self.decrypt(damaged, from: 40, count: 1)
      #expect(found == (isRead ? nil : [plaintext[40]]), "byte \(position)")
    }
  }

  @Test func refusals() throws {
    let message = try PipelineTests.message(of: patternBytes(50))
    let decryptor = try PipelineTests.decryptor(1)
    #expect(throws: MessageRangeError.notSeekable) {
      try decryptor.open(MemorySource(message)).decrypt(from: 0, count: 1, to: MemoryOutput())
    }
    let text = MemoryOutput(isPositional: false)
    try ArmorSink.wrapping(text, if: true) { try $0.write(message.span.bytes) }
    #expect(throws: MessageRangeError.armored) {
      try decryptor.open(MemoryFile(text.bytes)).decrypt(from: 0, count: 1, to: MemoryOutput())
    }
    let whole = try makeMessage(.standard, frameLength: nil, patternBytes(50))
    #expect(throws: MessageRangeError.notFramed) { try Self.decrypt(whole, from: 0, count: 1) }
    let signed = try makeMessage(.signing, frameLength: 16, patternBytes(50))
    #expect(throws: MessageRangeError.signed) { try Self.decrypt(signed, from: 0, count: 1) }
    #expect(
      try Self.decrypt(signed, from: 20, count: 9, ignoringSignature: true)
        == Array(patternBytes(50)[20..<29]))
  }
}
