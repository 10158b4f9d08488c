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
    .target(
      name: "Envelope",
      dependencies: [
        "CLinux",
        "COpenSSL",
        "CSQLite",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "SystemPackage", package: "swift-system"),
        .product(name: "Yams", package: "Yams"),
      ]
    ),
    .executableTarget(
      name: "envcrypt",
      dependencies: [
        "CLinux",
        "Envelope",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]
    ),
    .testTarget(
      name: "EnvelopeTests",
      dependencies: ["Envelope", "envcrypt"],
      exclude: [
        "CommandLine/cases",
        "CommandLine/prelude.sh",
        "Crypto/vectors.json",
        "Crypto/vectors.py",
        "Interop/big.sh",
        "Interop/interop.py",
        "Interop/interop_ecdh.py",
        "Interop/kms_model.py",
        "Interop/kms_shapes.py",
        "Interop/postgres.sh",
        "Interop/templates.py",
        "Keystore/schema-1",
        "Template/example.yaml",
        "Secrets/pause.c",
        "Vectors/reference-sdk",
      ]
    ),
  ],
  swiftLanguageModes: [.v6]
)
