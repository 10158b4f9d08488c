/// The keys of one message, derived from its data key (specification,
/// `framework/algorithm-suites.md`): the message key, and in committing suites the commitment that
/// the header carries.
struct MessageKeyDerivation: ~Copyable {
  let messageKey: MessageKey
  /// 32 bytes, or none.
  let commitment: [UInt8]

  init(
    _ suite: AlgorithmSuite, dataKey: borrowing DataKey, messageID: [UInt8]
  ) throws(CryptoError) {
    guard dataKey.bytes.count == suite.dataKeyLength else {
      throw .invalidKey(
        "a data key of \(dataKey.bytes.count) bytes, the suite takes \(suite.dataKeyLength)")
    }
    let commitment = try Self.commitment(suite, dataKey: dataKey, messageID: messageID)
    let messageKey = try Self.messageKey(suite, dataKey: dataKey, messageID: messageID)
    self.commitment = commitment
    self.messageKey = MessageKey(bytes: messageKey)
  }

  /// True if `suiteData`, the commitment in a header, commits to this data key.
  borrowing func isCommitment(_ suiteData: [UInt8]) -> Bool {
    LibCrypto.areEqual(commitment, suiteData)
  }

  private static func commitment(
    _ suite: AlgorithmSuite, dataKey: borrowing DataKey, messageID: [UInt8]
  ) throws(CryptoError) -> [UInt8] {
    guard suite.keyDerivation == .hkdfCommitting else { return [] }
    let key = try HKDF.derive(
      .sha512, from: dataKey.bytes, salt: messageID, info: Array("COMMITKEY".utf8),
      count: suite.suiteDataLength)
    return key.withBytes { bytes in bytes.withUnsafeBytes { Array($0) } }
  }

  private static func messageKey(
    _ suite: AlgorithmSuite, dataKey: borrowing DataKey, messageID: [UInt8]
  ) throws(CryptoError) -> SecretBytes {
    let suiteID = [UInt8(suite.rawValue >> 8), UInt8(suite.rawValue & 0xff)]
    switch suite.keyDerivation {
    case .identity:
      return dataKey.bytes.duplicate()
    case .hkdf(let digest):
      return try HKDF.derive(
        digest, from: dataKey.bytes, salt: [], info: suiteID + messageID,
        count: suite.dataKeyLength)
    case .hkdfCommitting:
      return try HKDF.derive(
        .sha512, from: dataKey.bytes, salt: messageID, info: suiteID + Array("DERIVEKEY".utf8),
        count: suite.dataKeyLength)
    }
  }
}

extension HeaderAuthentication {
  /// Authenticates a header body. Format version 1 takes nonce zero too, as every SDK writes it.
  init(sealing body: [UInt8], under key: borrowing MessageKey) throws(CryptoError) {
    nonce = .zero
    tag = try AESGCM.seal(
      [UInt8]().span.bytes, under: key.bytes, nonce: nonce, authenticating: body)
  }

  /// Throws `authenticationFailed` unless the tag belongs to the body.
  func verify(_ body: [UInt8], under key: borrowing MessageKey) throws(CryptoError) {
    _ = try AESGCM.open(tag, under: key.bytes, nonce: nonce, authenticating: body)
  }
}
