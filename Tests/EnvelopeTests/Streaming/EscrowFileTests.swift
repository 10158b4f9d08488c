import Testing

@testable import Envelope
@testable import TestSupport

/// Keyring files that are encrypted.
@Suite struct EscrowFileTests {
  private func secret(_ text: String) -> SecretBytes { SecretBytes(Array(text.utf8)) }

  private func isSealed(_ text: [UInt8]) -> Bool { EscrowFile.isSealed(SecretBytes(text)) }

  private func keys(_ count: Int) -> KeyringFile {
    KeyringFile(
      keys: (1...count).map {
        KeyringFile.Entry(
          providerID: "envcrypt", keyID: "a/\($0)", algorithm: .aes, type: .symmetric, bits: 256,
          encoding: .base64,
          material: SecretText(Base64.encodeSecret(SecretBytes(count: 32) { _ in })))
      }, aliases: ["alias/a": "a"])
  }

  @Test func onlyThePassphraseOpensTheFile() throws {
    let file = keys(1000)
    let text = try EscrowFile.sealed(file, passphrase: secret("correct horse"))
    #expect(isSealed(text))
    #expect(try EscrowFile.open(SecretBytes(text), passphrase: secret("correct horse")) == file)
    for wrong in ["correct hors", "correct horse ", "x", ""] {
      #expect(try EscrowFile.open(SecretBytes(text), passphrase: secret(wrong)) == nil)
    }
    let clear = file.serialized().withBytes { $0.withUnsafeBytes { Array($0) } }
    #expect(!isSealed(clear))
    #expect(throws: KeyringError.self) {
      try EscrowFile.open(
        SecretBytes(Array(text.prefix(text.count / 2))), passphrase: secret("correct horse"))
    }
  }

  /// A secret is sealed in the same format as any other plaintext.
  @Test(arguments: [0, 1, 4095, 4096, 4097, 8192, 20000])
  func aSecretIsAMessage(count: Int) throws {
    let keyring = RawAESKeyring(
      providerID: "p", keyName: "k",
      wrappingKey: try WrappingKey(bytes: SecretBytes(patternBytes(32))))
    let message = try MessageEncryptor(
      keyrings: [keyring], encryptionContext: EncryptionContext(),
      frameLength: try FrameLength(4096)
    ).encrypt(secret: SecretBytes(patternBytes(count)))
    let source = PlaintextMemory(capacity: 0)
    try source.write(message.span.bytes)
    let sink = SecretSink()
    let summary = try MessageDecryptor(
      materialsProvider: MultiKeyring([keyring]), requiredContext: EncryptionContext(),
      scheduler: Scheduler(forSecrets: ())
    ).decrypt(from: source, to: sink)
    #expect(summary.plaintextCount == Int64(count))
    let isSame = SecretBytes.areEqual(sink.finish(), SecretBytes(patternBytes(count)))
    #expect(isSame)
  }

  /// Every byte of the encrypted key counts: a changed one opens nothing.
  @Test func aChangedKeyOpensNothing() throws {
    let pair = try KeyPair.generate(.rsa(bits: 2048)).pkcs8()
    let sealed = try EncryptedPrivateKey.seal(pkcs8: pair, under: secret("p"))
    guard let opened = try EncryptedPrivateKey.open(SecretBytes(sealed), passphrase: secret("p"))
    else {
      Issue.record("the passphrase does not open the key")
      return
    }
    let isSame = SecretBytes.areEqual(opened, pair)
    #expect(isSame)
    for end in [0, 1, sealed.count / 2, sealed.count - 1] {
      #expect(throws: CryptoError.self) {
        _ = try EncryptedPrivateKey.open(
          SecretBytes(Array(sealed.prefix(end))), passphrase: secret("p"))
      }
    }
    #expect(throws: CryptoError.self) {
      _ = try EncryptedPrivateKey.open(SecretBytes(sealed + [0]), passphrase: secret("p"))
    }
  }

  /// Parameters that would keep envcrypt busy for hours are refused before any work.
  @Test func dearParametersAreRefused() throws {
    let pair = try KeyPair.generate(.rsa(bits: 2048)).pkcs8()
    var sealed = try EncryptedPrivateKey.seal(pkcs8: pair, under: secret("p"))
    // INTEGER 16384, INTEGER 8, INTEGER 8: the cost, the block size and the parallelism.
    let ours: [UInt8] = [2, 2, 0x40, 0, 2, 1, 8, 2, 1, 8]
    let start = try #require(sealed.indices.first { sealed[$0...].starts(with: ours) })
    sealed[start + 2] = 0x7F
    sealed[start + 6] = 127
    sealed[start + 9] = 127
    #expect(
      throws: CryptoError.invalidKey("an encrypted private key that takes too much work to open")
    ) {
      _ = try EncryptedPrivateKey.open(SecretBytes(sealed), passphrase: secret("p"))
    }
  }
}
