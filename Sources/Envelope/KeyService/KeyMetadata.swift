import Foundation

/// What is known of a key (`KeyMetadata` of the API).
public struct KeyMetadata: Codable, Equatable, Sendable {
  public let keyID: String
  public let arn: String
  public let awsAccountID: String
  public let creationDate: Date
  public let enabled: Bool
  public let description: String
  public let keyUsage: KeyUsage
  public let keyState: KeyState
  public let deletionDate: Date?
  public let validTo: Date?
  public let expirationModel: ExpirationModel?
  public let origin: KeyOrigin
  public let keyManager: KeyManager
  public let keySpec: KeySpec
  /// The older name of `keySpec`, which the API has for older specs.
  public let customerMasterKeySpec: KeySpec?
  public let encryptionAlgorithms: [EncryptionAlgorithm]?
  public let signingAlgorithms: [SigningAlgorithm]?
  public let macAlgorithms: [MACAlgorithm]?
  public let keyAgreementAlgorithms: [KeyAgreementAlgorithm]?
  /// Of symmetric encryption keys; absent in keys that were made before there was one.
  public let currentKeyMaterialID: String?
  public let multiRegion: Bool

  init(_ record: MasterKeyRecord, currentKeyMaterialID: String?) {
    keyID = record.id
    arn = KeyName.arn(ofKey: record.id)
    awsAccountID = PolicyPrincipal.accountID
    creationDate = Date(milliseconds: record.creationDate)
    enabled = record.state == .enabled
    description = record.description
    keyUsage = record.usage
    keyState = record.state
    deletionDate = record.deletionDate.map(Date.init(milliseconds:))
    let hasImported = record.origin == .external && record.state != .pendingImport
    validTo = hasImported ? record.validTo.map(Date.init(milliseconds:)) : nil
    expirationModel =
      !hasImported
      ? nil : record.validTo == nil ? .keyMaterialDoesNotExpire : .keyMaterialExpires
    origin = record.origin
    keyManager = record.manager
    keySpec = record.spec
    customerMasterKeySpec = record.spec.isCustomerMasterKeySpec ? record.spec : nil
    encryptionAlgorithms = record.spec.encryptionAlgorithms(for: record.usage)
    signingAlgorithms = record.spec.signingAlgorithms(for: record.usage)
    macAlgorithms = record.spec.macAlgorithms(for: record.usage)
    keyAgreementAlgorithms = record.spec.keyAgreementAlgorithms(for: record.usage)
    self.currentKeyMaterialID = record.spec == .symmetricDefault ? currentKeyMaterialID : nil
    multiRegion = false
  }

  /// The metadata with what the current version adds.
  init(_ record: MasterKeyRecord, in view: KeystoreView) throws {
    let version = try view.version(record.currentVersion, ofKey: record.id)
    self.init(record, currentKeyMaterialID: version?.materialID)
  }
}
