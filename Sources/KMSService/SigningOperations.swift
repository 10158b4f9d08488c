import Envelope
import KMSAPI

extension GetPublicKeyRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
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

extension OperationCall {
  /// Finds the key that signs or verifies a message, and checks if the algorithm is one of the key
  /// and suits the message.
  fileprivate func signing(
    _ message: Blob, type: MessageType, _ algorithm: SigningAlgorithm, keyID: String
  ) throws -> (key: UsableKey, input: SignatureInput) {
    let conditions = try conditions(
      nil, [.signingAlgorithm: [algorithm.rawValue], .messageType: [type.rawValue]])
    let key = try usableKey(named: keyID, for: .signVerify, conditions)
    return (key, try SignatureInput(message, type: type, algorithm: algorithm, key: key))
  }
}

extension SignRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    let (key, input) = try call.signing(
      message, type: messageType ?? .raw, signingAlgorithm, keyID: keyID)
    if dryRun == true { throw KeyServiceError.dryRun }
    let signature = try SigningKey(pkcs8: try key.material()).sign(
      input.bytes, isDigest: input.isDigest, scheme: input.scheme)
    return Response(
      keyID: KeyName.arn(ofKey: key.record.id), signature: Blob(signature),
      signingAlgorithm: signingAlgorithm)
  }
}

extension VerifyRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    let (key, input) = try call.signing(
      message, type: messageType ?? .raw, signingAlgorithm, keyID: keyID)
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

/// The input of a signature, checked against the algorithm and the key.
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

/// The length of a message that is signed or authenticated: 1 to 4096 bytes.
enum MessageLength {
  private static let range = 1...4096

  static func check(_ message: Blob) throws(KeyServiceError) {
    guard range.contains(message.bytes.count) else {
      throw .validation(
        "Message must have \(range.lowerBound) to \(range.upperBound) bytes, not "
          + "\(message.bytes.count)"
      )
    }
  }
}
