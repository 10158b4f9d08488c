import Envelope

/// The condition keys of a key policy (KMS developer guide, "AWS KMS condition keys"; IAM user
/// guide, "AWS global condition context keys"). The raw values are the names as AWS writes them.
/// Names are compared without regard to case, and so is the text after a name that ends with a
/// colon or a slash.
package enum PolicyConditionKey: String, CaseIterable, Sendable {
  case keySpec = "kms:KeySpec"
  case keyUsage = "kms:KeyUsage"
  case keyOrigin = "kms:KeyOrigin"
  case multiRegion = "kms:MultiRegion"
  case multiRegionKeyType = "kms:MultiRegionKeyType"
  case resourceAliases = "kms:ResourceAliases"
  case requestAlias = "kms:RequestAlias"
  case encryptionContext = "kms:EncryptionContext:"
  case encryptionContextKeys = "kms:EncryptionContextKeys"
  case encryptionAlgorithm = "kms:EncryptionAlgorithm"
  case signingAlgorithm = "kms:SigningAlgorithm"
  case macAlgorithm = "kms:MacAlgorithm"
  case keyAgreementAlgorithm = "kms:KeyAgreementAlgorithm"
  case messageType = "kms:MessageType"
  case dataKeyPairSpec = "kms:DataKeyPairSpec"
  case reEncryptOnSameKey = "kms:ReEncryptOnSameKey"
  case scheduleKeyDeletionPendingWindowInDays = "kms:ScheduleKeyDeletionPendingWindowInDays"
  case rotationPeriodInDays = "kms:RotationPeriodInDays"
  case bypassPolicyLockoutSafetyCheck = "kms:BypassPolicyLockoutSafetyCheck"
  case validTo = "kms:ValidTo"
  case expirationModel = "kms:ExpirationModel"
  case wrappingAlgorithm = "kms:WrappingAlgorithm"
  case wrappingKeySpec = "kms:WrappingKeySpec"
  case grantOperations = "kms:GrantOperations"
  case granteePrincipal = "kms:GranteePrincipal"
  case grantConstraintType = "kms:GrantConstraintType"
  case retiringPrincipal = "kms:RetiringPrincipal"
  case callerAccount = "kms:CallerAccount"
  case currentTime = "aws:CurrentTime"
  case epochTime = "aws:EpochTime"
  case principalARN = "aws:PrincipalArn"
  case principalAccount = "aws:PrincipalAccount"
  case principalType = "aws:PrincipalType"
  case userName = "aws:username"
  case requestTag = "aws:RequestTag/"
  case resourceTag = "aws:ResourceTag/"
  case tagKeys = "aws:TagKeys"

  enum ValueType: Sendable {
    case string, number, date, bool, arn
    /// A date that is also a number: seconds since 1970.
    case epoch
  }

  var valueType: ValueType {
    switch self {
    case .scheduleKeyDeletionPendingWindowInDays, .rotationPeriodInDays: .number
    case .validTo, .currentTime: .date
    case .epochTime: .epoch
    case .multiRegion, .reEncryptOnSameKey, .bypassPolicyLockoutSafetyCheck: .bool
    case .principalARN, .granteePrincipal, .retiringPrincipal: .arn
    default: .string
    }
  }

  /// True if one request can have several values.
  var isMultivalued: Bool {
    switch self {
    case .resourceAliases, .encryptionContextKeys, .grantOperations, .tagKeys: true
    default: false
    }
  }

  /// True if a key of the encryption context or of a tag follows the name.
  var isPrefix: Bool { rawValue.hasSuffix(":") || rawValue.hasSuffix("/") }

  /// True if the values come only from the principal and the time of the request.
  var isDerived: Bool {
    switch self {
    case .callerAccount, .currentTime, .epochTime, .principalARN, .principalAccount, .principalType,
      .userName:
      true
    default: false
    }
  }
}

/// The full name of a condition key, including the text after a prefix.
struct PolicyConditionName: Hashable, Sendable {
  let key: PolicyConditionKey
  /// UTF-8 in lower case. Bytes, because Swift considers some different strings equal.
  private let suffix: [UInt8]

  init(_ key: PolicyConditionKey, _ suffix: String = "") {
    precondition(key.isPrefix != suffix.isEmpty, "\(key.rawValue) with '\(suffix)'")
    self.key = key
    self.suffix = Array(suffix.lowercased().utf8)
  }

  /// Parses a name. Throws `unsupported` if there is no such condition key.
  init(parsing text: String) throws(PolicyError) {
    let name = text.lowercased()
    for key in PolicyConditionKey.allCases {
      let known = key.rawValue.lowercased()
      if key.isPrefix, name.utf8.starts(with: known.utf8), name.utf8.count > known.utf8.count {
        self.init(key, String(decoding: name.utf8.dropFirst(known.utf8.count), as: UTF8.self))
        return
      } else if !key.isPrefix, name == known {
        self.init(key)
        return
      }
    }
    let nearest = NearestName.find(
      text, in: PolicyConditionKey.allCases.filter { !$0.isPrefix }.map(\.rawValue))
    throw .unsupported(
      "the condition key '\(text)' is not supported"
        + (nearest.map { "; did you mean '\($0)'?" } ?? ""))
  }
}
