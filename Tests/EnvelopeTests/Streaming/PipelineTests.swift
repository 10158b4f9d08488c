import Glibc
import Synchronization
import Testing

@testable import Envelope
@testable import TestSupport

/// Many threads produce the same result as one thread, for every kind of input and output and for
/// every failure.
@Suite struct PipelineTests {
  /// Frames of 16 bytes and four frames per batch: every case fits in a few hundred bytes.
  static func scheduler(_ jobs: Int) -> Scheduler {
    Scheduler(jobs: jobs, batchLength: 64, helpThreshold: 0)
  }

  static let frameLength = try! FrameLength(16)
  static let framesPerBatch = 4
  /// Every whole number of frames up to three batches, and counts one byte below, one byte above
  /// and seven bytes above each.
  static let counts = (0...3 * framesPerBatch).flatMap { frames in
    [-1, 0, 1, 7].map { frames * 16 + $0 }.filter { $0 >= 0 }
  }

  /// Files, which have positions, and pipes, which are sequential, as input and output.
  enum Ends: CaseIterable, CustomTestStringConvertible {
    case files, pipes, fileToPipe, pipeToFile

    var readsFile: Bool { self == .files || self == .fileToPipe }
    var writesFile: Bool { self == .files || self == .pipeToFile }
    var testDescription: String { "\(self)" }
  }

  static let jobs = [1, 2, 3, 8]

  /// Encrypts under one data key and message ID, so that results are comparable.
  static func encrypt(
    _ source: MemoryFile, to sink: MemoryOutput, jobs: Int
  ) throws -> MessageSummary {
    let materials = EncryptionMaterials(
      dataKey: DataKey(bytes: SecretBytes([UInt8](repeating: 3, count: 32))),
      encryptionContext: EncryptionContext(),
      encryptedDataKeys: [
        EncryptedDataKey(providerID: "tests", providerInformation: [1], ciphertext: [2])
      ])
    return try MessageEncryptor(
      keyrings: [try testKeyring()], encryptionContext: EncryptionContext(),
      frameLength: frameLength, scheduler: scheduler(jobs)
    ).encrypt(
      from: source, to: sink, materials: materials, messageID: [UInt8](repeating: 5, count: 32),
      progress: nil)
  }

  static func message(of plaintext: [UInt8]) throws -> [UInt8] {
    let sink = MemoryOutput(isPositional: false)
    _ = try MessageEncryptor(
      keyrings: [try testKeyring()], encryptionContext: EncryptionContext(),
      frameLength: frameLength, scheduler: scheduler(1)
    ).encrypt(from: MemoryFile(plaintext, isPositional: false), to: sink)
    return sink.bytes
  }

  static func decryptor(_ jobs: Int) throws -> MessageDecryptor {
    MessageDecryptor(
      materialsProvider: MultiKeyring([try testKeyring()]), requiredContext: EncryptionContext(),
      scheduler: scheduler(jobs))
  }

  @Test(arguments: Ends.allCases, jobs)
  func encryptionDoesNotDependOnThreads(ends: Ends, jobs: Int) throws {
    for count in Self.counts {
      let plaintext = patternBytes(count)
      let wanted = MemoryOutput(isPositional: false)
      _ = try Self.encrypt(MemoryFile(plaintext, isPositional: false), to: wanted, jobs: 1)
      let sink = MemoryOutput(isPositional: ends.writesFile)
      let summary = try Self.encrypt(
        MemoryFile(plaintext, isPositional: ends.readsFile), to: sink, jobs: jobs)
      #expect(sink.bytes == wanted.bytes, "\(count) bytes")
      #expect(summary.plaintextCount == Int64(count))
    }
  }

  @Test(arguments: Ends.allCases, jobs)
  func decryptionDoesNotDependOnThreads(ends: Ends, jobs: Int) throws {
    for count in Self.counts {
      let plaintext = patternBytes(count)
      let sink = MemoryOutput(isPositional: ends.writesFile)
      let summary = try Self.decryptor(jobs).decrypt(
        from: MemoryFile(try Self.message(of: plaintext), isPositional: ends.readsFile), to: sink)
      #expect(sink.bytes == plaintext, "\(count) bytes")
      #expect(summary.plaintextCount == Int64(count))
    }
  }

  @Test(arguments: Ends.allCases, [1, 2, 7, 61])
  func shortReadsAndWritesChangeNothing(ends: Ends, step: Int) throws {
    let plaintext = patternBytes(333)
    let sealed = MemoryOutput(step: step, isPositional: ends.writesFile)
    _ = try MessageEncryptor(
      keyrings: [try testKeyring()], encryptionContext: EncryptionContext(), suite: .signing,
      frameLength: Self.frameLength, scheduler: Self.scheduler(3)
    ).encrypt(from: MemoryFile(plaintext, step: step, isPositional: ends.readsFile), to: sealed)
    let opened = MemoryOutput(step: step, isPositional: ends.writesFile)
    _ = try Self.decryptor(3).decrypt(
      from: MemoryFile(sealed.bytes, step: step, isPositional: ends.readsFile), to: opened)
    #expect(opened.bytes == plaintext)
  }

