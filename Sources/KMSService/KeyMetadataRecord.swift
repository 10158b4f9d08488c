import Foundation
import KMSAPI
import KMSKeystore

extension KeyMetadata {
  init(_ record: MasterKeyRecord, currentKeyMaterialID: String?) {
    let (spec, usage) = (record.spec, record.usage)
    let hasImported = record.origin == .external && record.state != .pendingImport
    self.init(
      keyID: record.id,
      arn: KeyName.arn(ofKey: record.id),
      awsAccountID: Account.id,
      creationDate: Date(milliseconds: record.creationDate),
      enabled: record.state == .enabled,
      description: record.description,
      keyUsage: usage,
      keyState: record.state,
      deletionDate: record.deletionDate.map(Date.init(milliseconds:)),
      validTo: hasImported ? record.validTo.map(Date.init(milliseconds:)) : nil,
      expirationModel: !hasImported
        ? nil : record.validTo == nil ? .keyMaterialDoesNotExpire : .keyMaterialExpires,
      origin: record.origin,
      keyManager: record.manager,
      keySpec: spec,
      customerMasterKeySpec: spec.isCustomerMasterKeySpec ? spec : nil,
      encryptionAlgorithms: spec.encryptionAlgorithms(for: usage),
      signingAlgorithms: spec.signingAlgorithms(for: usage),
      macAlgorithms: spec.macAlgorithms(for: usage),
      keyAgreementAlgorithms: spec.keyAgreementAlgorithms(for: usage),
      currentKeyMaterialID: spec == .symmetricDefault ? currentKeyMaterialID : nil,
      multiRegion: false)
  }

  /// Makes the metadata, with the material ID of the current version.
  init(_ record: MasterKeyRecord, in view: KeystoreView) throws {
    let version = try view.version(record.currentVersion, ofKey: record.id)
    self.init(record, currentKeyMaterialID: version?.materialID)
  }
}
