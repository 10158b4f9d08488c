import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSService
@testable import TestSupport

/// Encrypt, Sign, GenerateMac and related operations.
@Suite final class CryptographicOperationTests: KeystoreSuite {
  // MARK: Blobs

  @Test func aBlobOpensUnderItsContextOnly() throws {
    let key = try service.createKey()
    let context: EncryptionContext = ["purpose": "test", "größe": "λ"]
    let blob = try service.encrypt("text", under: key.keyID, context: context)
    #expect(try service.decrypt(blob, context: context) == "text")
    #expect(try service.decrypt(blob, context: context, key: key.arn) == "text")
    for wrong: EncryptionContext? in [
      nil, [:], ["purpose": "test"], ["purpose": "other", "größe": "λ"],
      ["purpose": "test", "größe": "λ", "more": ""], ["Purpose": "test", "größe": "λ"],
    ] {
      #expect(throws: KeyServiceError.invalidCiphertext) {
        try service.decrypt(blob, context: wrong)
      }
    }
  }

  @Test func everyChangedBitOfABlobIsRefused() throws {
    let key = try service.createKey()
    try service.perform(RotateKeyOnDemandRequest(keyID: key.keyID))
    let blob = try service.encrypt("text", under: key.keyID).bytes
    for position in blob.indices {
      for bit in 0..<8 {
        var changed = blob
        changed[position] ^= 1 << bit
        let error = #expect(throws: KeyServiceError.self, "bit \(bit) of byte \(position)") {
          try service.decrypt(Blob(changed))
        }
        // A changed key ID names no key.
        let wanted =
          (4..<20).contains(position) ? "NotFoundException" : "InvalidCiphertextException"
        #expect(error?.name == wanted, "bit \(bit) of byte \(position)")
      }
    }
    for count in 1..<blob.count {
      #expect(throws: KeyServiceError.invalidCiphertext, "\(count) bytes") {
        try service.decrypt(Blob(Array(blob.prefix(count))))
      }
    }
    #expect(throws: KeyServiceError.invalidCiphertext) { try service.decrypt(Blob(blob + [0])) }
  }

  /// The same key encrypts a file's data key and a blob. Neither can be used as the other.
  @Test func aBlobIsNoWrappedDataKey() throws {
    let key = try service.createKey()
    let blob = try #require(
      CiphertextBlob(parsing: try service.encrypt("text", under: key.keyID).bytes))
    let name = Array("\(key.keyID)/1".utf8)
    for context in [
      [],
      CiphertextBlob.authenticatedData(keyID: blob.keyID, keyVersion: 1, context: []),
    ] {
      // The keyring authenticates any context that it is given, but a message's context never
      // begins with zero pairs.
      let wrapped = EncryptedDataKey(
        providerID: "envcrypt",
        providerInformation: RawAESKeyInformation(keyName: name, nonce: blob.nonce).bytes,
        ciphertext: blob.sealed)
      let opened = try TestWrapping.unwrap(
        try service.exportKey(key.keyID).file.keyrings()[0], wrapped, context: context)
      #expect((opened == nil) == context.isEmpty)
      #expect(context.isEmpty || context.starts(with: [0, 0]))
    }
  }

  @Test(arguments: [0, 1, 4095, 4096, 4097])
  func plaintextsAreBounded(count: Int) throws {
    let key = try service.createKey()
    func encrypt() throws -> Blob {
      try service.perform(
        EncryptRequest(keyID: key.keyID, plaintext: SecretBlob(copying: patternBytes(count)))
      ).ciphertextBlob
    }
    guard (1...4096).contains(count) else {
      #expect(name { _ = try encrypt() } == "ValidationException")
      return
    }
    let blob = try encrypt()
    #expect(blob.bytes.count <= 6144)
    let response = try service.perform(DecryptRequest(ciphertextBlob: blob))
    #expect(response.plaintext.exposed == patternBytes(count))
  }

  @Test func anotherKeysIDIsIncorrect() throws {
    let first = try service.createKey(alias: "alias/first")
    let second = try service.createKey(alias: "alias/second")
    let blob = try service.encrypt("text", under: first.keyID)
    #expect(throws: KeyServiceError.incorrectKey(named: "alias/second")) {
      try service.decrypt(blob, key: "alias/second")
    }
    #expect(try service.decrypt(blob, key: "alias/first") == "text")
    #expect(throws: KeyServiceError.notFound("alias/nobody")) {
      try service.decrypt(blob, key: "alias/nobody")
    }
    try service.perform(DisableKeyRequest(keyID: second.keyID))
    #expect(throws: KeyServiceError.disabled(keyID: second.keyID)) {
      try service.decrypt(blob, key: second.keyID)
    }
  }

  @Test func reEncryptMovesToAnotherKeyAndContext() throws {
    let first = try service.createKey()
    let second = try service.createKey()
    let blob = try service.encrypt("text", under: first.keyID, context: ["a": "b"])
    let request = ReEncryptRequest(
      ciphertextBlob: blob, sourceEncryptionContext: ["a": "b"], destinationKeyID: second.keyID,
      destinationEncryptionContext: ["c": "d"])
    let response = try service.perform(request)
    #expect(response.sourceKeyID == first.arn && response.keyID == second.arn)
    #expect(response.sourceKeyMaterialID == first.currentKeyMaterialID)
    #expect(response.destinationKeyMaterialID == second.currentKeyMaterialID)
    #expect(try service.decrypt(response.ciphertextBlob, context: ["c": "d"]) == "text")
    var wrong = request
    wrong.sourceKeyID = second.keyID
    #expect(throws: KeyServiceError.incorrectKey(named: second.keyID)) {
      try service.perform(wrong)
    }
    wrong = request
    wrong.sourceEncryptionContext = nil
    #expect(throws: KeyServiceError.invalidCiphertext) { try service.perform(wrong) }
    // Re-encrypts to RSA and back.
    let rsa = try service.createKey(spec: .rsa2048)
    var out = request
    out.destinationKeyID = rsa.keyID
    out.destinationEncryptionContext = nil
    out.destinationEncryptionAlgorithm = .rsaesOAEPSHA256
    let wrapped = try service.perform(out).ciphertextBlob
    let back = try service.perform(
      ReEncryptRequest(
        ciphertextBlob: wrapped, sourceKeyID: rsa.keyID, destinationKeyID: first.keyID,
        sourceEncryptionAlgorithm: .rsaesOAEPSHA256))
    #expect(try service.decrypt(back.ciphertextBlob) == "text")
  }

  @Test(arguments: [EncryptionAlgorithm.rsaesOAEPSHA1, .rsaesOAEPSHA256])
  func rsaEncryptsWhatFits(algorithm: EncryptionAlgorithm) throws {
    let key = try service.createKey(spec: .rsa2048)
    let limit = algorithm == .rsaesOAEPSHA1 ? 214 : 190
    func encrypt(_ count: Int) throws -> Blob {
      try service.perform(
        EncryptRequest(
          keyID: key.keyID, plaintext: SecretBlob(copying: patternBytes(count)),
          encryptionAlgorithm: algorithm)
      ).ciphertextBlob
    }
    let blob = try encrypt(limit)
    #expect(name { _ = try encrypt(limit + 1) } == "ValidationException")
    let request = DecryptRequest(
      ciphertextBlob: blob, keyID: key.keyID, encryptionAlgorithm: algorithm)
    #expect(try service.perform(request).plaintext.exposed == patternBytes(limit))
    var changed = request
    changed.ciphertextBlob.bytes[100] ^= 1
    #expect(throws: KeyServiceError.invalidCiphertext) { try service.perform(changed) }
    var unnamed = request
    unnamed.keyID = nil
    #expect(name { try service.perform(unnamed) } == "ValidationException")
    var other = request
    other.encryptionAlgorithm =
      algorithm == .rsaesOAEPSHA1 ? .rsaesOAEPSHA256 : .rsaesOAEPSHA1
    #expect(throws: KeyServiceError.invalidCiphertext) { try service.perform(other) }
    var withContext = request
    withContext.encryptionContext = ["a": "b"]
    #expect(name { try service.perform(withContext) } == "ValidationException")
  }

  // MARK: Data keys

  @Test func dataKeysHaveTheLengthAskedFor() throws {
    let key = try service.createKey()
    for (spec, count, wanted) in [
      (DataKeySpec?.some(.aes256), Int?.none, 32), (.aes128, nil, 16), (nil, 1, 1),
      (nil, 1024, 1024),
    ] {
      let response = try service.perform(
        GenerateDataKeyRequest(
          keyID: key.keyID, encryptionContext: ["a": "b"], keySpec: spec, numberOfBytes: count))
      #expect(response.plaintext.count == wanted && response.keyID == key.arn)
      let opened = try service.perform(
        DecryptRequest(ciphertextBlob: response.ciphertextBlob, encryptionContext: ["a": "b"]))
      #expect(opened.plaintext.exposed == response.plaintext.exposed)
    }
    for (spec, count) in [
      (DataKeySpec?.none, Int?.none), (.aes256, 32), (nil, 0), (nil, 1025), (nil, -1),
    ] {
      #expect(
        name {
          try service.perform(
            GenerateDataKeyRequest(keyID: key.keyID, keySpec: spec, numberOfBytes: count))
        } == "ValidationException")
    }
    let rsa = try service.createKey(spec: .rsa2048)
    #expect(
      name {
        try service.perform(GenerateDataKeyRequest(keyID: rsa.keyID, keySpec: .aes256))
      } == "InvalidKeyUsageException")
  }

  @Test(arguments: [0, 1, 1024, 1025])
  func randomBytesAreBounded(count: Int) throws {
    guard (1...1024).contains(count) else {
      #expect(
        name { try service.perform(GenerateRandomRequest(numberOfBytes: count)) }
          == "ValidationException")
      return
    }
    #expect(
      try service.perform(GenerateRandomRequest(numberOfBytes: count)).plaintext.count == count)
  }

  @Test(arguments: [DataKeyPairSpec.rsa2048, .eccNISTP521, .eccSECGP256K1, .eccNISTEdwards25519])
  func dataKeyPairsAreOneKey(spec: DataKeyPairSpec) throws {
    let key = try service.createKey()
    let response = try service.perform(
      GenerateDataKeyPairRequest(keyID: key.keyID, keyPairSpec: spec))
    let pair = try KeyPair(pkcs8: response.privateKeyPlaintext.bytes)
    #expect(try pair.subjectPublicKeyInfo() == response.publicKey.bytes)
    #expect(spec.keySpec.material == .keyPair(pair.kind))
    let opened = try service.perform(
      DecryptRequest(ciphertextBlob: response.privateKeyCiphertextBlob))
    #expect(opened.plaintext.exposed == response.privateKeyPlaintext.exposed)
  }

  // MARK: Usage and dry runs

  /// A key has only one usage.
  @Test(arguments: [
    (KeySpec.symmetricDefault, KeyUsage.encryptDecrypt), (.rsa2048, .encryptDecrypt),
    (.rsa2048, .signVerify), (.hmac256, .generateVerifyMAC), (.eccNISTP256, .keyAgreement),
    (.eccNISTP256, .signVerify),
  ])
  func aKeyIsForOneThing(spec: KeySpec, usage: KeyUsage) throws {
    let service = service
    let key = try service.createKey(spec: spec, usage: usage).keyID
    let uses: [(KeyUsage, () throws -> Void)] = [
      (.encryptDecrypt, { _ = try service.encrypt("x", under: key) }),
      (
        .signVerify,
        {
          try service.perform(
            SignRequest(keyID: key, message: Blob([1]), signingAlgorithm: .ecdsaSHA256))
        }
      ),
      (
        .generateVerifyMAC,
        {
          try service.perform(
            GenerateMacRequest(keyID: key, message: Blob([1]), macAlgorithm: .hmacSHA256))
        }
      ),
      (
        .keyAgreement,
        {
          let peer = try ECPrivateKey.generate(on: .p256).publicKey().subjectPublicKeyInfo()
          try service.perform(DeriveSharedSecretRequest(keyID: key, publicKey: Blob(peer)))
        }
      ),
    ]
    for (needed, body) in uses where needed != usage {
      #expect(name(body) == "InvalidKeyUsageException", "\(needed)")
    }
    if usage == .signVerify || usage == .generateVerifyMAC {
      #expect(name { _ = try service.wrappingKeyring(key) } == "InvalidKeyUsageException")
      #expect(name { _ = try service.exportKey(key).file } == "UnsupportedOperationException")
    }
  }

  @Test func aDryRunDoesNothingAndSaysThatItWould() throws {
    let key = try service.createKey()
    var request = EncryptRequest(keyID: key.keyID, plaintext: SecretBlob(copying: [1]))
    request.dryRun = true
    #expect(throws: KeyServiceError.dryRun) { try service.perform(request) }
    request.dryRun = false
    let blob = try service.perform(request).ciphertextBlob
    var decrypt = DecryptRequest(ciphertextBlob: blob)
    decrypt.dryRun = true
    #expect(throws: KeyServiceError.dryRun) { try service.perform(decrypt) }
    // A dry run of an operation that would fail returns the reason.
    try service.perform(DisableKeyRequest(keyID: key.keyID))
    request.dryRun = true
    #expect(throws: KeyServiceError.disabled(keyID: key.keyID)) { try service.perform(request) }
  }

  @Test func thereAreNoGrants() throws {
    let key = try service.createKey()
    var request = EncryptRequest(keyID: key.keyID, plaintext: SecretBlob(copying: [1]))
    request.grantTokens = ["token"]
    #expect(throws: KeyServiceError.invalidGrantToken) { try service.perform(request) }
  }
}