  @Test(arguments: Ends.allCases, [1, 3])
  func everyReadErrorEndsTheStream(ends: Ends, jobs: Int) throws {
    let plaintext = patternBytes(200)
    let message = try Self.message(of: plaintext)
    for position in 0..<Int64(plaintext.count) {
      #expect(throws: InjectedError(position: position)) {
        try Self.encrypt(
          MemoryFile(plaintext, step: 10, failingAt: position, isPositional: ends.readsFile),
          to: MemoryOutput(isPositional: ends.writesFile), jobs: jobs)
      }
    }
    for position in 0..<Int64(message.count) {
      let sink = MemoryOutput(isPositional: ends.writesFile)
      #expect(throws: InjectedError(position: position)) {
        try Self.decryptor(jobs).decrypt(
          from: MemoryFile(message, step: 10, failingAt: position, isPositional: ends.readsFile),
          to: sink)
      }
      if !ends.writesFile {
        #expect(plaintext.starts(with: sink.bytes) && sink.bytes.count < plaintext.count)
      }
    }
  }

  @Test(arguments: Ends.allCases, [1, 3])
  func everyWriteErrorEndsTheStream(ends: Ends, jobs: Int) throws {
    let plaintext = patternBytes(200)
    let message = try Self.message(of: plaintext)
    for position in 0..<Int64(200) {
      for step in [5, Int.max] {
        #expect(throws: InjectedError(position: position)) {
          try Self.encrypt(
            MemoryFile(plaintext, isPositional: ends.readsFile),
            to: MemoryOutput(step: step, failingAt: position, isPositional: ends.writesFile),
            jobs: jobs)
        }
        #expect(throws: InjectedError(position: position)) {
          try Self.decryptor(jobs).decrypt(
            from: MemoryFile(message, isPositional: ends.readsFile),
            to: MemoryOutput(step: step, failingAt: position, isPositional: ends.writesFile))
        }
      }
    }
  }

  /// With several threads, every changed byte is refused, and sequential output consists of whole
  /// frames of the true plaintext.
  @Test(arguments: Ends.allCases)
  func everyChangedByteIsRefused(ends: Ends) throws {
    let plaintext = patternBytes(200)
    let message = try Self.message(of: plaintext)
    for position in message.indices {
      var damaged = message
      damaged[position] ^= 0x40
      let sink = MemoryOutput(isPositional: ends.writesFile)
      #expect(throws: (any Error).self, "byte \(position)") {
        try Self.decryptor(4).decrypt(
          from: MemoryFile(damaged, isPositional: ends.readsFile), to: sink)
      }
      if !ends.writesFile {
        #expect(plaintext.starts(with: sink.bytes) && sink.bytes.count % 16 == 0)
      }
    }
    for count in message.indices {
      #expect(throws: (any Error).self, "\(count) bytes") {
        try Self.decryptor(4).decrypt(
          from: MemoryFile(Array(message.prefix(count)), isPositional: ends.readsFile),
          to: MemoryOutput(isPositional: ends.writesFile))
      }
    }
  }

  /// Frames of a message in another order, decrypted by threads that do not see each other's
  /// frames.
  @Test func framesInDisorderAreRefused() throws {
    let message = try Self.message(of: patternBytes(300))
    let start = try MessageHeaderTests.parse(message).length
    let length = Self.frameLength.sealedBytes
    for first in 0..<18 {
      for second in 0..<18 where first != second {
        var swapped = message
        let one = start + first * length..<start + (first + 1) * length
        let other = start + second * length..<start + (second + 1) * length
        swapped.replaceSubrange(one, with: message[other])
        swapped.replaceSubrange(other, with: message[one])
        #expect(throws: MessageError.self) {
          try Self.decryptor(3).decrypt(from: MemoryFile(swapped), to: MemoryOutput())
        }
      }
    }
  }

  /// A file that is shorter or longer than the size at its opening. Its actual contents are
  /// encrypted, up to the end that the first thread to reach it finds.
  @Test(arguments: [0, 1, 63, 64, 65, 150, 199, 200, 201, 256, 400, 1000], jobs)
  func aWrongClaimIsNoHarm(claim: Int, jobs: Int) throws {
    let plaintext = patternBytes(200)
    let sink = MemoryOutput()
    let summary = try Self.encrypt(MemoryFile(plaintext, claiming: claim), to: sink, jobs: jobs)
    #expect(summary.plaintextCount == 200)
    let wanted = MemoryOutput()
    _ = try Self.encrypt(MemoryFile(plaintext), to: wanted, jobs: 1)
    #expect(sink.bytes == wanted.bytes)
  }

  /// A file that grows or shrinks with every read. The message contains a prefix of it.
  @Test(arguments: [true, false], jobs)
  func aFileThatChangesIsReadToSomeEnd(grows: Bool, jobs: Int) throws {
    for _ in 0..<20 {
      let plaintext = patternBytes(2000)
      let reads = Mutex(0)
      let source = MemoryFile(plaintext, claiming: 1000, step: 50) {
        reads.withLock { reads in
          reads += 1
          return grows ? min(700 + reads * 13, 2000) : max(1000 - reads * 13, 100)
        }
      }
      let sink = MemoryOutput()
      let summary = try MessageEncryptor(
        keyrings: [try testKeyring()], encryptionContext: EncryptionContext(),
        frameLength: Self.frameLength, scheduler: Self.scheduler(jobs)
      ).encrypt(from: source, to: sink)
      let opened = MemoryOutput()
      _ = try Self.decryptor(1).decrypt(from: MemoryFile(sink.bytes), to: opened)
      #expect(plaintext.starts(with: opened.bytes))
      #expect(opened.bytes.count == Int(summary.plaintextCount))
      #expect(opened.bytes.count >= (grows ? 700 : 100))
    }
  }

  /// A file that shrinks while some writes fail. The result is an error or a complete message.
  ///
  /// Guards against a failed write that prevented earlier batches from being written, while an end
  /// that was found before it hid the failure.
  @Test(arguments: [2, 8])
  func aShrinkingFileAndAFailingOutputLeaveNoHole(jobs: Int) throws {
    let plaintext = patternBytes(2000)
    for position in stride(from: Int64(0), to: 4000, by: 23) {
      let reads = Mutex(0)
      let source = MemoryFile(plaintext, step: 64) {
        reads.withLock { reads in
          reads += 1
          return max(2000 - reads * 40, 70)
        }
      }
      let sink = MemoryOutput(step: 50, failingAt: position)
      let summary = try? MessageEncryptor(
        keyrings: [try testKeyring()], encryptionContext: EncryptionContext(),
        frameLength: Self.frameLength, scheduler: Self.scheduler(jobs)
      ).encrypt(from: source, to: sink)
      guard let summary else { continue }
      let opened = MemoryOutput()
      _ = try Self.decryptor(1).decrypt(from: MemoryFile(sink.bytes), to: opened)
      #expect(plaintext.starts(with: opened.bytes))
      #expect(opened.bytes.count == Int(summary.plaintextCount))
    }
  }

  /// A pipe that stalls: the frames that have arrived are released before the rest arrives.
  @Test func framesComeOutBeforeTheNextOnesAreThere() throws {
    let plaintext = patternBytes(100)
    let message = try Self.message(of: plaintext)
    let start = try MessageHeaderTests.parse(message).length
    let sink = MemoryOutput(isPositional: false)
    let source = HesitantSource(message, stopsBehind: start + 2 * Self.frameLength.sealedBytes) {
      sink.bytes.count
    }
    _ = try Self.decryptor(3).decrypt(from: source, to: sink)
    #expect(sink.bytes == plaintext)
    #expect(source.countAtStop == 32)
  }

  /// A failing output ends a stream whose input would never have ended.
  @Test func nobodyWaitsForInputThatNobodyWants() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let input = Descriptor(owning: ends[0], path: "input")
    let writer = Descriptor(owning: ends[1], path: "writer")
    let plaintext = patternBytes(1000)
    try writer.write(plaintext.span.bytes)
    #expect(throws: InjectedError(position: 300)) {
      try MessageEncryptor(
        keyrings: [try testKeyring()], encryptionContext: EncryptionContext(),
        frameLength: Self.frameLength, scheduler: Self.scheduler(3)
      ).encrypt(
        from: DescriptorSource(input), to: MemoryOutput(failingAt: 300, isPositional: false))
    }
  }
}

/// Provides nothing after a certain byte until it has been asked if it is ready.
private final class HesitantSource: ByteSource {
  private let bytes: [UInt8]
  private let stop: Int
  private let measure: () -> Int
  private var offset = 0
  private(set) var countAtStop = -1

  init(_ bytes: [UInt8], stopsBehind stop: Int, measure: @escaping () -> Int) {
    self.bytes = bytes
    self.stop = stop
    self.measure = measure
  }

  let expectedCount: Int64? = nil

  func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness {
    guard offset == stop, countAtStop != 32 else { return .ready }
    if milliseconds != nil { return .notYet }
    // A reader that waits without a limit must have released the available frames. Another thread
    // writes them, which takes a moment.
    for _ in 0..<60_000 where measure() != 32 { usleep(1000) }
    countAtStop = measure()
    return .ready
  }

  func read(into buffer: inout MutableRawSpan) -> Int {
    let end = offset < stop ? stop : bytes.count
    let count = min(end - offset, buffer.byteCount)
    let piece = bytes[offset..<offset + count]
    buffer.withUnsafeMutableBytes { $0.copyBytes(from: piece) }
    offset += count
    return count
  }
}
