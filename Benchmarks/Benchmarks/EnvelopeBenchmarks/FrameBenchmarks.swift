import Benchmark
import Envelope

/// Bytes per second through the frames of one message, and the time for one frame.
private enum FrameMetric {
  static let throughput = BenchmarkMetric.custom(
    "Throughput (MB/s)", polarity: .prefersLarger, useScalingFactor: false)
  static let frame = BenchmarkMetric.custom("One frame (ns)", useScalingFactor: false)
}

/// The plaintext of the measured messages. It is so long that the time for the header does not
/// matter.
private let messageLength = 64 << 20

/// Seals and opens frames as the encrypting and decrypting streams do, on one thread, from memory,
/// discarding the output.
func registerFrameBenchmarks() {
  var configuration = Benchmark.defaultConfiguration
  configuration.metrics = [FrameMetric.throughput, FrameMetric.frame, .wallClock]
  for length: UInt32 in [4 << 10, 16 << 10, 64 << 10, 1 << 20] {
    let name = length < 1 << 20 ? "\(length >> 10) KiB" : "\(length >> 20) MiB"
    Benchmark(
      "Seal frames of \(name)", configuration: configuration,
      closure: { (benchmark: Benchmark, encryptor: MessageEncryptor) in
        let source = PatternSource(count: messageLength)
        try measureFrames(of: Int(length), benchmark) {
          blackHole(try encryptor.encrypt(from: source, to: NullSink()))
        }
      },
      setup: { try FrameFixture(frameLength: length).encryptor },
      teardown: ThrowAwayKeystore.removeAll)
    Benchmark(
      "Open frames of \(name)", configuration: configuration,
      closure: { (benchmark: Benchmark, fixture: FrameFixture) in
        let source = MemorySource(fixture.message)
        let decryptor = fixture.decryptor
        try measureFrames(of: Int(length), benchmark) {
          blackHole(try decryptor.decrypt(from: source, to: NullSink()))
        }
      },
      setup: {
        var fixture = try FrameFixture(frameLength: length)
        try fixture.makeMessage()
        return fixture
      }, teardown: ThrowAwayKeystore.removeAll)
  }
}

private func measureFrames(
  of length: Int, _ benchmark: Benchmark, _ body: () throws -> Void
) throws {
  let clock = ContinuousClock()
  benchmark.startMeasurement()
  let duration = try clock.measure { try body() }
  benchmark.stopMeasurement()
  let nanoseconds =
    Double(duration.components.attoseconds) / 1e9
    + Double(duration.components.seconds) * 1e9
  benchmark.measurement(FrameMetric.throughput, Int(Double(messageLength) * 1e3 / nanoseconds))
  benchmark.measurement(FrameMetric.frame, Int(nanoseconds) / (messageLength / length))
}

/// A raw AES key, and a message under it.
private struct FrameFixture {
  let encryptor: MessageEncryptor
  let decryptor: MessageDecryptor
  private(set) var message: [UInt8] = []

  init(frameLength: UInt32) throws {
    let keyring = try ThrowAwayKeystore().rawKeyring(.symmetricDefault)
    encryptor = MessageEncryptor(
      keyrings: [keyring], encryptionContext: EncryptionContext(),
      frameLength: try FrameLength(frameLength), scheduler: Scheduler(jobs: 1))
    decryptor = MessageDecryptor(
      materialsProvider: MultiKeyring([keyring]), requiredContext: EncryptionContext(),
      scheduler: Scheduler(jobs: 1))
  }

  mutating func makeMessage() throws {
    let sink = MemorySink(capacity: messageLength + messageLength / 64)
    _ = try encryptor.encrypt(from: PatternSource(count: messageLength), to: sink)
    message = sink.bytes
  }
}
