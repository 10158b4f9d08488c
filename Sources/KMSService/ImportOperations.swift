import Envelope
import Foundation
import KMSAPI
import KMSKeystore

extension GetParametersForImportRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    let unlocked = try call.service.unlock()
    let conditions = try call.conditions(
      nil,
      [
        .wrappingAlgorithm: [wrappingAlgorithm.rawValue],
        .wrappingKeySpec: [wrappingKeySpec.rawValue],
      ])
    let record = try call.readVerified { try call.admit(keyID, conditions, in: $0).record }
    _ = try wrappingAlgorithm.scheme()
    guard wrappingKeySpec != .sm2, let spec = KeySpec(rawValue: wrappingKeySpec.rawValue) else {
      throw KeyServiceError.unsupportedOperation("wrapping key spec SM2 is not supported")
    }
    let pair = try NewKeyVersion(generating: spec)
    let token = ImportToken(
      keyID: record.id, validTo: call.now + millisecondsPerDay, algorithm: wrappingAlgorithm)
    return Response(
      keyID: KeyName.arn(ofKey: record.id),
      importToken: Blob(try token.seal(pair.bytes, unlocked)),
      publicKey: Blob(pair.subjectPublicKeyInfo ?? []),
      parametersValidTo: Date(milliseconds: token.validTo))
  }
}

extension ImportKeyMaterialRequest: HandledRequest {
  private static let descriptionLimit = 256
  /// The lengths that are allowed for the token and for the wrapped material, in bytes.
  private static let lengths = 1...6144

  package func perform(in call: OperationCall) throws -> Response {
    let expiry = try checkedExpiry(in: call)
    for (name, blob) in [
      ("ImportToken", importToken), ("EncryptedKeyMaterial", encryptedKeyMaterial),
    ] where !Self.lengths.contains(blob.bytes.count) {
      throw KeyServiceError.validation(
        "\(name) has \(Self.lengths.lowerBound) to \(Self.lengths.upperBound) bytes, not "
          + "\(blob.bytes.count)")
    }
    if let keyMaterialDescription {
      guard keyMaterialDescription.unicodeScalars.count <= Self.descriptionLimit,
        keyMaterialDescription.wholeMatch(of: /[a-zA-Z0-9:\/_\s.\-]+/) != nil
      else {
        throw KeyServiceError.validation(
          "KeyMaterialDescription has 1 to \(Self.descriptionLimit) letters, digits, spaces, "
            + "':', '/', '_', '.' or '-'")
      }
    }
    let unlocked = try call.service.unlock()
    let conditions = try call.conditions(
      nil,
      [
        .expirationModel: [(expirationModel ?? .keyMaterialExpires).rawValue],
        .validTo: validTo.map { [APICoding.text(of: $0)] } ?? [],
      ])
    // Checking a private key takes long. It is done before the transaction that changes the key, so
    // that other processes can write in the meantime.
    let material = try unwrap(
      for: try call.readVerified { try call.admit(keyID, conditions, in: $0).record }, in: call,
      unlocked)
    let (record, materialID) = try call.change(keyID, conditions) { record, transaction in
      let importer = MaterialImport(
        material: material,
        materialID: try transaction.keys.materialID(material.bytes, keyID: record.id),
        validTo: expiry, description: keyMaterialDescription, now: call.now)
      if let keyMaterialID, keyMaterialID != importer.materialID {
        throw KeyServiceError.incorrectKeyMaterial(
          "the material is not the one that KeyMaterialId names")
      }
      try importer.store(in: &record, type: importType, transaction)
      return importer.materialID
    }
    return Response(
      keyID: KeyName.arn(ofKey: record.id),
      keyMaterialID: record.spec == .symmetricDefault ? materialID : nil)
  }

  private func checkedExpiry(in call: OperationCall) throws(KeyServiceError) -> Int64? {
    switch (expirationModel ?? .keyMaterialExpires, validTo) {
    case (.keyMaterialDoesNotExpire, nil): return nil
    case (.keyMaterialDoesNotExpire, _):
      throw .validation("material that does not expire cannot have a ValidTo")
    case (.keyMaterialExpires, nil):
      throw .validation(
        "give ValidTo, or the ExpirationModel KEY_MATERIAL_DOES_NOT_EXPIRE")
    case (.keyMaterialExpires, let date?):
      let days = (date.timeIntervalSince1970 - Double(call.now) / 1000) / 86_400
      guard days > 0, days <= 365 else {
        throw .validation("ValidTo must be in the future, and at most 365 days from now")
      }
      return date.milliseconds
    }
  }

  private func unwrap(
    for record: MasterKeyRecord, in call: OperationCall, _ unlocked: UnlockedKeystore
  ) throws -> NewKeyVersion {
    let (token, privateKey) = try ImportToken.open(importToken.bytes, unlocked)
    guard token.keyID == record.id else { throw KeyServiceError.invalidImportToken }
    guard call.now < token.validTo else { throw KeyServiceError.expiredImportToken }
    let bytes = try token.algorithm.scheme().unwrap(
      encryptedKeyMaterial.bytes, with: try RSAPrivateKey(pkcs8: privateKey.bytes))
    guard let bytes else { throw KeyServiceError.invalidCiphertext }
    do {
      return try NewKeyVersion(importing: bytes.bytes.duplicate(), for: record.spec)
    } catch CryptoError.invalidKey(let reason) {
      throw KeyServiceError.incorrectKeyMaterial(reason)
    }
  }
}

extension DeleteImportedKeyMaterialRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    let (record, materialID) = try call.change(keyID, .none) { record, transaction -> String? in
      let versions = try transaction.versions(ofKey: record.id)
      let wanted = versions.first {
        keyMaterialID == nil
          ? $0.version == record.currentVersion : $0.materialID == keyMaterialID
      }
      guard let version = wanted else {
        guard keyMaterialID == nil else {
          throw KeyServiceError.notFound(keyMaterialID ?? "")
        }
        return nil
      }
      if version.version > record.currentVersion {
        try transaction.delete(version)
      } else if version.hasMaterial {
        try transaction.deleteMaterial(of: version)
        if record.state != .pendingDeletion { record.state = .pendingImport }
      }
      try transaction.noteExpiry(of: &record)
      return version.materialID
    }
    return Response(
      keyID: KeyName.arn(ofKey: record.id),
      keyMaterialID: record.spec == .symmetricDefault ? materialID : nil)
  }
}
