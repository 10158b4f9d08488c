import Testing

@testable import Envelope
@testable import TestSupport

@Suite struct RawECDHKeyringTests {
  /// A data key that the reference SDK (Python, 4.0.7) wrapped for the private key of the same
  /// curve in `ECKeys.agreements`, under the context of `theirContext`.
  struct Wrapped: Sendable {
    let agreement: ECKeys.Agreement
    let information: String
    let ciphertext: String
    let dataKey: String
  }

  static let theirs = zip(
    ECKeys.agreements,
    [
      (
        "010000002103ead218590119e8876b29146ff89ca61770c4edbbf97d38ce385ed281d8a6b23000000021"
          + "029bf6f940a4bb39b35db2ef4112eaa0b3696712f6aa878d4be9c2264c6725ad9c",
        "b885ae3c5cb7f68a892a7c746b221e7c7e9636c19d155703dd08816d66108faf"
          + "f3cb631d92bf06fa44b65ea6af5051e0bc23b774ff42251e745986061d6d28ca"
          + "deab472ea69f86cf3ce76b5bb21048d350c07c6b3b00152584262f35000c848e"
          + "e540f1e1e77fb247f3b65c44ccc64eea",
        "a2aaa040e4ba37a296d5abae4f2c6a796f18f374ad5b5bead18eb1911dd3b4cd"
      ),
      (
        "0100000031039803807f2f6d2fd966cdd0290bd410c0190352fbec7ff6247de1302df86f25d34fe4a97b"
          + "ef60cff548355c015dbb3e5f00000031030d76363fb910259d7821d3842a7942e10de553104addec40"
          + "285508236b54d7eff905feb89bb078bea4e4024c62bd21a2",
        "f93c58dcd3bc0b48dee0bc942cf5a49e0e9650310435c9730a33352470f7bcc5"
          + "55e4b40656c7fd97fec2ff03b2de94f25d57e95084d78bd62c3299e5075f503b"
          + "78253f7947098b11bab2b9c596e42487a4b683057510c990344cd78d2eae903b"
          + "2a91009d245de097b8e0888d07a0927f",
        "086b8f00c7dabb90b19a5e8398eab484a53e06f425345c7b6199e1d4d8a43b33"
      ),
      (
        "01000000430300602f9d0cf9e526b29e22381c203c48a886c2b0673033366314f1ffbcba240ba42f4ef3"
          + "8a76174635f91e6b4ed34275eb01c8467d05ca80315bf1a7bbd945f550a500000043020115a1bc7e93"
          + "1db71b1c9b04eacd582dd38013ee49cb8df5c25a9aef7c5f19428725095a07d1eb0d15964d25c1c7f1"
          + "705c930563b3cb7f0b50ee915e8bca05da8c91",
        "b2433255e962e7598a59bc14ebe1e3242398b119d80e7d9439492948a944a5a9"
          + "7b9ba78d7d8d3a1a02eefbba0c26730cf6ca733c4ef29076739f0f33a7613fe8"
          + "81eb2227d82e0c406be7fd7d701704ada7d54b110bd6f1597565ac0d5560d1a9"
          + "a92ffaab4c2e6d4cc0dad99284ee03bc",
        "145861148d5d8d8690f0f6c87afceaebc78f0d0fa1df46a8c42aafa10801d798"
      ),
    ]
  ).map {
    Wrapped(agreement: $0, information: $1.0, ciphertext: $1.1, dataKey: $1.2)
  }

  static func theirContext() throws -> [UInt8] {
    try EncryptionContext([(key: "purpose", value: "backup"), (key: "größe", value: "λ")])
      .serialized()
  }

