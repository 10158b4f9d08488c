import Foundation
import Testing

@testable import Envelope
@testable import TestSupport

/// The size of a plaintext, computed from the header and the size of the file, is its true size.
@Suite struct MeasuredMessageTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func measure(_ bytes: [UInt8]) throws -> MeasuredMessage {
    let path = directory.path.appending("message")
    try write(bytes, to: path)
    return try MeasuredMessage(try Descriptor.openInput(path), size: Int64(bytes.count))
  }

  private func expect(_ count: Int, _ message: [UInt8], _ what: Comment? = nil) throws {
    let binary = try measure(message)
    #expect(binary.plaintextSize == Int64(count), what)
    #expect(!binary.isArmored, what)
    let armored = try measure(Self.armor(message))
    #expect(armored.plaintextSize == Int64(count), what)
    #expect(armored.isArmored, what)
    #expect(armored.header == binary.header, what)
  }

  static func armor(_ message: [UInt8]) throws -> [UInt8] {
    let sink = MemorySink()
    try ArmorSink.wrapping(sink, if: true) { try $0.write(message.span.bytes) }
    return sink.bytes
  }

  /// The last counts are those at which the file outgrows its first read.
  static let counts = [0, 1, 15, 16, 17, 31, 32, 33, 39, 47, 48, 49, 1000, 3700, 3800, 4096, 5000]

  @Test(arguments: AlgorithmSuite.allCases, [1, 16, 4096, nil] as [Int?])
  func theSizeOfEverySuiteIsTrue(suite: AlgorithmSuite, frameLength: Int?) throws {
    for count in Self.counts where frameLength != 1 || count < 100 {
      let message = CraftedMessage(suite.rawValue, frameLength: frameLength, patternBytes(count))
      try expect(count, try message.bytes(), "\(count)")
    }
  }

  /// After a full last frame, the encryptor writes an empty one.
  @Test(arguments: [AlgorithmSuite.standard, .signing], [1, 16, 1000, 65536] as [UInt32])
  func theSizeOfOurMessagesIsTrue(suite: AlgorithmSuite, frameLength: UInt32) throws {
    let frame = Int(frameLength)
    for count in [0, 1, frame - 1, frame, frame + 1, 2 * frame, 7 * frame + 3] {
      let message = try RoundTripTests.encrypt(
        patternBytes(count), suite: suite, frameLength: frameLength)
      try expect(count, message, "\(count)")
    }
  }

  @Test func theSizeOfAnyMessageIsTrue() throws {
    var random = SeededNumbers(state: 1)
    for _ in 0..<200 {
      let frameLength =
        UInt32(1 << Int.random(in: 0...12, using: &random))
        + UInt32.random(in: 0...3, using: &random)
      let count = Int.random(in: 0...min(20_000, 200 * Int(frameLength)), using: &random)
      let message = try RoundTripTests.encrypt(
        patternBytes(count), suite: Bool.random(using: &random) ? .standard : .signing,
        frameLength: frameLength)
      try expect(count, message, "\(count) bytes in frames of \(frameLength)")
    }
  }

  @Test(arguments: [AlgorithmSuite.standard, .signing], [60, 1000, 5000, 60_000])
  func aLongHeaderIsReadWhole(suite: AlgorithmSuite, length: Int) throws {
    let context: EncryptionContext = ["long": String(repeating: "x", count: length)]
    try expect(100, try RoundTripTests.encrypt(patternBytes(100), suite: suite, context: context))
    #expect(
      try measure(try RoundTripTests.encrypt([], context: context)).header.encryptionContext
        == context)
  }

  @Test func anyNumberOfKeysIsMeasured() throws {
    var message = CraftedMessage(0x0478)
    let key = EncryptedDataKey(
      providerID: "other", providerInformation: [1, 2], ciphertext: patternBytes(100))
    message.otherDataKeys = [EncryptedDataKey](repeating: key, count: 1000)
    try expect(39, try message.bytes())
  }

  /// A signed message could seem whole without its last bytes if the footer were guessed.
  @Test(arguments: AlgorithmSuite.allCases, [16, nil])
  func anIncompleteMessageHasNoSize(suite: AlgorithmSuite, frameLength: Int?) throws {
    let message = try CraftedMessage(suite.rawValue, frameLength: frameLength).bytes()
    for count in 0..<message.count {
      #expect(throws: MessageError.self, "\(count)") { try measure(Array(message[..<count])) }
      #expect(throws: MessageError.self, "\(count), armored") {
        try measure(try Self.armor(Array(message[..<count])))
      }
    }
    for suffix in [1, 16, 48] {
      let longer = message + [UInt8](repeating: 0, count: suffix)
      #expect(throws: MessageError.self) { try measure(longer) }
    }
  }

  @Test func incompleteArmorHasNoSize() throws {
    let armor = try Self.armor(try RoundTripTests.encrypt(patternBytes(100)))
    // The last line feed may be missing.
    for count in 0..<armor.count - 1 {
      #expect(throws: MessageError.self, "\(count)") { try measure(Array(armor[..<count])) }
    }
    #expect(try measure(Array(armor.dropLast())).plaintextSize == 100)
  }

  @Test(arguments: [0, 1, 100, 1000])
  func armorWithOtherLinesIsReadToItsEnd(count: Int) throws {
    let message = try RoundTripTests.encrypt(patternBytes(count), suite: .signing)
    let text = String(decoding: try Self.armor(message), as: UTF8.self)
    let lineFeed = try #require(text.firstIndex(of: "\n"))
    for other in [
      text.replacingOccurrences(of: "\n", with: "\r\n"),
      text.replacingOccurrences(of: "\n", with: " \n"),
      "\n\n" + text, text + "\n\n", "\n" + text.dropLast(),
      text[..<lineFeed] + " " + text[lineFeed...],
    ] {
      #expect(try measure(Array(other.utf8)).plaintextSize == Int64(count), "\(other)")
    }
  }

  @Test func otherFilesAreNotMessages() throws {
    for bytes in [[], [0], [2], Array("hello".utf8), [UInt8](repeating: 2, count: 10_000)] {
      #expect(throws: MessageError.self) { try measure(bytes) }
    }
  }

  @Test func theSizesOfTheReferencesMessagesAreTrue() throws {
    let manifest = try JSONDecoder().decode(
      ReferenceVectorTests.Manifest.self,
      from: Data(contentsOf: ReferenceVectorTests.directory.appendingPathComponent("manifest.json"))
    )
    var count = 0
    for (name, test) in manifest.tests {
      guard let output = test.result.output else { continue }
      let message = try ReferenceVectorTests.bytes(test.ciphertext)
      let size = try ReferenceVectorTests.bytes(output.plaintext).count
      #expect(try measure(message).plaintextSize == Int64(size), "\(name)")
      count += 1
    }
    #expect(count > 100)
  }
}
