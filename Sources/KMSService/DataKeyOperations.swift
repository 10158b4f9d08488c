import Envelope
import KMSAPI
import KMSKeystore
import KMSPolicy

extension GenerateDataKeyRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    try RecipientInfo.refuse(recipient)
    let count = try RandomLength.dataKey(numberOfBytes, keySpec)
    let target = try EncryptionTarget.ofDataKeys(
      keyID, context: encryptionContext, [:], in: call)
    if dryRun == true { throw KeyServiceError.dryRun }
    let plaintext = SecretBlob(try .random(count: count))
    return Response(
      ciphertextBlob: Blob(try target.encrypt(plaintext)), plaintext: plaintext,
      keyID: target.keyARN, keyMaterialID: try target.key.materialID())
  }
}

extension GenerateDataKeyWithoutPlaintextRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    var request = GenerateDataKeyRequest(
      keyID: keyID, encryptionContext: encryptionContext, keySpec: keySpec,
      numberOfBytes: numberOfBytes)
    request.grantTokens = grantTokens
    request.dryRun = dryRun
    let response = try request.perform(in: call)
    return Response(
      ciphertextBlob: response.ciphertextBlob, keyID: response.keyID,
      keyMaterialID: response.keyMaterialID)
  }
}

extension GenerateDataKeyPairRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    try RecipientInfo.refuse(recipient)
    _ = try keyPairSpec.keySpec.requireMaterial()
    let target = try EncryptionTarget.ofDataKeys(
      keyID, context: encryptionContext, [.dataKeyPairSpec: [keyPairSpec.rawValue]], in: call)
    if dryRun == true { throw KeyServiceError.dryRun }
    let pair = try NewKeyVersion(generating: keyPairSpec.keySpec)
    let privateKey = SecretBlob(pair.bytes.duplicate())
    return Response(
      privateKeyCiphertextBlob: Blob(try target.encrypt(privateKey)),
      privateKeyPlaintext: privateKey, publicKey: Blob(pair.subjectPublicKeyInfo ?? []),
      keyID: target.keyARN, keyPairSpec: keyPairSpec, keyMaterialID: try target.key.materialID())
  }
}

extension GenerateDataKeyPairWithoutPlaintextRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    var request = GenerateDataKeyPairRequest(
      keyID: keyID, keyPairSpec: keyPairSpec, encryptionContext: encryptionContext)
    request.grantTokens = grantTokens
    request.dryRun = dryRun
    let response = try request.perform(in: call)
    return Response(
      privateKeyCiphertextBlob: response.privateKeyCiphertextBlob, publicKey: response.publicKey,
      keyID: response.keyID, keyPairSpec: keyPairSpec, keyMaterialID: response.keyMaterialID)
  }
}

extension GenerateRandomRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    try RecipientInfo.refuse(recipient)
    guard customKeyStoreID == nil else {
      throw KeyServiceError.unsupportedOperation("custom key stores are not supported")
    }
    guard let numberOfBytes else { throw KeyServiceError.validation("NumberOfBytes is required") }
    return Response(
      plaintext: SecretBlob(try .random(count: try RandomLength.check(numberOfBytes))))
  }
}

/// Checks the number of random bytes that a request asks for.
private enum RandomLength {
  private static let range = 1...1024

  static func check(_ count: Int) throws(KeyServiceError) -> Int {
    guard range.contains(count) else {
      throw .validation(
        "NumberOfBytes must be \(range.lowerBound) to \(range.upperBound), not \(count)")
    }
    return count
  }

  static func dataKey(_ count: Int?, _ spec: DataKeySpec?) throws(KeyServiceError) -> Int {
    switch (count, spec) {
    case (let count?, nil): try check(count)
    case (nil, let spec?): spec.byteCount
    default: throw .validation("give either KeySpec or NumberOfBytes")
    }
  }
}

extension EncryptionTarget {
  /// Finds the key that encrypts a data key. Throws `invalidKeyUsage` unless it is a symmetric key.
  fileprivate static func ofDataKeys(
    _ keyID: String, context: EncryptionContext?, _ values: [PolicyConditionKey: [String]],
    in call: OperationCall
  ) throws -> EncryptionTarget {
    let key = try call.usableKey(
      named: keyID, for: .encryptDecrypt, try call.conditions(context, values))
    guard key.record.spec == .symmetricDefault else {
      throw KeyServiceError.invalidKeyUsage(
        "\(call.operation.rawValue) takes symmetric encryption keys, and key \(key.record.id) is "
          + key.record.spec.rawValue)
    }
    return try EncryptionTarget(key, algorithm: nil, context: context)
  }
}
