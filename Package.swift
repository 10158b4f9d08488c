// swift-tools-version: 6.1

import PackageDescription

let package = Package(
  name: "envcrypt",
  products: [
    .executable(name: "envcrypt", targets: ["envcrypt"]),
    .library(name: "Envelope", targets: ["Envelope"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(
      name: "COpenSSL",
      pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"])]
    ),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(
      name: "CSQLite",
      providers: [.apt(["libsqlite3-dev"])]
    ),
    .target(name: "CProcess"),
    // Encrypts and decrypts messages. It does not know the keystore.
    .target(
      name: "Envelope",
      dependencies: [
        "CLinux", "COpenSSL", .product(name: "SystemPackage", package: "swift-system"),
      ]
    ),
    // The interface of the KMS API: operations, shapes, names, errors.
    .target(name: "KMSAPI", dependencies: ["Envelope"]),
    // Decides what key policies and grants allow.
    .target(name: "KMSPolicy", dependencies: ["KMSAPI", "Envelope"]),
    // The keystore file: records, protectors, ledger, audit log. Only this module uses SQL.
    .target(
      name: "KMSKeystore",
      dependencies: [
        "KMSAPI", "Envelope", "CLinux", "CSQLite",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]
    ),
    // Carries out the operations of the KMS API with a keystore, and makes keyrings of its keys.
    .target(
      name: "KMSService",
      dependencies: [
        "KMSKeystore", "KMSPolicy", "KMSAPI", "Envelope", "CLinux",
        .product(name: "SystemPackage", package: "swift-system"),
      ]
    ),
    // Applies CloudFormation templates.
    .target(
      name: "KMSTemplates",
      dependencies: [
        "KMSService", "KMSKeystore", "KMSPolicy", "KMSAPI", "Envelope",
        .product(name: "Yams", package: "Yams"),
      ]
    ),
    .executableTarget(
      name: "envcrypt",
      dependencies: [
        "KMSTemplates", "KMSService", "KMSKeystore", "KMSPolicy", "KMSAPI", "Envelope",
        "CLinux", "CProcess",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]
    ),
    // Helpers that several test targets share: keystores, messages and streams in memory, the built
    // tool.
    .target(
      name: "TestSupport",
      dependencies: [
        "KMSTemplates", "KMSService", "KMSKeystore", "KMSPolicy", "KMSAPI", "Envelope",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Tests/TestSupport",
      exclude: ["example.yaml"]
    ),
    .testTarget(
      name: "EnvelopeTests",
      dependencies: ["Envelope", "TestSupport"],
      exclude: ["Crypto/vectors.json", "Crypto/vectors.py", "Vectors/reference-sdk"]
    ),
    .testTarget(
      name: "KMSAPITests", dependencies: ["KMSAPI", "TestSupport"], exclude: ["responses.txt"]),
    .testTarget(name: "KMSPolicyTests", dependencies: ["KMSPolicy", "TestSupport"]),
    .testTarget(
      name: "KMSKeystoreTests",
      dependencies: [
        "KMSKeystore", "KMSService", "TestSupport", .product(name: "GRDB", package: "GRDB.swift"),
      ],
      exclude: ["schema-1", "schema-3"]
    ),
    .testTarget(
      name: "KMSServiceTests",
      dependencies: [
        "KMSService", "KMSTemplates", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]
    ),
    .testTarget(name: "KMSTemplatesTests", dependencies: ["KMSTemplates", "TestSupport"]),
    .testTarget(
      name: "envcryptTests",
      dependencies: ["envcrypt", "TestSupport"],
      exclude: ["cases", "clock.c", "pause.c", "prelude.sh"]
    ),
    // Tests that take minutes: other implementations, big files, faults at every system call.
    .testTarget(
      name: "LongTests", dependencies: ["envcrypt", "TestSupport"], exclude: ["peers", "recipes"]),
  ],
  swiftLanguageModes: [.v6]
)
