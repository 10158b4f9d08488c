/// GetPublicKey.
public struct GetPublicKeyRequest: KeyServiceRequest {
  public struct Response: Codable, Sendable {
    public let keyID: String
    /// DER SubjectPublicKeyInfo.
    public let publicKey: Blob
    public let keySpec: KeySpec
    public let customerMasterKeySpec: KeySpec?
    public let keyUsage: KeyUsage
    public let encryptionAlgorithms: [EncryptionAlgorithm]?
    public let signingAlgorithms: [SigningAlgorithm]?
    public let keyAgreementAlgorithms: [KeyAgreementAlgorithm]?

    /// "BEGIN PUBLIC KEY" PEM text.
    public var pem: String {
      let text = Base64.encode(publicKey.bytes)
      let lines = stride(from: 0, to: text.count, by: 64).map {
        String(decoding: text[$0..<min($0 + 64, text.count)], as: UTF8.self)
      }
      return (["-----BEGIN PUBLIC KEY-----"] + lines + ["-----END PUBLIC KEY-----", ""])
        .joined(separator: "\n")
    }
  }
  public static let operation = KeyServiceOperation.getPublicKey

  public var keyID: String
  public var grantTokens: [String]?

  public init(keyID: String) { self.keyID = keyID }

  public func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    let key = try call.usableKey(named: keyID, .none)
    let metadata = KeyMetadata(key.record, currentKeyMaterialID: nil)
    return Response(
      keyID: metadata.arn, publicKey: Blob(try key.subjectPublicKeyInfo()),
      keySpec: metadata.keySpec, customerMasterKeySpec: metadata.customerMasterKeySpec,
      keyUsage: metadata.keyUsage, encryptionAlgorithms: metadata.encryptionAlgorithms,
      signingAlgorithms: metadata.signingAlgorithms,
      keyAgreementAlgorithms: metadata.keyAgreementAlgorithms)
  }
}

/// Sign.
public struct SignRequest: KeyServiceRequest {
  public struct Response: Codable, Sendable {
    public let keyID: String
    /// PKCS #1 or PSS for RSA, DER for ECDSA, 64 bytes for Ed25519.
    public let signature: Blob
    public let signingAlgorithm: SigningAlgorithm
  }
  public static let operation = KeyServiceOperation.sign

  public var keyID: String
  public var message: Blob
  public var messageType: MessageType?
  public var signingAlgorithm: SigningAlgorithm
  public var grantTokens: [String]?
  public var dryRun: Bool?

  public init(
    keyID: String, message: Blob, messageType: MessageType? = nil,
    signingAlgorithm: SigningAlgorithm
  ) {
    self.keyID = keyID
    self.message = message
    self.messageType = messageType
    self.signingAlgorithm = signingAlgorithm
  }

  public func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    let conditions = try call.conditions(
      nil,
      [
        .signingAlgorithm: [signingAlgorithm.rawValue],
        .messageType: [(messageType ?? .raw).rawValue],
      ])
    let key = try call.usableKey(named: keyID, for: .signVerify, conditions)
    let input = try SignatureInput(
      message, type: messageType ?? .raw, algorithm: signingAlgorithm, key: key)
    if dryRun == true { throw KeyServiceError.dryRun }
    let signature = try SigningKey(pkcs8: try key.material()).sign(
      input.bytes, isDigest: input.isDigest, scheme: input.scheme)
    return Response(
      keyID: KeyName.arn(ofKey: key.record.id), signature: Blob(signature),
      signingAlgorithm: signingAlgorithm)
  }
}

/// Verify. A signature that does not verify is an error.
public struct VerifyRequest: KeyServiceRequest {
  public struct Response: Codable, Sendable {
    public let keyID: String
    public let signatureValid: Bool
    public let signingAlgorithm: SigningAlgorithm
  }
  public static let operation = KeyServiceOperation.verify

  public var keyID: String
  public var message: Blob
  public var messageType: MessageType?
  public var signature: Blob
  public var signingAlgorithm: SigningAlgorithm
  public var grantTokens: [String]?
  public var dryRun: Bool?

  public init(
    keyID: String, message: Blob, messageType: MessageType? = nil, signature: Blob,
    signingAlgorithm: SigningAlgorithm
  ) {
    self.keyID = keyID
    self.message = message
    self.messageType = messageType
    self.signature = signature
    self.signingAlgorithm = signingAlgorithm
  }

  public func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    let conditions = try call.conditions(
      nil,
      [
        .signingAlgorithm: [signingAlgorithm.rawValue],
        .messageType: [(messageType ?? .raw).rawValue],
      ])
    let key = try call.usableKey(named: keyID, for: .signVerify, conditions)
    let input = try SignatureInput(
      message, type: messageType ?? .raw, algorithm: signingAlgorithm, key: key)
    if dryRun == true { throw KeyServiceError.dryRun }
    let publicKey = try VerificationKey(subjectPublicKeyInfo: try key.subjectPublicKeyInfo())
    guard
      try publicKey.verifies(
        signature.bytes, of: input.bytes, isDigest: input.isDigest, scheme: input.scheme)
    else { throw KeyServiceError.invalidSignature }
    return Response(
      keyID: KeyName.arn(ofKey: key.record.id), signatureValid: true,
      signingAlgorithm: signingAlgorithm)
  }
}

/// What is signed, checked against the algorithm and the key.
private struct SignatureInput {
  let bytes: [UInt8]
  let isDigest: Bool
  let scheme: SignatureScheme

  init(
    _ message: Blob, type: MessageType, algorithm: SigningAlgorithm,
    key: UsableKey
  ) throws {
    try MessageLength.check(message)
    guard let scheme = algorithm.scheme else {
      throw KeyServiceError.unsupportedOperation(Self.reason(algorithm))
    }
    try key.record.requireAlgorithm(
      algorithm.rawValue,
      among: key.record.spec.signingAlgorithms(for: key.record.usage)?.map(\.rawValue))
    guard type != .externalMu else {
      throw KeyServiceError.validation("MessageType EXTERNAL_MU is for ML-DSA keys")
    }
    isDigest = type == .digest
    if isDigest {
      guard let digest = scheme.digest else {
        throw KeyServiceError.validation("\(algorithm.rawValue) takes the MessageType RAW")
      }
      guard message.bytes.count == digest.length else {
        throw KeyServiceError.validation(
          "a digest for \(algorithm.rawValue) has \(digest.length) bytes, this one has "
            + "\(message.bytes.count)")
      }
    }
    bytes = message.bytes
    self.scheme = scheme
  }

  private static func reason(_ algorithm: SigningAlgorithm) -> String {
    switch algorithm {
    case .sm2DSA: "SM2DSA is not supported: KMS has it in the regions of China only"
    case .ed25519PHSHA512:
      "ED25519_PH_SHA_512 needs OpenSSL 3.2 or later, and this is \(LibCrypto.version)"
    default:
      "\(algorithm.rawValue) needs OpenSSL 3.5 or later, and this is \(LibCrypto.version)"
    }
  }
}

/// What is signed or authenticated has 1 to 4096 bytes.
enum MessageLength {
  private static let range = 1...4096

  static func check(_ message: Blob) throws(KeyServiceError) {
    guard range.contains(message.bytes.count) else {
      throw .validation(
        "Message has \(range.lowerBound) to \(range.upperBound) bytes, not \(message.bytes.count)")
    }
  }
}
