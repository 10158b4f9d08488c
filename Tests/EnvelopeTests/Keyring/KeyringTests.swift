import Testing

@testable import Envelope

@Suite struct KeyringTests {
  static func wrap(
    _ keyring: any Keyring, context: [UInt8] = [1, 2, 3]
  ) throws -> EncryptedDataKey {
    try keyring.wrap(
      WrapRequest(dataKey: DataKey(bytes: SecretBytes(patternBytes(32))), context: context))
  }

  static func unwrap(
    _ keyring: any Keyring, _ key: EncryptedDataKey, context: [UInt8] = [1, 2, 3]
  ) throws -> [UInt8]? {
    guard let dataKey = try keyring.unwrap(key, context: context) else { return nil }
    return dataKey.bytes.exposed
  }

  @Test(arguments: [16, 24, 32])
  func rawAESUnwrapsItsOwnOnly(length: Int) throws {
    func keyring(_ name: String, _ provider: String, _ byte: UInt8) throws -> RawAESKeyring {
      RawAESKeyring(
        providerID: provider, keyName: name,
        wrappingKey: try WrappingKey(bytes: SecretBytes([UInt8](repeating: byte, count: length))))
    }
    let own = try keyring("a", "p", 1)
    let wrapped = try Self.wrap(own)
    #expect(try Self.unwrap(own, wrapped) == patternBytes(32))
    #expect(try Self.unwrap(own, wrapped, context: [1, 2]) == nil)
    #expect(try Self.unwrap(try keyring("b", "p", 1), wrapped) == nil)
    #expect(try Self.unwrap(try keyring("a", "q", 1), wrapped) == nil)
    #expect(try Self.unwrap(try keyring("a", "p", 2), wrapped) == nil)
    for position in wrapped.ciphertext.indices {
      var ciphertext = wrapped.ciphertext
      ciphertext[position] ^= 0x80
      let changed = EncryptedDataKey(
        providerID: wrapped.providerID, providerInformation: wrapped.providerInformation,
        ciphertext: ciphertext)
      #expect(try Self.unwrap(own, changed) == nil)
    }
    let short = EncryptedDataKey(
      providerID: wrapped.providerID, providerInformation: wrapped.providerInformation,
      ciphertext: [1, 2, 3])
    #expect(try Self.unwrap(own, short) == nil)
  }

  @Test func rawRSAUnwrapsItsOwnOnly() throws {
    let key = try RSAPrivateKey.generate(bits: 2048)
    let pem = try key.publicKey().pem()
    let recipient = try Recipient.keyring(pem: Array(pem.utf8))
    let wrapped = try Self.wrap(recipient)
    #expect(wrapped.providerID == "envcrypt-spki")
    #expect(wrapped.keyName == (try key.publicKey().fingerprint()))
    // A public key wraps and never unwraps.
    #expect(try Self.unwrap(recipient, wrapped) == nil)
    let file = try KeyringFile(parsing: try key.pem().exposed)
    let keyrings = try file.keyrings()
    #expect(try Self.unwrap(keyrings[0], wrapped) == patternBytes(32))
    let other = try KeyringFile(parsing: try RSAPrivateKey.generate(bits: 2048).pem().exposed)
    #expect(try Self.unwrap(try other.keyrings()[0], wrapped) == nil)
  }

  @Test func pkcs1IsForReadingOnly() throws {
    let key = try RSAPrivateKey.generate(bits: 2048)
    let ciphertext = try key.publicKey().encrypt(
      SecretBytes(patternBytes(32)), padding: .pkcs1)
    let keyring = try RawRSAKeyring(
      providerID: "p", keyName: "k", padding: .pkcs1, privateKey: key)
    #expect(throws: KeyringError.readOnlyPadding(keyName: "k")) { try Self.wrap(keyring) }
    let wrapped = EncryptedDataKey(
      providerID: "p", providerInformation: Array("k".utf8), ciphertext: ciphertext)
    #expect(try Self.unwrap(keyring, wrapped) == patternBytes(32))
  }

  @Test func anyOneOfSeveralOpens() throws {
    let sink = MemorySink(discardsOnFailure: false)
    let names = ["one", "two", "three"]
    _ = try MessageEncryptor(
      keyrings: try names.enumerated().map { try testKeyring(name: $1, byte: UInt8($0 + 1)) },
      encryptionContext: EncryptionContext()
    ).encrypt(from: MemorySource(patternBytes(10)), to: sink)
    for (index, name) in names.enumerated() {
      let out = MemorySink(discardsOnFailure: false)
      _ = try MessageDecryptor(
        materialsProvider: MultiKeyring([
          try testKeyring(name: "nobody"), try testKeyring(name: name, byte: UInt8(index + 1)),
        ]), requiredContext: EncryptionContext()
      ).decrypt(from: MemorySource(sink.bytes), to: out)
      #expect(out.bytes == patternBytes(10))
    }
    #expect(
      throws: NoMatchingKeyError(
        wanted: names.map { .init(providerID: "tests", keyName: $0) },
        offered: ["tests nobody"])
    ) {
      try MessageDecryptor(
        materialsProvider: MultiKeyring([try testKeyring(name: "nobody")]),
        requiredContext: EncryptionContext()
      ).decrypt(from: MemorySource(sink.bytes), to: MemorySink(discardsOnFailure: false))
    }
  }

  @Test(arguments: [
    ("", "it is neither JSON nor a PEM private key"),
    ("{}", "the file has no 'keys'"),
    ("{\"keys\": []}", "there are no keys in it"),
    (
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
      "not an unencrypted PEM private key"
    ),
  ])
  func brokenKeyringFilesSayWhatIsWrong(text: String, reason: String) {
    #expect(throws: KeyringError.malformedFile(reason)) {
      try KeyringFile(parsing: Array(text.utf8))
    }
  }

  @Test(arguments: [
    ("\"AAAA\"", "256", "an AES key has 16, 24 or 32 bytes, this one has 3"),
    ("\"?\"", "256", "material is not base64"),
    ("\"AAAAAAAAAAAAAAAAAAAAAA==\"", "256", "'bits' says 256, the material has 128"),
  ])
  func brokenKeysAreNamed(material: String, bits: String, reason: String) throws {
    let text = """
      {"keys": [{"provider-id": "p", "key-id": "k", "algorithm": "aes", "type": "symmetric",
        "encoding": "base64", "bits": \(bits), "material": \(material)}]}
      """
    let file = try KeyringFile(parsing: Array(text.utf8))
    #expect(throws: KeyringError.malformedFile("key 'k': \(reason)")) { try file.keyrings() }
  }
}
