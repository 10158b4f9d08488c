/// The materials for encrypting one message (specification, `framework/structures.md`): a fresh
/// data key, wrapped by every keyring, and a signing key if the suite signs.
struct EncryptionMaterials: ~Copyable {
  let dataKey: DataKey
  let encryptionContext: EncryptionContext
  let encryptedDataKeys: [EncryptedDataKey]
  /// Nil if the suite does not sign.
  let signer: SignatureSigner?

  init(
    suite: AlgorithmSuite, encryptionContext: EncryptionContext, keyrings: [any Keyring],
    messageID: [UInt8] = []
  ) throws {
    if let reserved = encryptionContext.pairs.first(where: { EncryptionContext.isReserved($0.key) })
    {
      throw MessageError.malformed(
        "an encryption context with the reserved key '\(reserved.key)'")
    }
    var context = encryptionContext
    let signer = try Self.makeSigner(for: suite, context: &context)
    let request = WrapRequest(
      dataKey: try .random(for: suite), context: try context.serialized(), messageID: messageID)
    let encryptedDataKeys = try keyrings.map { try $0.wrap(request) }
    self.dataKey = DataKey(bytes: request.dataKey.bytes.duplicate())
    self.encryptionContext = context
    self.encryptedDataKeys = encryptedDataKeys
    self.signer = signer
  }

  /// Uses materials that were made elsewhere, without a signing key.
  init(
    dataKey: consuming DataKey, encryptionContext: EncryptionContext,
    encryptedDataKeys: [EncryptedDataKey]
  ) {
    self.dataKey = dataKey
    self.encryptionContext = encryptionContext
    self.encryptedDataKeys = encryptedDataKeys
    signer = nil
  }

  /// Returns the signer of a suite that signs. Adds its public key to `context`, so that the data
  /// key is wrapped with the public key in its context.
  private static func makeSigner(
    for suite: AlgorithmSuite, context: inout EncryptionContext
  ) throws -> SignatureSigner? {
    guard let (curve, digest) = suite.signature else { return nil }
    let signer = try SignatureSigner(curve: curve, digest: digest)
    let point = Base64.encode(try signer.compressedPublicKey())
    try context.insert(EncryptionContext.publicKeyName, String(decoding: point, as: UTF8.self))
    return signer
  }
}
