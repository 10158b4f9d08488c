/// A data key wrapped by one master key (specification, `framework/structures.md`, "Encrypted Data
/// Key").
public struct EncryptedDataKey: Equatable, Sendable {
  /// The provider that wrapped it ("key provider ID"); keyrings call it their key namespace.
  public let providerID: String
  /// The key of that provider, and further parameters of the provider.
  let providerInformation: [UInt8]
  let ciphertext: [UInt8]

  /// Provider ID, provider information and ciphertext, each preceded by its length.
  static func transcode(
    _ value: EncryptedDataKey?, through wire: inout some Wire
  ) throws(MessageError) -> EncryptedDataKey {
    EncryptedDataKey(
      providerID: try wire.text(value?.providerID, "a key provider ID"),
      providerInformation: try wire.block(
        value?.providerInformation, "key provider information"),
      ciphertext: try wire.block(value?.ciphertext, "an encrypted data key"))
  }

  /// The key that wrapped the data key.
  public var wrappingKey: WrappingKeyName {
    WrappingKeyName(providerID: providerID, keyName: keyName)
  }

  /// The name of the wrapping key, as people know it. Leaves out the parameters that raw AES
  /// keyrings append, gives the fingerprint of the recipient's public key for raw ECDH, and uses
  /// hexadecimal if the name is not text.
  public var keyName: String {
    if RawECDHKeyInformation.isWritten(by: providerID),
      let information = RawECDHKeyInformation(parsing: providerInformation),
      let fingerprint = try? information.recipient.fingerprint()
    {
      return fingerprint
    }
    let name =
      RawAESKeyInformation(parsing: providerInformation)?.keyName ?? providerInformation
    return String(validating: name, as: UTF8.self) ?? Hexadecimal.encode(name)
  }
}

/// The provider information of a raw AES keyring (specification, `framework/raw-aes-keyring.md`):
/// key name, tag length in bits, nonce length, nonce.
struct RawAESKeyInformation: Equatable {
  let keyName: [UInt8]
  let nonce: Nonce

  private static let tagBits = UInt32(AESGCM.tagLength * 8)
  private static let nonceLength = UInt32(AESGCM.nonceLength)
  private static let parametersLength = 8 + AESGCM.nonceLength

  init(keyName: [UInt8], nonce: Nonce) {
    self.keyName = keyName
    self.nonce = nonce
  }

  /// Nil if `bytes` do not have that shape: another keyring wrote them.
  init?(parsing bytes: [UInt8]) {
    let nameLength = bytes.count - Self.parametersLength
    guard nameLength >= 0 else { return nil }
    let parsed = try? WireReader.read(bytes.span.bytes) { (reader) throws(MessageError) in
      try Self.transcode(nil, nameLength: nameLength, through: &reader)
    }
    guard let parsed else { return nil }
    self = parsed
  }

  var bytes: [UInt8] {
    var writer = WireWriter()
    // Writing values that are in range cannot fail.
    _ = try! Self.transcode(self, nameLength: keyName.count, through: &writer)
    return writer.bytes
  }

  private static func transcode(
    _ value: RawAESKeyInformation?, nameLength: Int, through wire: inout some Wire
  ) throws(MessageError) -> RawAESKeyInformation {
    let name = try wire.bytes(value?.keyName, count: nameLength)
    guard try wire.uint32(tagBits) == tagBits, try wire.uint32(nonceLength) == nonceLength else {
      throw .malformed("raw AES key information")
    }
    return RawAESKeyInformation(keyName: name, nonce: try wire.nonce(value?.nonce))
  }
}
