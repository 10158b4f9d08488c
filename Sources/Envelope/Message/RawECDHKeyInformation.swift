/// The provider information of a raw ECDH keyring (specification, `framework/raw-ecdh-keyring.md`):
/// a version, then the recipient's and the sender's public key as compressed points, each preceded
/// by its length. Both are on one curve.
package struct RawECDHKeyInformation: Equatable {
  let recipient: ECPublicKey
  let sender: ECPublicKey

  static let providerID = "raw-ecdh"
  private static let version: UInt8 = 1

  /// True if keyrings write this structure under `providerID`: the raw ECDH keyring and the AWS KMS
  /// ECDH keyring do.
  package static func isWritten(by providerID: String) -> Bool {
    [Self.providerID, "aws-kms-ecdh"].contains { $0.utf8.elementsEqual(providerID.utf8) }
  }

  init(recipient: ECPublicKey, sender: ECPublicKey) {
    precondition(recipient.curve == sender.curve)
    self.recipient = recipient
    self.sender = sender
  }

  /// Nil if `bytes` do not have that shape, or if a point is not on the curve.
  init?(parsing bytes: [UInt8]) {
    let parsed = try? WireReader.read(bytes.span.bytes) { (reader) throws(MessageError) in
      let information = try Self.transcode(nil, through: &reader)
      guard reader.offset == bytes.count else { throw .trailingData }
      return information
    }
    guard let parsed else { return nil }
    self = parsed
  }

  var bytes: [UInt8] {
    var writer = WireWriter()
    // Writing values that are in range cannot fail.
    _ = try! Self.transcode(self, through: &writer)
    return writer.bytes
  }

  private static func transcode(
    _ value: RawECDHKeyInformation?, through wire: inout some Wire
  ) throws(MessageError) -> RawECDHKeyInformation {
    guard try wire.uint8(version) == version else { throw .malformed("raw ECDH key information") }
    let recipient = try transcodeKey(value?.recipient, through: &wire)
    let sender = try transcodeKey(value?.sender, through: &wire)
    guard recipient.curve == sender.curve else { throw .malformed("raw ECDH keys of two curves") }
    return RawECDHKeyInformation(recipient: recipient, sender: sender)
  }

  private static func transcodeKey(
    _ value: ECPublicKey?, through wire: inout some Wire
  ) throws(MessageError) -> ECPublicKey {
    let length = try wire.uint32(value.map { UInt32($0.compressedPoint.count) })
    let point = try wire.bytes(value?.compressedPoint, count: Int(length))
    guard let key = try? value ?? ECPublicKey(compressedPoint: point) else {
      throw .malformed("a raw ECDH key that is not a point")
    }
    return key
  }

  /// The data that the wrapping key and the wrapped data key are bound to: the keyring's fixed
  /// information and its AAD. A zero byte separates the parts.
  func fixedInformation(context: [UInt8]) -> [UInt8] {
    let parts = [
      Array("ecdh-key-derivation".utf8), Array(recipient.curve.keyAgreementName.utf8),
      Array("HMAC_SHA384".utf8), sender.compressedPoint + recipient.compressedPoint,
      [Self.version], context,
    ]
    return Array(parts.joined(separator: [0]))
  }
}

/// The ciphertext of a raw ECDH keyring: derivation nonce, commitment key, and the data key sealed
/// with AES-GCM.
struct RawECDHCiphertext: Equatable {
  /// The salt of the key derivation.
  let salt: [UInt8]
  let commitmentKey: [UInt8]
  /// The encrypted data key and its tag.
  let sealed: [UInt8]

  static let saltLength = 32
  static let commitmentKeyLength = 32
  private static let leadingLength = saltLength + commitmentKeyLength

  init(salt: [UInt8], commitmentKey: [UInt8], sealed: [UInt8]) {
    self.salt = salt
    self.commitmentKey = commitmentKey
    self.sealed = sealed
  }

  /// Nil if there are too few bytes.
  init?(parsing bytes: [UInt8]) {
    let sealedLength = bytes.count - Self.leadingLength
    guard sealedLength >= AESGCM.tagLength else { return nil }
    let parsed = try? WireReader.read(bytes.span.bytes) { (reader) throws(MessageError) in
      try Self.transcode(nil, sealedLength: sealedLength, through: &reader)
    }
    guard let parsed else { return nil }
    self = parsed
  }

  var bytes: [UInt8] {
    var writer = WireWriter()
    // Writing values that are in range cannot fail.
    _ = try! Self.transcode(self, sealedLength: sealed.count, through: &writer)
    return writer.bytes
  }

  private static func transcode(
    _ value: RawECDHCiphertext?, sealedLength: Int, through wire: inout some Wire
  ) throws(MessageError) -> RawECDHCiphertext {
    RawECDHCiphertext(
      salt: try wire.bytes(value?.salt, count: saltLength),
      commitmentKey: try wire.bytes(value?.commitmentKey, count: commitmentKeyLength),
      sealed: try wire.bytes(value?.sealed, count: sealedLength))
  }
}

extension Curve {
  /// The curve in the raw ECDH keyring's fixed information.
  fileprivate var keyAgreementName: String {
    switch self {
    case .p256: "p256"
    case .p384: "p384"
    case .p521: "p521"
    }
  }
}
