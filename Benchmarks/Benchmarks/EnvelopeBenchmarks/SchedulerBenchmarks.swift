import AllocationCounter
import Benchmark
import Envelope
import SystemPackage

/// The cost of passing frames to several threads, and the allocations for a frame.
func registerSchedulerBenchmarks() {
  registerStreams()
  registerSmallMessage()
  registerAllocations()
}

private enum SchedulerMetric {
  static let throughput = BenchmarkMetric.custom(
    "Throughput (MB/s)", polarity: .prefersLarger, useScalingFactor: false)
  static let frame = BenchmarkMetric.custom(
    "Allocations per 1000 frames", useScalingFactor: false)
}

/// One stream on several threads. With frames that are cheap to seal, the cost of passing them
/// dominates.
private func registerStreams() {
  var configuration = Benchmark.defaultConfiguration
  configuration.metrics = [SchedulerMetric.throughput, .wallClock]
  let count = 256 << 20
  for jobs in [1, 2, 4, 16] {
    Benchmark(
      "Seal a pipe on \(jobs) threads", configuration: configuration,
      closure: { (benchmark: Benchmark, encryptor: MessageEncryptor) in
        let source = PatternSource(count: count)
        let clock = ContinuousClock()
        benchmark.startMeasurement()
        let duration = try clock.measure {
          blackHole(try encryptor.encrypt(from: source, to: NullSink()))
        }
        benchmark.stopMeasurement()
        let seconds =
          Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        benchmark.measurement(SchedulerMetric.throughput, Int(Double(count) / 1e6 / seconds))
      },
      setup: { try makeEncryptor(jobs: jobs) }, teardown: ThrowAwayKeystore.removeAll)
  }
}

/// A message of one byte: data key, header, pipeline and final frame.
private func registerSmallMessage() {
  Benchmark(
    "A message of one byte",
    closure: { (benchmark: Benchmark, encryptor: MessageEncryptor) in
      blackHole(try encryptor.encrypt(from: MemorySource([1]), to: NullSink()))
    },
    setup: { try makeEncryptor(jobs: 1) }, teardown: ThrowAwayKeystore.removeAll)
}

/// The allocations of a long message minus those of a short one, divided by the difference in
/// frames. Zero if every buffer is reused.
private func registerAllocations() {
  var configuration = Benchmark.defaultConfiguration
  configuration.metrics = [SchedulerMetric.frame]
  for jobs in [1, 2] {
    Benchmark(
      "Allocations of sealing, \(jobs) threads", configuration: configuration,
      closure: { (benchmark: Benchmark, encryptor: MessageEncryptor) in
        let (few, many) = (1000, 9000)
        var counts: [UInt] = []
        for frames in [few, few, many] {
          let source = PatternSource(count: frames * frameLength)
          let before = allocation_count()
          blackHole(try encryptor.encrypt(from: source, to: NullSink()))
          counts.append(allocation_count() - before)
        }
        let more = Int(counts[2]) - Int(counts[1])
        benchmark.measurement(SchedulerMetric.frame, max(more, 0) * 1000 / (many - few))
      },
      setup: { try makeEncryptor(jobs: jobs) }, teardown: ThrowAwayKeystore.removeAll)
  }
}

private let frameLength = 4 << 10

private func makeEncryptor(jobs: Int) throws -> MessageEncryptor {
  MessageEncryptor(
    keyrings: [try ThrowAwayKeystore().rawKeyring(.symmetricDefault)],
    encryptionContext: EncryptionContext(), frameLength: try FrameLength(UInt32(frameLength)),
    scheduler: Scheduler(jobs: jobs))
}
