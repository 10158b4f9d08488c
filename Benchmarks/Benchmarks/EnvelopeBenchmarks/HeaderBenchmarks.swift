import Benchmark
import Envelope

/// The cost of a message without its frames.
func registerHeaderBenchmarks() {
  var configuration = Benchmark.defaultConfiguration
  configuration.scalingFactor = .kilo
  Benchmark(
    "Parse a header", configuration: configuration,
    closure: { (benchmark: Benchmark, message: [UInt8]) in
      // Providing no key ends decryption immediately after the header.
      let decryptor = MessageDecryptor(
        materialsProvider: NoKeys(), requiredContext: EncryptionContext())
      for _ in benchmark.scaledIterations {
        do {
          _ = try decryptor.decrypt(from: MemorySource(message), to: NullSink())
          benchmark.error("a message was decrypted without a key")
        } catch NoKeys.Reached.keys {}
      }
    },
    setup: { try emptyMessage(under: [try ThrowAwayKeystore().rawKeyring(.symmetricDefault)]) },
    teardown: ThrowAwayKeystore.removeAll)
  Benchmark(
    "Encrypt an empty message", configuration: configuration,
    closure: { (benchmark: Benchmark, keyring: any Keyring) in
      let encryptor = MessageEncryptor(
        keyrings: [keyring], encryptionContext: EncryptionContext())
      for _ in benchmark.scaledIterations {
        blackHole(try encryptor.encrypt(from: MemorySource([]), to: NullSink()))
      }
    },
    setup: { try ThrowAwayKeystore().rawKeyring(.symmetricDefault) },
    teardown: ThrowAwayKeystore.removeAll)
  Benchmark(
    "Decrypt an empty message", configuration: configuration,
    closure: { (benchmark: Benchmark, setup: (keyring: any Keyring, message: [UInt8])) in
      let decryptor = MessageDecryptor(
        materialsProvider: MultiKeyring([setup.keyring]), requiredContext: EncryptionContext())
      for _ in benchmark.scaledIterations {
        blackHole(try decryptor.decrypt(from: MemorySource(setup.message), to: NullSink()))
      }
    },
    setup: {
      let keyring = try ThrowAwayKeystore().rawKeyring(.symmetricDefault)
      return (keyring: keyring, message: try emptyMessage(under: [keyring]))
    }, teardown: ThrowAwayKeystore.removeAll)
}

private func emptyMessage(under keyrings: [any Keyring]) throws -> [UInt8] {
  let context = try EncryptionContext([
    (key: "purpose", value: "benchmark"), (key: "stage", value: "header"),
  ])
  let sink = MemorySink(capacity: 4096)
  _ = try MessageEncryptor(keyrings: keyrings, encryptionContext: context)
    .encrypt(from: MemorySource([]), to: sink)
  return sink.bytes
}

private struct NoKeys: DecryptionMaterialsProvider {
  enum Reached: Error { case keys }

  func open<Opened: ~Copyable>(
    _ header: MessageHeader, _ body: (borrowing DataKey) throws -> Opened?
  ) throws -> Opened { throw Reached.keys }
}
