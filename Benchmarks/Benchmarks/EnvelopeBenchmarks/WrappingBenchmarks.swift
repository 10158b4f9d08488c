import Benchmark
import Envelope
import KMSAPI

/// Wraps and unwraps one data key under a key that is in memory, and looks keys up in a keystore.
func registerWrappingBenchmarks() {
  registerWrapping("AES-256", .symmetricDefault, scale: .kilo)
  registerWrapping("RSA-2048", .rsa2048, scale: .one)
  registerWrapping("RSA-4096", .rsa4096, scale: .one)
  registerLookup("AES-256", .symmetricDefault)
  registerLookup("RSA-2048", .rsa2048)
}

private func registerWrapping(_ name: String, _ spec: KeySpec, scale: BenchmarkScalingFactor) {
  var configuration = Benchmark.defaultConfiguration
  configuration.scalingFactor = scale
  Benchmark(
    "Wrap under \(name)", configuration: configuration,
    closure: { (benchmark: Benchmark, fixture: WrappingFixture) in
      let probe = WrapProbe(fixture.keyring, benchmark)
      _ = try MessageEncryptor(keyrings: [probe], encryptionContext: EncryptionContext())
        .encrypt(from: MemorySource([]), to: NullSink())
    },
    setup: { try WrappingFixture(ThrowAwayKeystore().rawKeyring(spec)) },
    teardown: ThrowAwayKeystore.removeAll)
  Benchmark(
    "Unwrap under \(name)", configuration: configuration,
    closure: { (benchmark: Benchmark, fixture: WrappingFixture) in
      for _ in benchmark.scaledIterations {
        guard try fixture.keyring.unwrap(fixture.wrapped, context: []) != nil else {
          benchmark.error("a data key does not unwrap")
          return
        }
      }
    },
    setup: { try WrappingFixture(ThrowAwayKeystore().rawKeyring(spec)) },
    teardown: ThrowAwayKeystore.removeAll)
}

/// Looks up a key in the database, verifies its records and unwraps it with the root key; then uses
/// it once.
private func registerLookup(_ name: String, _ spec: KeySpec) {
  Benchmark(
    "Look up \(name) to wrap",
    closure: { (benchmark: Benchmark, lookUp: () throws -> any Keyring) in
      blackHole(try lookUp())
    },
    setup: { try ThrowAwayKeystore().wrappingKey(spec) }, teardown: ThrowAwayKeystore.removeAll)
  Benchmark(
    "Look up \(name) and unwrap",
    closure: { (benchmark: Benchmark, fixture: LookupFixture) in
      let keyring = fixture.keystore.unwrappingKeyring()
      if try keyring.unwrap(fixture.wrapped, context: []) == nil {
        benchmark.error("a data key does not unwrap")
      }
    },
    setup: { try LookupFixture(spec) }, teardown: ThrowAwayKeystore.removeAll)
}

private func wrappedDataKey(_ keyring: any Keyring) throws -> EncryptedDataKey {
  let summary = try MessageEncryptor(
    keyrings: [keyring], encryptionContext: EncryptionContext()
  ).encrypt(from: MemorySource([]), to: NullSink())
  return summary.header.encryptedDataKeys[0]
}

/// A keyring, and a data key that it wrapped.
private struct WrappingFixture {
  let keyring: any Keyring
  let wrapped: EncryptedDataKey

  init(_ keyring: any Keyring) throws {
    self.keyring = keyring
    wrapped = try wrappedDataKey(keyring)
  }
}

/// A keystore, and a data key that one of its keys wrapped.
private struct LookupFixture {
  let keystore: ThrowAwayKeystore
  let wrapped: EncryptedDataKey

  init(_ spec: KeySpec) throws {
    keystore = try ThrowAwayKeystore()
    wrapped = try wrappedDataKey(try keystore.wrappingKey(spec)())
  }
}

/// Only an encryption provides a data key to wrap, so the measurement takes place inside one.
private final class WrapProbe: Keyring, @unchecked Sendable {
  private let keyring: any Keyring
  private let benchmark: Benchmark

  init(_ keyring: any Keyring, _ benchmark: Benchmark) {
    self.keyring = keyring
    self.benchmark = benchmark
  }

  var keyDescriptions: [String] { keyring.keyDescriptions }
  var wrappingKey: WrappingKeyName? { keyring.wrappingKey }

  func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey {
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations { blackHole(try keyring.wrap(request)) }
    benchmark.stopMeasurement()
    return try keyring.wrap(request)
  }

  func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey? { nil }
}
