// swift-tools-version: 6.1

import PackageDescription

// The program's own modules, through symbolic links, so that benchmarks can use what the modules
// share only with each other.
let package = Package(
  name: "envcrypt-benchmarks",
  dependencies: [
    // Without its default traits, which count allocations with jemalloc. AllocationCounter counts
    // them without it.
    .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto"),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CSQLite"),
    .target(
      name: "Envelope",
      dependencies: [
        "CLinux", "COpenSSL", .product(name: "SystemPackage", package: "swift-system"),
      ]
    ),
    .target(name: "KMSAPI", dependencies: ["Envelope"]),
    .target(name: "KMSPolicy", dependencies: ["KMSAPI", "Envelope"]),
    .target(
      name: "KMSKeystore",
      dependencies: [
        "KMSAPI", "Envelope", "CLinux", "CSQLite",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]
    ),
    .target(
      name: "KMSService",
      dependencies: [
        "KMSKeystore", "KMSPolicy", "KMSAPI", "Envelope", "CLinux",
        .product(name: "SystemPackage", package: "swift-system"),
      ]
    ),
    .target(name: "AllocationCounter", path: "Benchmarks/AllocationCounter"),
    .executableTarget(
      name: "EnvelopeBenchmarks",
      dependencies: [
        "AllocationCounter", "KMSService", "KMSKeystore", "KMSAPI", "Envelope",
        .product(name: "Benchmark", package: "benchmark"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Benchmarks/EnvelopeBenchmarks",
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
    ),
    .executableTarget(
      name: "KeyServiceRates",
      dependencies: [
        "KMSService", "KMSKeystore", "KMSAPI", "Envelope",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Benchmarks/KeyServiceRates"
    ),
  ],
  swiftLanguageModes: [.v6]
)
