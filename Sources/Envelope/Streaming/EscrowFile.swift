/// An encrypted keyring file.
///
/// With a passphrase, it is a text of two PEM blocks: the private key of a fresh RSA key pair, which
/// the passphrase encrypts in PKCS #8, and a message to the public key, which holds the JSON. So
/// `openssl pkcs8` and any AWS Encryption SDK open it. Without a passphrase, it is a message.
package enum EscrowFile {
  private static let bits = 4096

  private static let instructions = """
    # Keys of an envcrypt keystore, encrypted with a passphrase.
    # 'envcrypt init --import' makes a keystore of this file. To decrypt it:
    #   openssl pkcs8 -in FILE -out key.pem
    #   sed -n '/^-----BEGIN ENVCRYPT/,$p' FILE | envcrypt decrypt --keyring key.pem -o keys.json

    """

  /// Encrypts the keys with a passphrase, and returns the text.
  package static func sealed(
    _ file: KeyringFile, passphrase: borrowing SecretBytes
  ) throws -> [UInt8] {
    let pair = try KeyPair.generate(.rsa(bits: bits)).pkcs8()
    let publicKey = try RSAPrivateKey(pem: PEM.text(pkcs8: pair)).publicKey()
    let block = try PEM.text(
      EncryptedPrivateKey.seal(pkcs8: pair, under: passphrase), label: EncryptedPrivateKey.label)
    return try Array(instructions.utf8) + block
      + sealed(file, for: [RawRSAKeyring.recipient(publicKey)])
  }

  /// Encrypts the keys to `keyrings`, and returns the message as armor.
  package static func sealed(_ file: KeyringFile, for keyrings: [any Keyring]) throws -> [UInt8] {
    let message = try MessageEncryptor(keyrings: keyrings, encryptionContext: EncryptionContext())
      .encrypt(secret: file.serialized())
    var text = Armor.header + [UInt8(ascii: "\n")]
    Armor.encode(message, into: &text)
    return text + Armor.footer + [UInt8(ascii: "\n")]
  }

  /// True if the text is a keyring file that a passphrase encrypts.
  package static func isSealed(_ text: borrowing SecretBytes) -> Bool {
    text.withBytes { bytes in
      bytes.withUnsafeBytes { bytes in
        let key = Array("-----BEGIN \(EncryptedPrivateKey.label)-----".utf8)
        return bytes.holds(key) && bytes.holds(Armor.header)
      }
    }
  }

  /// Returns the keys; nil if the passphrase is wrong. Throws `KeyringError.malformedFile` and the
  /// errors of a message that is damaged.
  package static func open(
    _ text: borrowing SecretBytes, passphrase: borrowing SecretBytes
  ) throws -> KeyringFile? {
    let blocks = try blocks(of: text)
    guard let pkcs8 = try EncryptedPrivateKey.open(blocks.key, passphrase: passphrase) else {
      return nil
    }
    let keyrings = try KeyringFile(parsing: PEM.text(pkcs8: pkcs8)).keyrings()
    let json = SecretSink()
    let message = PlaintextMemory(capacity: 0)
    try message.write(blocks.message.span.bytes)
    _ = try MessageDecryptor(
      materialsProvider: MultiKeyring(keyrings), requiredContext: EncryptionContext(),
      scheduler: Scheduler(forSecrets: ())
    ).decrypt(from: message, to: json)
    return try KeyringFile(parsing: json.finish())
  }

  private struct Blocks: ~Copyable {
    let key: SecretBytes
    let message: [UInt8]
  }

  private static func blocks(
    of text: borrowing SecretBytes
  ) throws -> Blocks {
    do {
      let blocks = try PEM.blocks(of: text, allowsTextAfter: false)
      guard blocks.map(\.label) == [EncryptedPrivateKey.label, "ENVCRYPT MESSAGE"] else {
        throw CryptoError.invalidKey("it does not have an encrypted key and a message to it")
      }
      return Blocks(
        key: try blocks[0].der(),
        message: try blocks[1].der().withBytes { $0.withUnsafeBytes { Array($0) } })
    } catch CryptoError.invalidKey(let reason) {
      throw KeyringError.malformedFile(reason)
    }
  }
}

extension UnsafeRawBufferPointer {
  /// True if a line of the text begins with `wanted`.
  fileprivate func holds(_ wanted: [UInt8]) -> Bool {
    var start = startIndex
    while start < endIndex {
      if self[start...].starts(with: wanted) { return true }
      guard let end = self[start...].firstIndex(of: UInt8(ascii: "\n")) else { return false }
      start = end + 1
    }
    return false
  }
}
