import Foundation

/// GetParametersForImport returns a public key to wrap the material with, and a token that contains
/// the private key in encrypted form. The keystore does not store any of this.
package struct GetParametersForImportRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyID: String
    package let importToken: Blob
    /// DER SubjectPublicKeyInfo of an RSA key.
    package let publicKey: Blob
    package let parametersValidTo: Date

    package init(keyID: String, importToken: Blob, publicKey: Blob, parametersValidTo: Date) {
      self.keyID = keyID
      self.importToken = importToken
      self.publicKey = publicKey
      self.parametersValidTo = parametersValidTo
    }
  }
  package static let operation = KeyServiceOperation.getParametersForImport

  package var keyID: String
  package var wrappingAlgorithm: WrappingAlgorithm
  package var wrappingKeySpec: WrappingKeySpec

  package init(
    keyID: String, wrappingAlgorithm: WrappingAlgorithm, wrappingKeySpec: WrappingKeySpec
  ) {
    self.keyID = keyID
    self.wrappingAlgorithm = wrappingAlgorithm
    self.wrappingKeySpec = wrappingKeySpec
  }
}

/// ImportKeyMaterial imports material for a key that has none, or material that the key had and
/// lost. For a symmetric key, it can also import new material, which RotateKeyOnDemand makes the
/// current one.
package struct ImportKeyMaterialRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyID: String
    package let keyMaterialID: String?

    package init(keyID: String, keyMaterialID: String?) {
      self.keyID = keyID
      self.keyMaterialID = keyMaterialID
    }
  }
  package static let operation = KeyServiceOperation.importKeyMaterial

  package var keyID: String
  package var importToken: Blob
  package var encryptedKeyMaterial: Blob
  package var validTo: Date?
  package var expirationModel: ExpirationModel?
  package var importType: ImportType?
  package var keyMaterialDescription: String?
  package var keyMaterialID: String?

  package init(
    keyID: String, importToken: Blob, encryptedKeyMaterial: Blob, validTo: Date? = nil,
    expirationModel: ExpirationModel? = nil, importType: ImportType? = nil
  ) {
    self.keyID = keyID
    self.importToken = importToken
    self.encryptedKeyMaterial = encryptedKeyMaterial
    self.validTo = validTo
    self.expirationModel = expirationModel
    self.importType = importType
  }
}

/// DeleteImportedKeyMaterial deletes the current material unless the request names another one.
/// Data that is encrypted under the material can be decrypted again after the same material is
/// imported again.
package struct DeleteImportedKeyMaterialRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyID: String
    package let keyMaterialID: String?

    package init(keyID: String, keyMaterialID: String?) {
      self.keyID = keyID
      self.keyMaterialID = keyMaterialID
    }
  }
  package static let operation = KeyServiceOperation.deleteImportedKeyMaterial

  package var keyID: String
  package var keyMaterialID: String?

  package init(keyID: String, keyMaterialID: String? = nil) {
    self.keyID = keyID
    self.keyMaterialID = keyMaterialID
  }
}
