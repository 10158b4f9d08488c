import Envelope
import KMSAPI
import KMSKeystore

extension EncryptRequest: HandledRequest {
  /// The lengths of a plaintext that are allowed, in bytes.
  static let plaintextLengths = 1...4096

  package func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    guard Self.plaintextLengths.contains(plaintext.count) else {
      throw KeyServiceError.validation(
        "Plaintext must have \(Self.plaintextLengths.lowerBound) to "
          + "\(Self.plaintextLengths.upperBound) bytes, not \(plaintext.count)")
    }
    let conditions = try call.conditions(
      encryptionContext,
      [.encryptionAlgorithm: [(encryptionAlgorithm ?? .symmetricDefault).rawValue]])
    let target = try EncryptionTarget(
      try call.usableKey(named: keyID, for: .encryptDecrypt, conditions),
      algorithm: encryptionAlgorithm, context: encryptionContext)
    try target.require(plaintext.count)
    if dryRun == true { throw KeyServiceError.dryRun }
    return Response(
      ciphertextBlob: Blob(try target.encrypt(plaintext)), keyID: target.keyARN,
      encryptionAlgorithm: target.algorithm)
  }
}

extension DecryptRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    try RecipientInfo.refuse(recipient)
    let source = DecryptionSource(
      ciphertext: ciphertextBlob.bytes, context: encryptionContext, keyID: keyID,
      algorithm: encryptionAlgorithm ?? .symmetricDefault)
    let (plaintext, key) = try source.decrypt(in: call, isSameKey: nil)
    if dryRun == true { throw KeyServiceError.dryRun }
    return Response(
      keyID: KeyName.arn(ofKey: key.record.id), plaintext: plaintext,
      encryptionAlgorithm: source.algorithm, keyMaterialID: try key.materialID())
  }
}

extension ReEncryptRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    try call.require(grantTokens)
    let source = DecryptionSource(
      ciphertext: ciphertextBlob.bytes, context: sourceEncryptionContext, keyID: sourceKeyID,
      algorithm: sourceEncryptionAlgorithm ?? .symmetricDefault)
    let isSameKey = try isSameKey(in: call)
    let (plaintext, sourceKey) = try source.decrypt(
      in: call, isSameKey: isSameKey, as: "ReEncryptFrom")
    // The policy of the destination key sees only the destination's part of the request.
    let conditions = try call.conditions(
      destinationEncryptionContext,
      [
        .encryptionAlgorithm: [(destinationEncryptionAlgorithm ?? .symmetricDefault).rawValue],
        .reEncryptOnSameKey: isSameKey.map { ["\($0)"] } ?? [],
      ])
    let destinationKey = try call.usableKey(
      named: destinationKeyID, for: .encryptDecrypt, conditions, as: "ReEncryptTo")
    let target = try EncryptionTarget(
      destinationKey, algorithm: destinationEncryptionAlgorithm,
      context: destinationEncryptionContext)
    try target.require(plaintext.count)
    if dryRun == true { throw KeyServiceError.dryRun }
    return Response(
      ciphertextBlob: Blob(try target.encrypt(plaintext)),
      sourceKeyID: KeyName.arn(ofKey: sourceKey.record.id), keyID: target.keyARN,
      sourceEncryptionAlgorithm: source.algorithm,
      destinationEncryptionAlgorithm: target.algorithm,
      sourceKeyMaterialID: try sourceKey.materialID(),
      destinationKeyMaterialID: try destinationKey.materialID())
  }

  /// Returns true if both keys are the same, because the policies of both keys can depend on that.
  /// Nil if a key does not exist: the request fails later then.
  private func isSameKey(in call: OperationCall) throws -> Bool? {
    let source = CiphertextBlob(parsing: ciphertextBlob.bytes)?.keyID ?? sourceKeyID
    let keys = try call.read { view in
      try? [source ?? "", destinationKeyID].map { try call.resolve($0, in: view).id }
    }
    return keys.map { $0[0] == $0[1] }
  }
}

/// The target of the encryption of a small plaintext: a key, an algorithm that the key supports,
/// and an encryption context if the algorithm allows one.
struct EncryptionTarget {
  let key: UsableKey
  let algorithm: EncryptionAlgorithm
  private let context: EncryptionContext

  init(
    _ key: UsableKey, algorithm: EncryptionAlgorithm?, context: EncryptionContext?
  ) throws(KeyServiceError) {
    self.key = key
    self.algorithm = algorithm ?? .symmetricDefault
    try key.record.require(self.algorithm)
    try Self.require(context, fits: self.algorithm)
    self.context = try EncryptionContext(ofRequest: context)
  }

  var keyARN: String { KeyName.arn(ofKey: key.record.id) }

  /// Throws `validation` if RSA cannot encrypt so many bytes with the key.
  func require(_ count: Int) throws {
    guard case .oaep(let digest)? = algorithm.padding,
      case .keyPair(.rsa(let bits)) =
        key.record.spec.material
    else { return }
    let limit = bits / 8 - 2 * digest.length - 2
    guard count <= limit else {
      throw KeyServiceError.validation(
        "\(algorithm.rawValue) under a key of the spec \(key.record.spec.rawValue) takes at most "
          + "\(limit) bytes, not \(count)")
    }
  }

