import Testing

@testable import Envelope
@testable import TestSupport

/// Published test vectors, run through our wrappers.
@Suite struct KnownAnswerTests {
  /// NIST's GCM test vectors, test cases 16 (AES-256) and 4 (AES-128), both with AAD.
  @Test func gcmSealsAndOpens() throws {
    let plaintext = hexadecimal(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")
    let aad = hexadecimal("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    let nonce = Nonce(bytes: hexadecimal("cafebabefacedbaddecaf888"))
    let key256 = SecretBytes(
      hexadecimal("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"))
    let sealed = try AESGCM.seal(
      plaintext.span.bytes, under: key256, nonce: nonce, authenticating: aad)
    #expect(
      sealed
        == hexadecimal(
          "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
            + "76fc6ece0f4e1768cddf8853bb2d551b"))
    let opened = try AESGCM.open(sealed, under: key256, nonce: nonce, authenticating: aad)
    #expect(opened.exposed == plaintext)

    let key128 = SecretBytes(hexadecimal("feffe9928665731c6d6a8f9467308308"))
    let short = try AESGCM.seal(
      plaintext.span.bytes, under: key128, nonce: nonce, authenticating: aad)
    #expect(short.suffix(16) == hexadecimal("5bc94fbc3221a5db94fae95ae7121a47"))
  }

  @Test(arguments: [0, 5, 19, 35])
  func gcmRefusesAChangedByte(position: Int) throws {
    let key = SecretBytes(patternBytes(32))
    var sealed = try AESGCM.seal(
      patternBytes(20).span.bytes, under: key, nonce: .zero, authenticating: [1, 2])
    sealed[position] ^= 1
    #expect(throws: CryptoError.authenticationFailed) {
      _ = try AESGCM.open(sealed, under: key, nonce: .zero, authenticating: [1, 2]).count
    }
  }

