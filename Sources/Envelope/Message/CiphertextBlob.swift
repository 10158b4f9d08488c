import Foundation

/// The result of Encrypt under a symmetric key: the key, its version and the sealed plaintext.
/// Everything before the nonce is authenticated, together with the encryption context.
package struct CiphertextBlob: Equatable {
  /// A UUID in lower case.
  package let keyID: String
  /// From 1.
  package let keyVersion: UInt32
  package let nonce: Nonce
  /// The ciphertext, then the tag.
  package let sealed: [UInt8]

  /// "ENV" and the version of the format. No AWS Encryption SDK message and no blob of AWS KMS
  /// begins with it.
  private static let magic: UInt32 = 0x454E_5601

  /// Nil if `bytes` have another shape.
  package init?(parsing bytes: [UInt8]) {
    let sealedLength = bytes.count - Self.headLength - AESGCM.nonceLength
    guard sealedLength >= AESGCM.tagLength else { return nil }
    let parsed = try? WireReader.read(bytes.span.bytes) { (reader) throws(MessageError) in
      try Self.transcode(nil, sealedLength: sealedLength, through: &reader)
    }
    guard let parsed, parsed.keyVersion > 0 else { return nil }
    self = parsed
  }

  package init(keyID: String, keyVersion: UInt32, nonce: Nonce, sealed: [UInt8]) {
    self.keyID = keyID
    self.keyVersion = keyVersion
    self.nonce = nonce
    self.sealed = sealed
  }

  package var bytes: [UInt8] {
    var writer = WireWriter()
    // Writing values that are in range cannot fail.
    _ = try! Self.transcode(self, sealedLength: sealed.count, through: &writer)
    return writer.bytes
  }

  /// The authenticated data: a count of zero pairs, the head, the serialized context. A serialized
  /// context never begins with zero pairs, so a data key that a raw AES keyring wrapped under the
  /// same key is not a blob, and a blob is not a wrapped data key.
  package static func authenticatedData(
    keyID: String, keyVersion: UInt32, context: [UInt8]
  ) -> [UInt8] {
    var writer = WireWriter()
    _ = writer.uint16(0)
    _ = try! transcodeHead(
      CiphertextBlob(keyID: keyID, keyVersion: keyVersion, nonce: .zero, sealed: []),
      through: &writer)
    return writer.bytes + context
  }

  /// The magic number, the key's UUID, and its version.
  private static let headLength = 24

  private static func transcodeHead(
    _ value: CiphertextBlob?, through wire: inout some Wire
  ) throws(MessageError) -> (keyID: String, keyVersion: UInt32) {
    guard try wire.uint32(magic) == magic else { throw .malformed("a ciphertext blob") }
    let id = try wire.bytes(value.map { Self.bytes(ofUUID: $0.keyID) }, count: 16)
    return (text(ofUUID: id), try wire.uint32(value?.keyVersion))
  }

  private static func transcode(
    _ value: CiphertextBlob?, sealedLength: Int, through wire: inout some Wire
  ) throws(MessageError) -> CiphertextBlob {
    let (keyID, keyVersion) = try transcodeHead(value, through: &wire)
    return CiphertextBlob(
      keyID: keyID, keyVersion: keyVersion, nonce: try wire.nonce(value?.nonce),
      sealed: try wire.bytes(value?.sealed, count: sealedLength))
  }

  private static func bytes(ofUUID text: String) -> [UInt8] {
    withUnsafeBytes(of: UUID(uuidString: text)!.uuid) { Array($0) }
  }

  private static func text(ofUUID bytes: [UInt8]) -> String {
    bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }.uuidString.lowercased()
  }
}
