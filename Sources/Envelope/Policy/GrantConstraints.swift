/// The operations that a grant can allow: the KMS API's GrantOperation.
public enum GrantOperation: String, CaseIterable, Codable, Sendable {
  case decrypt = "Decrypt"
  case encrypt = "Encrypt"
  case generateDataKey = "GenerateDataKey"
  case generateDataKeyWithoutPlaintext = "GenerateDataKeyWithoutPlaintext"
  case reEncryptFrom = "ReEncryptFrom"
  case reEncryptTo = "ReEncryptTo"
  case sign = "Sign"
  case verify = "Verify"
  case getPublicKey = "GetPublicKey"
  case createGrant = "CreateGrant"
  case retireGrant = "RetireGrant"
  case describeKey = "DescribeKey"
  case generateDataKeyPair = "GenerateDataKeyPair"
  case generateDataKeyPairWithoutPlaintext = "GenerateDataKeyPairWithoutPlaintext"
  case generateMac = "GenerateMac"
  case verifyMac = "VerifyMac"
  case deriveSharedSecret = "DeriveSharedSecret"

  /// True if requests have an encryption context, to which constraints apply.
  var hasEncryptionContext: Bool {
    switch self {
    case .decrypt, .encrypt, .generateDataKey, .generateDataKeyWithoutPlaintext, .reEncryptFrom,
      .reEncryptTo, .generateDataKeyPair, .generateDataKeyPairWithoutPlaintext:
      true
    case .sign, .verify, .getPublicKey, .createGrant, .retireGrant, .describeKey, .generateMac,
      .verifyMac, .deriveSharedSecret:
      false
    }
  }
}

/// The encryption contexts that a grant allows (KMS API, "GrantConstraints"). Keys of the context
/// are compared without regard to case, values exactly.
public struct GrantConstraints: Codable, Equatable, Sendable {
  /// The pairs that the context must have. It may have others.
  public var encryptionContextSubset: EncryptionContext?
  /// The pairs that the context must have. It must not have others.
  public var encryptionContextEquals: EncryptionContext?

  public init(
    encryptionContextSubset: EncryptionContext? = nil,
    encryptionContextEquals: EncryptionContext? = nil
  ) {
    self.encryptionContextSubset = encryptionContextSubset
    self.encryptionContextEquals = encryptionContextEquals
  }

  func allow(_ context: EncryptionContext) -> Bool {
    let given = ContextPairs(context)
    if let subset = encryptionContextSubset, !ContextPairs(subset).isSubset(of: given) {
      return false
    }
    if let equals = encryptionContextEquals, ContextPairs(equals) != given { return false }
    return true
  }

  /// True if these constraints allow nothing that `parent` does not allow. A grant that is made
  /// under another grant must satisfy this (developer guide, "Grants in AWS KMS", CreateGrant).
  func isNoWider(than parent: GrantConstraints) -> Bool {
    let equals = encryptionContextEquals.map { ContextPairs($0) }
    if let wanted = parent.encryptionContextEquals, equals != ContextPairs(wanted) { return false }
    if let wanted = parent.encryptionContextSubset {
      let pairs = equals ?? ContextPairs(encryptionContextSubset ?? EncryptionContext())
      return ContextPairs(wanted).isSubset(of: pairs)
    }
    return true
  }
}

/// The permissions that a grant gives to its grantee.
public struct GrantPermissions: Equatable, Sendable {
  public var operations: Set<GrantOperation>
  public var constraints: GrantConstraints?

  public init(operations: Set<GrantOperation>, constraints: GrantConstraints? = nil) {
    self.operations = operations
    self.constraints = constraints
  }

  /// True if `operation` is allowed in a request with that encryption context. Constraints do not
  /// apply to operations without an encryption context.
  public func allow(_ operation: GrantOperation, context: EncryptionContext) -> Bool {
    guard operations.contains(operation) else { return false }
    guard operation.hasEncryptionContext, let constraints else { return true }
    return constraints.allow(context)
  }

  /// True if these permissions allow nothing that `parent` does not allow.
  public func isNoWider(than parent: GrantPermissions) -> Bool {
    guard operations.isSubset(of: parent.operations) else { return false }
    guard let wanted = parent.constraints else { return true }
    return (constraints ?? GrantConstraints()).isNoWider(than: wanted)
  }
}

/// The pairs of an encryption context in the form that grants compare, with the number of times
/// that each occurs.
private struct ContextPairs: Equatable {
  private struct Pair: Hashable {
    let key: [UInt8]
    let value: [UInt8]
  }

  private var counts: [Pair: Int] = [:]

  init(_ context: EncryptionContext) {
    for pair in context.pairs {
      let pair = Pair(key: Array(pair.key.lowercased().utf8), value: Array(pair.value.utf8))
      counts[pair, default: 0] += 1
    }
  }

  func isSubset(of other: ContextPairs) -> Bool {
    counts.allSatisfy { other.counts[$0.key, default: 0] >= $0.value }
  }
}
