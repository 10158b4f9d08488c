import Benchmark
import Envelope

/// Wraps and unwraps one data key under a key that is in memory, and under one of a keystore.
func registerWrappingBenchmarks() {
  registerWrapping("AES-256", scale: .kilo) { try $0.rawKeyring(.symmetricDefault) }
  registerWrapping("RSA-2048", scale: .one) { try $0.rawKeyring(.rsa2048) }
  registerWrapping("RSA-4096", scale: .one) { try $0.rawKeyring(.rsa4096) }
  // These look the key up in the database and unwrap it with the root key first.
  registerWrapping("keystore AES-256", scale: .one) { try $0.keystoreKeyring(.symmetricDefault) }
  registerWrapping("keystore RSA-2048", scale: .one) { try $0.keystoreKeyring(.rsa2048) }
}

private func registerWrapping(
  _ name: String, scale: BenchmarkScalingFactor,
  _ makeKeyring: @escaping (ThrowAwayKeystore) throws -> any Keyring
) {
  var configuration = Benchmark.defaultConfiguration
  configuration.scalingFactor = scale
  Benchmark(
    "Wrap under \(name)", configuration: configuration,
    closure: { (benchmark: Benchmark, fixture: WrappingFixture) in
      let probe = WrapProbe(fixture.keyring, benchmark)
      _ = try MessageEncryptor(keyrings: [probe], encryptionContext: EncryptionContext())
        .encrypt(from: MemorySource([]), to: NullSink())
    },
    setup: { try WrappingFixture(makeKeyring) }, teardown: ThrowAwayKeystore.removeAll)
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
    setup: { try WrappingFixture(makeKeyring) }, teardown: ThrowAwayKeystore.removeAll)
}

/// A keyring, and a data key that it wrapped.
private struct WrappingFixture {
  let keyring: any Keyring
  let wrapped: EncryptedDataKey

  init(_ makeKeyring: (ThrowAwayKeystore) throws -> any Keyring) throws {
    keyring = try makeKeyring(try ThrowAwayKeystore())
    let summary = try MessageEncryptor(
      keyrings: [keyring], encryptionContext: EncryptionContext()
    ).encrypt(from: MemorySource([]), to: NullSink())
    wrapped = summary.header.encryptedDataKeys[0]
  }
}

/// Only an encryption hands out a data key to wrap: the measurement happens inside of one.
private final class WrapProbe: Keyring {
  private let keyring: any Keyring
  private let benchmark: Benchmark

  init(_ keyring: any Keyring, _ benchmark: Benchmark) {
    self.keyring = keyring
    self.benchmark = benchmark
  }

  var keyDescriptions: [String] { keyring.keyDescriptions }

  func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey {
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations { blackHole(try keyring.wrap(request)) }
    benchmark.stopMeasurement()
    return try keyring.wrap(request)
  }

  func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey? { nil }
}
