/// What one message is encrypted with (specification, `framework/structures.md`): a fresh data key,
/// wrapped by every keyring, and a signing key where the suite signs.
struct EncryptionMaterials: ~Copyable {
  let dataKey: DataKey
  let encryptionContext: EncryptionContext
  let encryptedDataKeys: [EncryptedDataKey]
  /// Of the suites that sign.
  let signer: SignatureSigner?

  init(
    suite: AlgorithmSuite, encryptionContext: EncryptionContext, keyrings: [any Keyring]
  ) throws {
    if let reserved = encryptionContext.pairs.first(where: { EncryptionContext.isReserved($0.key) })
    {
      throw MessageError.malformed(
        "an encryption context with the reserved key '\(reserved.key)'")
    }
    var context = encryptionContext
    let signer = try Self.makeSigner(for: suite, context: &context)
    let request = WrapRequest(
      dataKey: try .random(for: suite), context: try context.serialized())
    let encryptedDataKeys = try keyrings.map { try $0.wrap(request) }
    self.dataKey = DataKey(bytes: request.dataKey.bytes.duplicate())
    self.encryptionContext = context
    self.encryptedDataKeys = encryptedDataKeys
    self.signer = signer
  }

  /// Materials that were made elsewhere.
  init(
    dataKey: consuming DataKey, encryptionContext: EncryptionContext,
    encryptedDataKeys: [EncryptedDataKey]
  ) {
    self.dataKey = dataKey
    self.encryptionContext = encryptionContext
    self.encryptedDataKeys = encryptedDataKeys
    signer = nil
  }

  /// The public key goes into the context, so that the data key is wrapped with it.
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
