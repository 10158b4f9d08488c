import Testing

@testable import Envelope
@testable import TestSupport

@Suite struct KeyringTests {
  @Test(arguments: [16, 24, 32])
  func rawAESUnwrapsItsOwnOnly(length: Int) throws {
    func keyring(_ name: String, _ provider: String, _ byte: UInt8) throws -> RawAESKeyring {
      RawAESKeyring(
        providerID: provider, keyName: name,
        wrappingKey: try WrappingKey(bytes: SecretBytes([UInt8](repeating: byte, count: length))))
    }
    let own = try keyring("a", "p", 1)
    let wrapped = try TestWrapping.wrap(own)
    #expect(try TestWrapping.unwrap(own, wrapped) == patternBytes(32))
    #expect(try TestWrapping.unwrap(own, wrapped, context: [1, 2]) == nil)
    #expect(try TestWrapping.unwrap(try keyring("b", "p", 1), wrapped) == nil)
    #expect(try TestWrapping.unwrap(try keyring("a", "q", 1), wrapped) == nil)
    #expect(try TestWrapping.unwrap(try keyring("a", "p", 2), wrapped) == nil)
    for position in wrapped.ciphertext.indices {
      var ciphertext = wrapped.ciphertext
      ciphertext[position] ^= 0x80
      let changed = EncryptedDataKey(
        providerID: wrapped.providerID, providerInformation: wrapped.providerInformation,
        ciphertext: ciphertext)
      #expect(try TestWrapping.unwrap(own, changed) == nil)
    }
    let short = EncryptedDataKey(
      providerID: wrapped.providerID, providerInformation: wrapped.providerInformation,
      ciphertext: [1, 2, 3])
    #expect(try TestWrapping.unwrap(own, short) == nil)
  }

  @Test func rawRSAUnwrapsItsOwnOnly() throws {
    let key = try RSAPrivateKey.generate(bits: 2048)
    let pem = try key.publicKey().pem()
    let recipient = try Recipient.keyrings(pem: pem)[0]
    let wrapped = try TestWrapping.wrap(recipient)
    #expect(wrapped.providerID == "envcrypt-spki")
    #expect(wrapped.keyName == (try key.publicKey().fingerprint()))
    // A public key wraps and never unwraps.
    #expect(try TestWrapping.unwrap(recipient, wrapped) == nil)
    let file = try KeyringFile(parsing: try key.pem().exposed)
    let keyrings = try file.keyrings()
    #expect(try TestWrapping.unwrap(keyrings[0], wrapped) == patternBytes(32))
    let other = try KeyringFile(parsing: try RSAPrivateKey.generate(bits: 2048).pem().exposed)
    #expect(try TestWrapping.unwrap(try other.keyrings()[0], wrapped) == nil)
  }

