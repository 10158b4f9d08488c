/// An operation of the KMS API that a keystore supports, with the API's own name.
package enum KeyServiceOperation: String, CaseIterable, Sendable {
  case createKey = "CreateKey"
  case describeKey = "DescribeKey"
  case listKeys = "ListKeys"
  case updateKeyDescription = "UpdateKeyDescription"
  case enableKey = "EnableKey"
  case disableKey = "DisableKey"
  case scheduleKeyDeletion = "ScheduleKeyDeletion"
  case cancelKeyDeletion = "CancelKeyDeletion"
  case createAlias = "CreateAlias"
  case updateAlias = "UpdateAlias"
  case deleteAlias = "DeleteAlias"
  case listAliases = "ListAliases"
  case tagResource = "TagResource"
  case untagResource = "UntagResource"
  case listResourceTags = "ListResourceTags"
  case encrypt = "Encrypt"
  case decrypt = "Decrypt"
  case reEncrypt = "ReEncrypt"
  case generateDataKey = "GenerateDataKey"
  case generateDataKeyWithoutPlaintext = "GenerateDataKeyWithoutPlaintext"
  case generateDataKeyPair = "GenerateDataKeyPair"
  case generateDataKeyPairWithoutPlaintext = "GenerateDataKeyPairWithoutPlaintext"
  case generateRandom = "GenerateRandom"
  case enableKeyRotation = "EnableKeyRotation"
  case disableKeyRotation = "DisableKeyRotation"
  case getKeyRotationStatus = "GetKeyRotationStatus"
  case rotateKeyOnDemand = "RotateKeyOnDemand"
  case listKeyRotations = "ListKeyRotations"
  case getParametersForImport = "GetParametersForImport"
  case importKeyMaterial = "ImportKeyMaterial"
  case deleteImportedKeyMaterial = "DeleteImportedKeyMaterial"
  case getPublicKey = "GetPublicKey"
  case sign = "Sign"
  case verify = "Verify"
  case generateMac = "GenerateMac"
  case verifyMac = "VerifyMac"
  case deriveSharedSecret = "DeriveSharedSecret"
  case getKeyLastUsage = "GetKeyLastUsage"
  case putKeyPolicy = "PutKeyPolicy"
  case getKeyPolicy = "GetKeyPolicy"
  case listKeyPolicies = "ListKeyPolicies"
  case createGrant = "CreateGrant"
  case listGrants = "ListGrants"
  case listRetirableGrants = "ListRetirableGrants"
  case retireGrant = "RetireGrant"
  case revokeGrant = "RevokeGrant"
}

extension KeyServiceOperation {
  /// The other operations of the API, each with the reason why a keystore does not support it.
  package static let unsupported: [String: String] = {
    let groups: [(String, [String])] = [
      (
        "there are no custom key stores",
        [
          "ConnectCustomKeyStore", "CreateCustomKeyStore", "DeleteCustomKeyStore",
          "DescribeCustomKeyStores", "DisconnectCustomKeyStore", "UpdateCustomKeyStore",
        ]
      ),
      ("a keystore is in one place, not in regions", ["ReplicateKey", "UpdatePrimaryRegion"]),
      ("ML-KEM keys need OpenSSL 3.5 or later", ["Decapsulate", "Encapsulate"]),
    ]
    return Dictionary(
      uniqueKeysWithValues: groups.flatMap { reason, names in names.map { ($0, reason) } })
  }()
}

/// A request of the KMS API. `APIName` converts the names of its properties to the names of the
/// API's members.
package protocol KeyServiceRequest: Codable, Sendable {
  associatedtype Response: Codable & Sendable
  static var operation: KeyServiceOperation { get }
  /// False if the response has no members.
  static var hasResponse: Bool { get }
  /// The key policy that the request sets; nil if it sets none.
  var newKeyPolicy: String? { get }
}

extension KeyServiceRequest {
  package static var hasResponse: Bool { true }
  package var newKeyPolicy: String? { nil }
}

extension KeyServiceRequest where Response == EmptyResponse {
  package static var hasResponse: Bool { false }
}

/// The response of operations that return nothing.
package struct EmptyResponse: Codable, Sendable {
  package init() {}
}
