// swift-tools-version: 6.1

import PackageDescription

// The program's own sources, through symbolic links, built with instrumentation for libFuzzer. A
// fuzz target can use the internal parts of the modules and the command.
let instrumented: [SwiftSetting] = [
  .unsafeFlags(["-enable-testing", "-sanitize=fuzzer,address"])
]

let package = Package(
  name: "envcrypt-fuzz",
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto"),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CSQLite"),
    .target(name: "CProcess"),
    .target(
      name: "Envelope",
      dependencies: [
        "CLinux", "COpenSSL", .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: instrumented
    ),
    .target(name: "KMSAPI", dependencies: ["Envelope"], swiftSettings: instrumented),
    .target(name: "KMSPolicy", dependencies: ["KMSAPI", "Envelope"], swiftSettings: instrumented),
    .target(
      name: "KMSKeystore",
      dependencies: [
        "KMSAPI", "Envelope", "CLinux", "CSQLite",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: instrumented
    ),
    .target(
      name: "KMSService",
      dependencies: [
        "KMSKeystore", "KMSPolicy", "KMSAPI", "Envelope", "CLinux",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: instrumented
    ),
    .target(
      name: "KMSTemplates",
      dependencies: [
        "KMSService", "KMSKeystore", "KMSPolicy", "KMSAPI", "Envelope",
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: instrumented
    ),
    .target(
      name: "envcrypt",
      dependencies: [
        "KMSTemplates", "KMSService", "KMSKeystore", "KMSPolicy", "KMSAPI", "Envelope",
        "CLinux", "CProcess",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: instrumented + [
        // Its main function is not the one that runs.
        .unsafeFlags([
          "-Xfrontend", "-entry-point-function-name", "-Xfrontend", "envcrypt_main",
        ])
      ]
    ),
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "KMSTemplates", "KMSService", "KMSKeystore", "KMSPolicy", "KMSAPI", "Envelope", "envcrypt",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]
    ),
  ],
  swiftLanguageModes: [.v6]
)
