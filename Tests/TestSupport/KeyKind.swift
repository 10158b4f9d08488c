@testable import Envelope

/// The kinds of keys that are imported and open messages.
enum KeyKind: CaseIterable, Sendable {
  /// A key with the name that another program gave it.
  case aes, rsa
  /// A key named by the fingerprint of its public key.
  case bareRSA, bareEC

  /// Returns a file with a fresh key.
  func keyringFile(keyID: String = "key") throws -> KeyringFile {
    switch self {
    case .aes:
      return KeyringFile(keys: [
        KeyringFile.Entry(
          providerID: "theirs", keyID: keyID, algorithm: .aes, type: .symmetric, bits: 256,
          encoding: .base64,
          material: SecretText(
            String(decoding: Base64.encode(try Random.bytes(32)), as: UTF8.self)))
      ])
    case .rsa:
      var file = try KeyKind.bareRSA.keyringFile()
      file.keys[0].providerID = "theirs"
      file.keys[0].keyID = keyID
      return file
    case .bareRSA:
      return try KeyringFile(parsing: try RSAPrivateKey.generate(bits: 2048).pem().exposed)
    case .bareEC:
      return try KeyringFile(parsing: try ECPrivateKey.generate(on: .p256).pem().exposed)
    }
  }
}

/// Messages in memory.
enum MemoryMessage {
  static func encrypt(
    _ text: String, under keyrings: [any Keyring], context: EncryptionContext = ["a": "b"]
  ) throws -> [UInt8] {
    let sink = MemorySink()
    _ = try MessageEncryptor(keyrings: keyrings, encryptionContext: context)
      .encrypt(from: MemorySource(Array(text.utf8)), to: sink)
    return sink.bytes
  }

  static func open(_ message: [UInt8], with keyrings: [any Keyring]) throws -> OpenedMessage {
    try MessageDecryptor(
      materialsProvider: MultiKeyring(keyrings), requiredContext: EncryptionContext(),
      policy: .requireEncryptAllowDecrypt
    ).open(MemorySource(message))
  }

  static func decrypt(_ message: [UInt8], with keyrings: [any Keyring]) throws -> String {
    let sink = MemorySink()
    _ = try open(message, with: keyrings).decrypt(to: sink)
    return String(decoding: sink.bytes, as: UTF8.self)
  }
}