  func encrypt(_ plaintext: SecretBlob) throws -> [UInt8] {
    guard let padding = algorithm.padding else {
      return try key.seal(plaintext.bytes, context: context)
    }
    return try RSAPublicKey(subjectPublicKeyInfo: try key.subjectPublicKeyInfo())
      .encrypt(plaintext.bytes, padding: padding)
  }

  /// Throws `validation` if there is an encryption context and the algorithm is not symmetric.
  static func require(
    _ context: EncryptionContext?, fits algorithm: EncryptionAlgorithm
  ) throws(KeyServiceError) {
    guard algorithm == .symmetricDefault || context?.isEmpty ?? true else {
      throw .validation("an encryption context is for symmetric encryption keys only")
    }
  }
}

/// The ciphertext to decrypt, and what the request says about it.
struct DecryptionSource {
  let ciphertext: [UInt8]
  let context: EncryptionContext?
  let keyID: String?
  let algorithm: EncryptionAlgorithm
  /// The lengths of a ciphertext that are allowed, in bytes.
  private static let ciphertextLengths = 1...6144

  func decrypt(
    in call: OperationCall, isSameKey: Bool?, as action: String? = nil
  ) throws -> (SecretBlob, UsableKey) {
    guard Self.ciphertextLengths.contains(ciphertext.count) else {
      throw KeyServiceError.validation(
        "CiphertextBlob must have \(Self.ciphertextLengths.lowerBound) to "
          + "\(Self.ciphertextLengths.upperBound) bytes, not \(ciphertext.count)")
    }
    try EncryptionTarget.require(context, fits: algorithm)
    let conditions = try call.conditions(
      context,
      [
        .encryptionAlgorithm: [algorithm.rawValue],
        .reEncryptOnSameKey: isSameKey.map { ["\($0)"] } ?? [],
      ])
    return try algorithm == .symmetricDefault
      ? decryptBlob(in: call, conditions, as: action)
      : decryptRSA(in: call, conditions, as: action)
  }

  private func decryptBlob(
    in call: OperationCall, _ conditions: RequestConditions, as action: String?
  ) throws -> (SecretBlob, UsableKey) {
    guard let blob = CiphertextBlob(parsing: ciphertext) else {
      throw KeyServiceError.invalidCiphertext
    }
    let key = try call.usableKey(
      named: keyID ?? blob.keyID, for: .encryptDecrypt, conditions, as: action
    ) { record in
      if let keyID {
        try record.require(algorithm)
        guard record.id == blob.keyID else { throw KeyServiceError.incorrectKey(named: keyID) }
      }
      guard record.spec == .symmetricDefault, blob.keyVersion <= record.currentVersion else {
        throw KeyServiceError.invalidCiphertext
      }
      return Int64(blob.keyVersion)
    }
    return (SecretBlob(try key.open(blob, context: conditions.encryptionContext)), key)
  }

  private func decryptRSA(
    in call: OperationCall, _ conditions: RequestConditions, as action: String?
  ) throws -> (SecretBlob, UsableKey) {
    guard let keyID else {
      throw KeyServiceError.validation(
        "\(algorithm.rawValue) needs a KeyId: the ciphertext does not contain one")
    }
    let key = try call.usableKey(
      named: keyID, for: .encryptDecrypt, conditions, as: action)
    try key.record.require(algorithm)
    guard
      let plaintext = try Self.open(
        ciphertext, with: try RSAPrivateKey(pkcs8: try key.material()),
        padding: algorithm.padding!)
    else { throw KeyServiceError.invalidCiphertext }
    return (plaintext, key)
  }

  private static func open(
    _ ciphertext: [UInt8], with key: borrowing RSAPrivateKey, padding: RSAPadding
  ) throws -> SecretBlob? {
    do {
      return SecretBlob(try key.decrypt(ciphertext, padding: padding))
    } catch .authenticationFailed {
      return nil
    }
  }
}

extension MasterKeyRecord {
  /// Throws unless the key supports the algorithm.
  func require(_ algorithm: EncryptionAlgorithm) throws(KeyServiceError) {
    guard algorithm != .sm2PKE else {
      throw .unsupportedOperation(
        "SM2PKE is not supported: KMS has it in the regions of China only")
    }
    try requireAlgorithm(
      algorithm.rawValue, among: spec.encryptionAlgorithms(for: usage)?.map(\.rawValue))
  }

  func requireAlgorithm(
    _ name: String, among own: [String]?
  ) throws(KeyServiceError) {
    guard own?.contains(name) ?? false else {
      throw .invalidKeyUsage(
        "key \(id) (\(spec.rawValue), \(usage.rawValue)) does not support \(name), only "
          + (own ?? ["other things"]).joined(separator: ", "))
    }
  }
}

extension RecipientInfo {
  /// Throws `unsupportedOperation` if a request names a recipient.
  static func refuse(_ recipient: RecipientInfo?) throws(KeyServiceError) {
    guard recipient == nil else {
      throw .unsupportedOperation("Recipient is not supported: it is for AWS Nitro Enclaves")
    }
  }
}
