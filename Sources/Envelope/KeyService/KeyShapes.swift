import Foundation

// The KMS API's shapes, with its field names; dates are ISO 8601 in UTC, as the AWS CLI prints them.

/// What is known of a key.
public struct KeyMetadata: Codable, Equatable, Sendable {
  public let keyID: String
  public let arn: String
  public let accountID: String
  public let creationDate: Date
  public let enabled: Bool
  public let description: String
  public let keyUsage: KeyUsage
  public let keyState: KeyState
  public let origin: KeyOrigin
  public let keyManager: KeyManager
  public let keySpec: KeySpec
  public let customerMasterKeySpec: KeySpec
  public let encryptionAlgorithms: [String]
  public let multiRegion: Bool

  enum CodingKeys: String, CodingKey {
    case keyID = "KeyId"
    case arn = "Arn"
    case accountID = "AWSAccountId"
    case creationDate = "CreationDate"
    case enabled = "Enabled"
    case description = "Description"
    case keyUsage = "KeyUsage"
    case keyState = "KeyState"
    case origin = "Origin"
    case keyManager = "KeyManager"
    case keySpec = "KeySpec"
    case customerMasterKeySpec = "CustomerMasterKeySpec"
    case encryptionAlgorithms = "EncryptionAlgorithms"
    case multiRegion = "MultiRegion"
  }

  init(_ record: MasterKeyRecord) {
    keyID = record.id
    arn = KeyName.arn(ofKey: record.id)
    accountID = KeyName.accountID
    creationDate = Date(milliseconds: record.creationDate)
    enabled = record.state == .enabled
    description = record.description
    keyUsage = record.usage
    keyState = record.state
    origin = record.origin
    keyManager = record.manager
    keySpec = record.spec
    customerMasterKeySpec = record.spec
    encryptionAlgorithms = record.spec.encryptionAlgorithms
    multiRegion = false
  }
}

/// An alias and the key it stands for.
public struct AliasListEntry: Codable, Equatable, Sendable {
  public let aliasName: String
  public let aliasARN: String
  public let targetKeyID: String
  public let creationDate: Date
  public let lastUpdatedDate: Date

  enum CodingKeys: String, CodingKey {
    case aliasName = "AliasName"
    case aliasARN = "AliasArn"
    case targetKeyID = "TargetKeyId"
    case creationDate = "CreationDate"
    case lastUpdatedDate = "LastUpdatedDate"
  }

  init(_ record: AliasRecord) {
    aliasName = record.name
    aliasARN = KeyName.arn(ofAlias: record.name)
    targetKeyID = record.targetKeyID
    creationDate = Date(milliseconds: record.creationDate)
    lastUpdatedDate = Date(milliseconds: record.lastUpdatedDate)
  }
}

/// One version of a key, as `describe` shows it.
public struct KeyVersionDescription: Equatable, Sendable {
  public let version: Int
  public let creationDate: Date
  /// Lower-case hexadecimal SHA-256 of an RSA key's SubjectPublicKeyInfo.
  public let fingerprint: String?
  /// "provider ID / key name" under which other programs' messages know an imported key.
  public let foreignName: String?

  init(_ record: KeyVersionRecord) {
    version = Int(record.version)
    creationDate = Date(milliseconds: record.creationDate)
    fingerprint = record.fingerprint
    foreignName = record.foreignProviderID.map { "\($0) \(record.foreignKeyName ?? "")" }
  }
}