  @Test(arguments: theirs)
  func unwrapsWhatTheReferenceSDKWrapped(wrapped: Wrapped) throws {
    let keyring = try RawECDHKeyring(privateKey: wrapped.agreement.privateKey())
    for providerID in ["raw-ecdh", "aws-kms-ecdh"] {
      let key = EncryptedDataKey(
        providerID: providerID, providerInformation: hexadecimal(wrapped.information),
        ciphertext: hexadecimal(wrapped.ciphertext))
      #expect(
        try TestWrapping.unwrap(keyring, key, context: Self.theirContext())
          == hexadecimal(wrapped.dataKey))
      #expect(try TestWrapping.unwrap(keyring, key, context: []) == nil)
    }
  }

  @Test(arguments: Curve.allCases)
  func unwrapsItsOwnOnly(curve: Curve) throws {
    let key = try ECPrivateKey.generate(on: curve)
    let recipient = try Recipient.keyrings(pem: key.publicKey().pem())[0]
    let wrapped = try TestWrapping.wrap(recipient)
    #expect(wrapped.providerID == "raw-ecdh")
    #expect(wrapped.keyName == (try key.publicKey().fingerprint()))
    #expect(recipient.wrappingKey == wrapped.wrappingKey)
    #expect(wrapped.ciphertext.count == 32 + 32 + 32 + 16)
    // A public key wraps and never unwraps.
    #expect(try TestWrapping.unwrap(recipient, wrapped) == nil)
    let own = try RawECDHKeyring(privateKey: ECPrivateKey(pkcs8: try key.pkcs8()))
    #expect(try TestWrapping.unwrap(own, wrapped) == patternBytes(32))
    #expect(try TestWrapping.unwrap(own, wrapped, context: [1, 2]) == nil)
    #expect(try TestWrapping.unwrap(own, wrapped, context: []) == nil)
    // A keyring with a private key wraps for itself.
    #expect(try TestWrapping.unwrap(own, try TestWrapping.wrap(own)) == patternBytes(32))
    for other in Curve.allCases {
      let stranger = try RawECDHKeyring(privateKey: .generate(on: other))
      #expect(try TestWrapping.unwrap(stranger, wrapped) == nil)
    }
    let otherProvider = EncryptedDataKey(
      providerID: "raw-ecdh2", providerInformation: wrapped.providerInformation,
      ciphertext: wrapped.ciphertext)
    #expect(try TestWrapping.unwrap(own, otherProvider) == nil)
  }

  @Test func everyWrappingHasItsOwnKeyPairAndSalt() throws {
    let keyring = try RawECDHKeyring(privateKey: .generate(on: .p256))
    let wrapped = try (0..<4).map { _ in try TestWrapping.wrap(keyring) }
    let senders = wrapped.compactMap {
      RawECDHKeyInformation(parsing: $0.providerInformation)?.sender.compressedPoint
    }
    let salts = wrapped.compactMap { RawECDHCiphertext(parsing: $0.ciphertext)?.salt }
    #expect(Set(senders).count == 4)
    #expect(Set(salts).count == 4)
  }

  @Test(arguments: [0x01, 0x80] as [UInt8])
  func everyChangedByteIsRefused(bits: UInt8) throws {
    let keyring = try RawECDHKeyring(privateKey: .generate(on: .p256))
    let wrapped = try TestWrapping.wrap(keyring)
    func unwrap(_ information: [UInt8], _ ciphertext: [UInt8]) throws -> [UInt8]? {
      try TestWrapping.unwrap(
        keyring,
        EncryptedDataKey(
          providerID: wrapped.providerID, providerInformation: information,
          ciphertext: ciphertext))
    }
    #expect(try unwrap(wrapped.providerInformation, wrapped.ciphertext) != nil)
    for position in wrapped.providerInformation.indices {
      var changed = wrapped.providerInformation
      changed[position] ^= bits
      #expect(try unwrap(changed, wrapped.ciphertext) == nil)
    }
    for position in wrapped.ciphertext.indices {
      var changed = wrapped.ciphertext
      changed[position] ^= bits
      #expect(try unwrap(wrapped.providerInformation, changed) == nil)
    }
    for count in 0..<wrapped.providerInformation.count {
      let cut = Array(wrapped.providerInformation.prefix(count))
      #expect(try unwrap(cut, wrapped.ciphertext) == nil)
    }
    for count in 0..<wrapped.ciphertext.count {
      let cut = Array(wrapped.ciphertext.prefix(count))
      #expect(try unwrap(wrapped.providerInformation, cut) == nil)
    }
    #expect(try unwrap(wrapped.providerInformation + [0], wrapped.ciphertext) == nil)
    #expect(try unwrap(wrapped.providerInformation, wrapped.ciphertext + [0]) == nil)
  }

  /// A ciphertext with the correct commitment but a forged sealed data key: only the tag refuses
  /// it.
  @Test func aCommitmentAloneOpensNothing() throws {
    let keyring = try RawECDHKeyring(privateKey: .generate(on: .p384))
    let wrapped = try TestWrapping.wrap(keyring)
    let parsed = try #require(RawECDHCiphertext(parsing: wrapped.ciphertext))
    for sealed in [[UInt8](repeating: 0, count: 16), [UInt8](repeating: 0, count: 48)] {
      let forged = RawECDHCiphertext(
        salt: parsed.salt, commitmentKey: parsed.commitmentKey, sealed: sealed)
      let key = EncryptedDataKey(
        providerID: wrapped.providerID, providerInformation: wrapped.providerInformation,
        ciphertext: forged.bytes)
      #expect(try TestWrapping.unwrap(keyring, key) == nil)
    }
  }

  @Test(arguments: Curve.allCases)
  func keyringFilesHoldTheKeys(curve: Curve) throws {
    let key = try ECPrivateKey.generate(on: curve)
    let bare = try KeyringFile(parsing: try key.pem().exposed)
    #expect(bare.keys.count == 1)
    #expect(bare.keys[0].algorithm == .ecdh)
    #expect(bare.keys[0].bits == curve.bits)
    #expect(bare.keys[0].paddingAlgorithm == nil && bare.keys[0].paddingHash == nil)
    let again = try KeyringFile(parsing: bare.serialized())
    #expect(again == bare)
    var publicEntry = bare.keys[0]
    publicEntry.type = .public
    publicEntry.material = SecretText(try key.publicKey().pem())
    let wrapped = try TestWrapping.wrap(try KeyringFile(keys: [publicEntry]).keyrings()[0])
    #expect(wrapped.wrappingKey.keyName == bare.keys[0].keyID)
    #expect(try TestWrapping.unwrap(try again.keyrings()[0], wrapped) == patternBytes(32))
  }

  @Test func brokenEntriesAreNamed() throws {
    let key = try ECPrivateKey.generate(on: .p256)
    let entry = try KeyringFile(parsing: try key.pem().exposed).keys[0]
    func reason(_ change: (inout KeyringFile.Entry) throws -> Void) throws -> String {
      var changed = entry
      try change(&changed)
      do {
        _ = try KeyringFile(keys: [changed]).keyrings()
      } catch KeyringError.malformedFile(let reason) {
        return reason
      }
      return "none"
    }
    #expect(try reason { _ in } == "none")
    #expect(
      try reason { $0.bits = 384 } == "key '\(entry.keyID)': 'bits' says 384, the material has 256"
    )
    #expect(
      try reason { $0.keyID = "k" }
        == "key 'k': 'key-id' of an ECDH key is its fingerprint, here \(entry.keyID)")
    #expect(
      try reason { $0.providerID = "p" }
        == "key '\(entry.keyID)': 'provider-id' of an ECDH key is 'raw-ecdh'")
    #expect(
      try reason { $0.encoding = .base64 }
        == "key '\(entry.keyID)': 'ecdh' with 'private' and 'base64' is not a key")
    #expect(
      try reason { $0.type = .symmetric }
        == "key '\(entry.keyID)': 'ecdh' with 'symmetric' and 'pem' is not a key")
    #expect(
      try reason { $0.type = .public }
        == "key '\(entry.keyID)': block 1 (PRIVATE KEY) is a private key, "
        + "not a PEM public key (BEGIN PUBLIC KEY)")
    let rsa = try RSAPrivateKey.generate(bits: 2048).pem().exposed
    #expect(
      try reason { $0.material = SecretText(String(decoding: rsa, as: UTF8.self)) }
        == "key '\(entry.keyID)': a key for RSA, not an elliptic-curve key")
  }
}