  @Test func pkcs1IsForReadingOnly() throws {
    let key = try RSAPrivateKey.generate(bits: 2048)
    let ciphertext = try key.publicKey().encrypt(
      SecretBytes(patternBytes(32)), padding: .pkcs1)
    let keyring = try RawRSAKeyring(
      providerID: "p", keyName: "k", padding: .pkcs1, privateKey: key)
    #expect(throws: KeyringError.readOnlyPadding(keyName: "k")) { try TestWrapping.wrap(keyring) }
    let wrapped = EncryptedDataKey(
      providerID: "p", providerInformation: Array("k".utf8), ciphertext: ciphertext)
    #expect(try TestWrapping.unwrap(keyring, wrapped) == patternBytes(32))
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
    (
      "",
      "it is neither JSON nor a PEM key: line 1, column 1: expected a value, found the end"
    ),
    ("{}", "the file has no 'keys'"),
    ("{\"keys\": []}", "there are no keys in it"),
    (
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
      "block 1 (PUBLIC KEY): not a DER SubjectPublicKeyInfo"
    ),
    (
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
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

  /// Only the parameters of the algorithm are accepted: a tag of 128 bits and a nonce of 12 bytes.
  @Test(arguments: [0, 12, 64, 96, 120, 127, 129, 256, 0x8000_0000], [0, 8, 11, 12, 13, 16])
  func rawAESParametersAreThoseOfItsAlgorithm(tagBits: UInt64, nonceLength: UInt64) throws {
    let keyring = try testKeyring()
    let wrapped = try TestWrapping.wrap(keyring)
    let nonce = Array(wrapped.providerInformation.suffix(12))
    func unwrap(_ tagBits: UInt64, _ nonceLength: UInt64) throws -> [UInt8]? {
      try TestWrapping.unwrap(
        keyring,
        EncryptedDataKey(
          providerID: wrapped.providerID,
          providerInformation: Array("test".utf8) + CraftedMessage.bigEndian(tagBits, 4)
            + CraftedMessage.bigEndian(nonceLength, 4) + nonce, ciphertext: wrapped.ciphertext))
    }
    #expect(try unwrap(tagBits, nonceLength) == nil)
    #expect(try unwrap(tagBits, 12) == nil)
    #expect(try unwrap(128, nonceLength) == (nonceLength == 12 ? patternBytes(32) : nil))
  }

  @Test func everyWrappingHasANonceOfItsOwn() throws {
    let keyring = try testKeyring()
    let nonces = try (0..<16).map { _ in
      try TestWrapping.wrap(keyring).providerInformation.suffix(12)
    }
    #expect(Set(nonces).count == 16)
  }

  /// A raw key cannot have the provider ID of AWS KMS.
  @Test(arguments: ["aws-kms", "aws-kms-x", "aws-kmsx"])
  func theNameOfAWSKMSIsRefused(providerID: String) throws {
    let rsa = String(decoding: try RSAPrivateKey.generate(bits: 2048).pem().exposed, as: UTF8.self)
    let aes = String(decoding: Base64.encode(patternBytes(32)), as: UTF8.self)
    for (algorithm, type, encoding, material) in [
      (
        KeyringFile.Entry.Algorithm.aes, KeyringFile.Entry.KeyType.symmetric,
        KeyringFile.Entry.Encoding.base64, aes
      ),
      (.rsa, .private, .pem, rsa),
    ] {
      func file(_ providerID: String) -> KeyringFile {
        KeyringFile(keys: [
          KeyringFile.Entry(
            providerID: providerID, keyID: "k", algorithm: algorithm, type: type,
            encoding: encoding, material: SecretText(material), paddingAlgorithm: .oaepMGF1,
            paddingHash: .sha256)
        ])
      }
      #expect(try file("aws-km").keyrings().count == 1)
      #expect(
        throws: KeyringError.malformedFile(
          "key 'k': 'provider-id' \(providerID) is for keys in AWS KMS")
      ) { try file(providerID).keyrings() }
    }
  }

  /// A private key with a public exponent that does not belong to it: nobody could open what it
  /// wraps.
  @Test(arguments: [RSAPadding.oaep(.sha1), .oaep(.sha256), .oaep(.sha512)])
  func aPrivateKeyWithAnotherPublicHalfDoesNotWrap(padding: RSAPadding) throws {
    var der = try RSAPrivateKey.generate(bits: 2048).pkcs8().exposed
    let exponent: [UInt8] = [0x02, 0x03, 0x01, 0x00, 0x01]
    let place = try #require(der.indices.first { der[$0...].starts(with: exponent) })
    der[place + 4] = 3
    let keyring = try RawRSAKeyring(
      providerID: "p", keyName: "k", padding: padding,
      privateKey: try RSAPrivateKey(pkcs8: SecretBytes(der)))
    #expect(
      throws: CryptoError.invalidKey("a private key with the public key of another")
    ) { try TestWrapping.wrap(keyring) }
  }

  /// A keyring unwraps only what was wrapped with its own padding, provider ID and key name.
  @Test(arguments: [RSAPadding.oaep(.sha1), .oaep(.sha256), .oaep(.sha384), .oaep(.sha512)])
  func paddingsAreKeptApart(padding: RSAPadding) throws {
    let key = try RSAPrivateKey.generate(bits: 2048)
    let wrapped = try TestWrapping.wrap(
      RawRSAKeyring(
        providerID: "p", keyName: "k", padding: padding, publicKey: try key.publicKey()))
    let pkcs8 = try key.pkcs8()
    for other in [RSAPadding.oaep(.sha1), .oaep(.sha256), .oaep(.sha384), .oaep(.sha512)] {
      let keyring = try RawRSAKeyring(
        providerID: "p", keyName: "k", padding: other, privateKey: RSAPrivateKey(pkcs8: pkcs8))
      #expect(
        try TestWrapping.unwrap(keyring, wrapped) == (other == padding ? patternBytes(32) : nil))
    }
    for (providerID, keyName) in [("q", "k"), ("p", "l"), ("p", "k2"), ("p", "")] {
      let keyring = try RawRSAKeyring(
        providerID: providerID, keyName: keyName, padding: padding,
        privateKey: RSAPrivateKey(pkcs8: pkcs8))
      #expect(try TestWrapping.unwrap(keyring, wrapped) == nil)
    }
  }

  /// Keys are tried one after the other: the second key of a name opens the message if the first
  /// does not.
  @Test func everyKeyOfANameIsTried() throws {
    let sink = MemorySink(discardsOnFailure: false)
    _ = try MessageEncryptor(
      keyrings: [try testKeyring(byte: 1), try testKeyring(byte: 2)],
      encryptionContext: EncryptionContext()
    ).encrypt(from: MemorySource(patternBytes(10)), to: sink)
    for byte in [1, 2] as [UInt8] {
      let out = MemorySink(discardsOnFailure: false)
      _ = try MessageDecryptor(
        materialsProvider: MultiKeyring([try testKeyring(byte: 3), try testKeyring(byte: byte)]),
        requiredContext: EncryptionContext()
      ).decrypt(from: MemorySource(sink.bytes), to: out)
      #expect(out.bytes == patternBytes(10))
    }
  }
}