  @Test(arguments: [0, 15, 17, 23, 31, 33, 64])
  func gcmRefusesAKeyOfAnotherLength(count: Int) throws {
    #expect(throws: CryptoError.invalidKey("AES-GCM takes 16, 24 or 32 bytes, not \(count)")) {
      _ = try AESGCM.seal(
        [UInt8]().span.bytes, under: SecretBytes(patternBytes(count)), nonce: .zero,
        authenticating: [])
    }
  }

  /// RFC 5869, appendix A, cases 1 and 3.
  @Test func hkdfDerives() throws {
    let input = SecretBytes([UInt8](repeating: 0x0b, count: 22))
    let first = try HKDF.derive(
      .sha256, from: input, salt: hexadecimal("000102030405060708090a0b0c"),
      info: hexadecimal("f0f1f2f3f4f5f6f7f8f9"), count: 42)
    #expect(
      first.exposed
        == hexadecimal(
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"))
    let third = try HKDF.derive(.sha256, from: input, salt: [], info: [], count: 42)
    #expect(
      third.exposed
        == hexadecimal(
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"))
  }

  /// The keys that the KDFs of Python's cryptography and of the reference SDK derive. NIST's
  /// vectors have neither a separator nor a length between their fields.
  @Test func kbkdfDerives() throws {
    let derived = try KBKDF.derive(
      .sha384, from: SecretBytes(Array(0..<48)), label: Array("label".utf8),
      context: Array(0..<32), count: 64)
    #expect(
      derived.exposed
        == hexadecimal(
          "13130741e513f60d68c95da32c110ad5c639297bc76bee9d2464fcb034a5293e"
            + "f4f20624ea165a414cab7e4ad4717716684bd04a1288d83b6763d6ec3ab7f7cb"))
  }

  /// RFC 7914, section 12.
  @Test func scryptDerives() throws {
    let key = try Scrypt(cost: 1024, blockSize: 8, parallelism: 16).derive(
      from: SecretBytes(Array("password".utf8)), salt: Array("NaCl".utf8), count: 64)
    #expect(
      key.exposed
        == hexadecimal(
          "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a388"
            + "6ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"))
  }

  @Test(arguments: [
    Scrypt(cost: 1000, blockSize: 8, parallelism: 1), Scrypt(cost: 0, blockSize: 8, parallelism: 1),
    Scrypt(cost: 1 << 24, blockSize: 8, parallelism: 1),
    Scrypt(cost: 1 << 40, blockSize: 8, parallelism: 1),
    Scrypt(cost: 2, blockSize: 1 << 62, parallelism: 1),
  ])
  func scryptRefusesParametersThatExhaustMemory(scrypt: Scrypt) {
    #expect(throws: CryptoError.invalidKey("scrypt parameters out of range")) {
      _ = try scrypt.derive(from: SecretBytes([1]), salt: [], count: 32).count
    }
  }

  /// RFC 4231, case 2.
  @Test func hmacAuthenticates() throws {
    let key = SecretBytes(Array("Jefe".utf8))
    let message = Array("what do ya want for nothing?".utf8)
    let code = hexadecimal("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(try HMAC.authenticate(message.span.bytes, with: .sha256, under: key) == code)
    #expect(try HMAC.verify(code, of: message.span.bytes, with: .sha256, under: key))
    #expect(try !HMAC.verify(code, of: (message + [0]).span.bytes, with: .sha256, under: key))
    #expect(
      try !HMAC.verify(Array(code.dropLast()), of: message.span.bytes, with: .sha256, under: key))
  }

  @Test func nonceIsTheSequenceNumberInTwelveBytes() {
    #expect(Nonce(sequenceNumber: 0x0102_0304).bytes == [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])
    let bytes = patternBytes(12)
    #expect(Nonce(bytes: bytes).bytes == bytes)
  }

  @Test(arguments: [
    RSAPadding.pkcs1, .oaep(.sha1), .oaep(.sha256), .oaep(.sha384), .oaep(.sha512),
  ])
  func rsaDecryptsWhatItEncrypted(padding: RSAPadding) throws {
    let key = try RSAPrivateKey.generate(bits: 2048)
    let secret = SecretBytes(patternBytes(32))
    let ciphertext = try key.publicKey().encrypt(secret, padding: padding)
    let plain = try key.decrypt(ciphertext, padding: padding)
    #expect(plain.exposed == patternBytes(32))
    // The key is the same after encoding and decoding, as DER and as PEM.
    let fromDER = try RSAPrivateKey(pkcs8: try key.pkcs8())
    let fromPEM = try RSAPrivateKey(pem: try key.pem())
    #expect(try fromDER.decrypt(ciphertext, padding: padding).exposed == patternBytes(32))
    #expect(try fromPEM.publicKey().fingerprint() == key.publicKey().fingerprint())
    let other = try RSAPrivateKey.generate(bits: 2048)
    // With a wrong key the PKCS #1 v1.5 padding may be valid by chance, but the result is not the
    // secret.
    var wrong: [UInt8] = []
    do { wrong = try other.decrypt(ciphertext, padding: padding).exposed } catch {}
    #expect(wrong != patternBytes(32))
  }

  @Test func smallRSAKeysAreRefused() throws {
    #expect(throws: CryptoError.invalidKey("RSA keys have 2048 to 16384 bits, this one has 1024")) {
      _ = try RSAPrivateKey.generate(bits: 1024).bits
    }
  }

  @Test(arguments: [
    "A", "AA==AA==", "AB==", "AAA", "AAAA\n", " AAAA", "AA=A", "====", "AAA*", "    ", "    AAAA",
  ])
  func base64RefusesWhatItWouldNotWrite(text: String) {
    #expect(Base64.decode(Array(text.utf8)) == nil)
    if let secret = Base64.decodeSecret(SecretBytes(Array(text.utf8))) {
      Issue.record("\(text) was read as \(secret.count) secret bytes")
    }
  }

  @Test(arguments: 0...49)
  func base64RoundTrips(count: Int) {
    let bytes = patternBytes(count)
    let text = Base64.encode(bytes)
    #expect(Base64.decode(text) == bytes)
    if let secret = Base64.decodeSecret(SecretBytes(text)) {
      #expect(secret.exposed == bytes)
    } else {
      Issue.record("the secret is not read back")
    }
    #expect(Base64.encodeSecret(SecretBytes(bytes)).exposed == text)
  }
}
