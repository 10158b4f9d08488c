import Benchmark
import Envelope

let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock], warmupIterations: 2, maxDuration: .seconds(2),
    maxIterations: 1000)
  registerFrameBenchmarks()
  registerHeaderBenchmarks()
  registerWrappingBenchmarks()
  registerSchedulerBenchmarks()
}
