import Glibc
import Testing

@testable import Envelope
@testable import TestSupport

/// A message is encrypted under another key completely or not at all.
@Suite struct MessageReencryptorTests {
  static func reencryptor(
    signs: Bool? = nil, frameLength: FrameLength? = nil, jobs: Int = 3, isShort: Bool = false
  ) throws -> MessageReencryptor {
    MessageReencryptor(
      keyrings: [try testKeyring(name: "new", byte: 8)], signs: signs, frameLength: frameLength,
      // A message shorter than a batch is decrypted completely before it is encrypted.
      scheduler: isShort ? Scheduler(jobs: jobs) : PipelineTests.scheduler(jobs))
  }

  static func opener() throws -> MessageDecryptor {
    MessageDecryptor(
      materialsProvider: MultiKeyring([try testKeyring()]), requiredContext: EncryptionContext(),
      policy: .requireEncryptAllowDecrypt, scheduler: PipelineTests.scheduler(3))
  }

  static func decrypt(_ message: [UInt8]) throws -> (MessageHeader, [UInt8]) {
    let sink = MemoryOutput()
    let summary = try MessageDecryptor(
      materialsProvider: MultiKeyring([try testKeyring(name: "new", byte: 8)]),
      requiredContext: EncryptionContext(), scheduler: PipelineTests.scheduler(1)
    ).decrypt(from: MemoryFile(message), to: sink)
    return (summary.header, sink.bytes)
  }

  /// Messages of every suite, framed and non-framed, with full and empty final frames.
  @Test(arguments: DamageTests.samples, [0, 1, 48, 500])
  func everyKindOfMessage(sample: DamageTests.Sample, count: Int) throws {
    for isShort in [true, false] { try reencrypt(sample, count: count, isShort: isShort) }
  }

  func reencrypt(_ sample: DamageTests.Sample, count: Int, isShort: Bool) throws {
    let plaintext = patternBytes(count)
    let old = try makeMessage(
      sample.suite, frameLength: count == 0 ? nil : sample.frameLength, plaintext)
    let sink = MemoryOutput()
    let message = try Self.opener().open(MemoryFile(old))
    let reencryptor = try Self.reencryptor(isShort: isShort)
    #expect(try !reencryptor.isCurrent(message))
    let summary = try reencryptor.reencrypt(message, to: sink)
    #expect(summary.plaintextCount == Int64(count))
    let (header, found) = try Self.decrypt(sink.bytes)
    #expect(found == plaintext)
    #expect(header.encryptionContext["purpose"] == "test")
    #expect(header.suite == (sample.suite.isSigned ? .signing : .standard))
    #expect(header.encryptedDataKeys.map(\.keyName) == ["new"])
    #expect(header.messageID != message.header.messageID)

    let again = MessageDecryptor(
      materialsProvider: MultiKeyring([try testKeyring(name: "new", byte: 8)]),
      requiredContext: EncryptionContext())
    #expect(try reencryptor.isCurrent(try again.open(MemoryFile(sink.bytes))))
    #expect(
      try !Self.reencryptor(signs: !header.suite.isSigned).isCurrent(
        try again.open(MemoryFile(sink.bytes))))
    #expect(
      try !Self.reencryptor(frameLength: try FrameLength(77)).isCurrent(
        try again.open(MemoryFile(sink.bytes))))
  }

  @Test(arguments: [true, false]) func damageEndsIt(isShort: Bool) throws {
    let old = try makeMessage(.standard, frameLength: 16, patternBytes(300))
    for position in stride(from: 0, to: old.count, by: 3) {
      var damaged = old
      damaged[position] ^= 1
      #expect(throws: (any Error).self, "byte \(position)") {
        let message = try Self.opener().open(MemoryFile(damaged))
        _ = try Self.reencryptor(isShort: isShort).reencrypt(message, to: MemoryOutput())
      }
    }
  }

  /// A non-framed body is not authenticated before its end. No part of it may reach a pipe under
  /// the new key, where every frame would look authentic.
  @Test func nothingUnauthenticatedBecomesAuthentic() throws {
    var old = try makeMessage(.standard, frameLength: nil, patternBytes(1000))
    old[try MessageHeaderTests.parse(old).length + NonFramedPrefix.length + 5] ^= 1
    let sink = MemoryOutput(isPositional: false)
    #expect(throws: CryptoError.authenticationFailed) {
      let message = try Self.opener().open(MemoryFile(old))
      _ = try Self.reencryptor(frameLength: try FrameLength(16)).reencrypt(message, to: sink)
    }
    let released = MemoryOutput(isPositional: false)
    _ = try? MessageDecryptor(
      materialsProvider: MultiKeyring([try testKeyring(name: "new", byte: 8)]),
      requiredContext: EncryptionContext()
    ).decrypt(from: MemoryFile(sink.bytes, isPositional: false), to: released)
    #expect(released.bytes.isEmpty)
  }

  /// The output fails while the input has not ended but provides no more bytes: the program does
  /// not wait for it.
  @Test(arguments: [400, 2000], [1, 3])
  func nobodyWaitsForInputThatNobodyWants(count: Int, jobs: Int) throws {
    let old = try makeMessage(.standard, frameLength: 16, patternBytes(4000))
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let input = Descriptor(owning: ends[0], path: "input")
    let writer = Descriptor(owning: ends[1], path: "writer")
    try writer.write(Array(old.prefix(count)).span.bytes)
    #expect(throws: InjectedError(position: 250)) {
      let message = try Self.opener().open(DescriptorSource(input))
      _ = try Self.reencryptor(jobs: jobs).reencrypt(
        message, to: MemoryOutput(failingAt: 250, isPositional: false))
    }
  }

  @Test(arguments: [1, 3], [true, false])
  func errorsOfBothEndsEndIt(jobs: Int, isShort: Bool) throws {
    let old = try makeMessage(.standard, frameLength: 16, patternBytes(900))
    let start = try MessageHeaderTests.parse(old).length
    for position in stride(from: Int64(0), to: Int64(900), by: 37) {
      #expect(throws: InjectedError(position: position)) {
        let message = try Self.opener().open(MemoryFile(old))
        _ = try Self.reencryptor(jobs: jobs, isShort: isShort).reencrypt(
          message, to: MemoryOutput(failingAt: position))
      }
      #expect(throws: InjectedError(position: position + Int64(start))) {
        let message = try Self.opener().open(
          MemoryFile(old, step: 100, failingAt: position + Int64(start)))
        _ = try Self.reencryptor(jobs: jobs, isShort: isShort).reencrypt(
          message, to: MemoryOutput())
      }
    }
  }
}
