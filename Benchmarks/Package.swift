// swift-tools-version: 6.1

import PackageDescription

let package = Package(
  name: "envcrypt-benchmarks",
  dependencies: [
    .package(name: "envcrypt", path: ".."),
    // Without its default traits, which count allocations with jemalloc. AllocationCounter counts
    // them without it.
    .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: [
    .target(name: "AllocationCounter", path: "Benchmarks/AllocationCounter"),
    .executableTarget(
      name: "EnvelopeBenchmarks",
      dependencies: [
        "AllocationCounter",
        .product(name: "Benchmark", package: "benchmark"),
        .product(name: "Envelope", package: "envcrypt"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Benchmarks/EnvelopeBenchmarks",
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
    )
  ],
  swiftLanguageModes: [.v6]
)
