import Envelope
import KMSAPI

/// The permissions that a grant gives to its grantee.
package struct GrantPermissions: Equatable, Sendable {
  package var operations: Set<GrantOperation>
  package var constraints: GrantConstraints?

  package init(operations: Set<GrantOperation>, constraints: GrantConstraints? = nil) {
    self.operations = operations
    self.constraints = constraints
  }

  /// True if `operation` is allowed in a request with that encryption context. Constraints do not
  /// apply to operations without an encryption context.
  package func allow(_ operation: GrantOperation, context: EncryptionContext) -> Bool {
    guard operations.contains(operation) else { return false }
    guard operation.hasEncryptionContext, let constraints else { return true }
    return constraints.allow(context)
  }

  /// True if these permissions allow nothing that `parent` does not allow.
  package func isNoWider(than parent: GrantPermissions) -> Bool {
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

extension GrantOperation {
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

extension GrantConstraints {
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
