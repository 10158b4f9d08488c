import Foundation

/// The description of a key (KMS API, "KeyMetadata").
package struct KeyMetadata: Codable, Equatable, Sendable {
  package let keyID: String
  package let arn: String
  package let awsAccountID: String
  package let creationDate: Date
  package let enabled: Bool
  package let description: String
  package let keyUsage: KeyUsage
  package let keyState: KeyState
  package let deletionDate: Date?
  package let validTo: Date?
  package let expirationModel: ExpirationModel?
  package let origin: KeyOrigin
  package let keyManager: KeyManager
  package let keySpec: KeySpec
  /// `keySpec` under the older name of the member. The API uses that name only for the older specs.
  package let customerMasterKeySpec: KeySpec?
  package let encryptionAlgorithms: [EncryptionAlgorithm]?
  package let signingAlgorithms: [SigningAlgorithm]?
  package let macAlgorithms: [MACAlgorithm]?
  package let keyAgreementAlgorithms: [KeyAgreementAlgorithm]?
  /// Only symmetric encryption keys have it. Nil if the material is from before such IDs were
  /// stored.
  package let currentKeyMaterialID: String?
  package let multiRegion: Bool

  package init(
    keyID: String, arn: String, awsAccountID: String, creationDate: Date, enabled: Bool,
    description: String, keyUsage: KeyUsage, keyState: KeyState, deletionDate: Date?,
    validTo: Date?, expirationModel: ExpirationModel?, origin: KeyOrigin, keyManager: KeyManager,
    keySpec: KeySpec, customerMasterKeySpec: KeySpec?, encryptionAlgorithms: [EncryptionAlgorithm]?,
    signingAlgorithms: [SigningAlgorithm]?, macAlgorithms: [MACAlgorithm]?,
    keyAgreementAlgorithms: [KeyAgreementAlgorithm]?, currentKeyMaterialID: String?,
    multiRegion: Bool
  ) {
    self.keyID = keyID
    self.arn = arn
    self.awsAccountID = awsAccountID
    self.creationDate = creationDate
    self.enabled = enabled
    self.description = description
    self.keyUsage = keyUsage
    self.keyState = keyState
    self.deletionDate = deletionDate
    self.validTo = validTo
    self.expirationModel = expirationModel
    self.origin = origin
    self.keyManager = keyManager
    self.keySpec = keySpec
    self.customerMasterKeySpec = customerMasterKeySpec
    self.encryptionAlgorithms = encryptionAlgorithms
    self.signingAlgorithms = signingAlgorithms
    self.macAlgorithms = macAlgorithms
    self.keyAgreementAlgorithms = keyAgreementAlgorithms
    self.currentKeyMaterialID = currentKeyMaterialID
    self.multiRegion = multiRegion
  }
}
