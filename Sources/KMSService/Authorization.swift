import Envelope
import Foundation
import KMSAPI
import KMSKeystore
import KMSPolicy

/// The decisions about the use of keys.
///
/// They prevent mistakes, not attacks: anyone who can read the keystore file and unlock it can use
/// the keys with another program. In a server whose keystore file nobody else can read, the same
/// decisions would also stop attacks.
extension OperationCall {
  /// Returns the grants that allow `action`, or none if the key's policy allows it. Throws
  /// `deniedByPolicy` if nothing allows it.
  func decide(
    _ action: String, on record: MasterKeyRecord, _ conditions: RequestConditions,
    in view: KeystoreView
  ) throws -> [Grant] {
    try authorization(of: action, on: record, conditions, in: view)
      .decide(conditions.encryptionContext, at: now)
  }

  /// Collects what the decision about `action` with a key depends on. Throws `unknownCaller`.
  func authorization(
    of action: String, on record: MasterKeyRecord, _ conditions: RequestConditions,
    in view: KeystoreView
  ) throws -> Authorization {
    try service.caller.requireKnown(toDo: "kms:\(action) with key \(record.id)")
    // The default policy allows the owner everything.
    if record.policyDigest == nil, service.caller.isOwner { return .everything }
    return Authorization(
      policy: try policy(of: record, in: view), grants: try grantsToCaller(of: record, in: view),
      request: try policyRequest(action, on: record, conditions, in: view), keyID: record.id)
  }

  /// Throws `deniedByPolicy` if a statement of the key's policy denies `action`. RetireGrant uses
  /// this: the grant allows it, but the policy can deny it.
  func requireNotDenied(
    _ action: String, on record: MasterKeyRecord, _ conditions: RequestConditions,
    in view: KeystoreView
  ) throws {
    if record.policyDigest == nil { return }
    let request = try policyRequest(action, on: record, conditions, in: view)
    let decision = try policy(of: record, in: view).decide(request)
    guard case .explicitlyDenied(let statement) = decision else { return }
    throw KeyServiceError.denied(request, keyID: record.id, "\(statement) of its policy denies it")
  }

  /// Throws `accessDenied` unless the caller may create keys. A key policy cannot allow this,
  /// because it is about an existing key, and there are no policies of other kinds. So only the
  /// account may do it.
  func authorizeCreation() throws(KeyServiceError) {
    try service.caller.requireKnown(toDo: "kms:CreateKey")
    guard service.caller.isOwner else {
      throw .accessDenied(
        "\(service.caller.arn) may not do kms:CreateKey: only the account, the keystore's owner, "
          + "may")
    }
  }

  /// Returns the request that the key's policy decides. It does not have the encryption context,
  /// because each message has its own.
  func policyRequest(
    _ action: String, on record: MasterKeyRecord, _ conditions: RequestConditions,
    in view: KeystoreView
  ) throws -> PolicyRequest {
    var values = conditions.values
    values.describe(record)
    values.describeUse(of: record, action)
    // The default policy does not use these condition keys.
    if record.policyDigest != nil {
      let view = service.keystore.verifying(view)
      values[.resourceAliases] = try view.aliases(ofKey: record.id).map(\.name)
      values.setResourceTags(try view.tags(ofKey: record.id).map { ($0.tagKey, $0.tagValue) })
    }
    var request = PolicyRequest(
      principal: service.caller.principal, action: PolicyActions.prefix + action,
      resource: KeyName.arn(ofKey: record.id), context: values, time: Date(milliseconds: now))
    request.otherAction = record.otherAction(for: action)
    return request
  }

  /// Returns the key's policy. It is verified if `record` is verified.
  func policy(of record: MasterKeyRecord, in view: KeystoreView) throws -> KeyPolicy {
    guard let text = try view.policy(of: record) else { return .defaultPolicy }
    do {
      return try KeyPolicy(parsing: text)
    } catch {
      throw KeystoreError.editedRecord("policy of key \(record.id)")
    }
  }
}

/// A decision about one action with one key. It is made once for a request of the API, and once for
/// each message if a command processes messages.
struct Authorization: Sendable {
  /// Nil if everything is allowed.
  private let question: Question?

  private struct Question: Sendable {
    let policy: KeyPolicy
    let grants: [Grant]
    let request: PolicyRequest
    let keyID: String
  }

  /// Makes a decision that depends on the policy and on `grants`, the grants to the caller.
  init(policy: KeyPolicy, grants: [Grant], request: PolicyRequest, keyID: String) {
    question = Question(policy: policy, grants: grants, request: request, keyID: keyID)
  }

  private init() { question = nil }

  static let everything = Authorization()

  /// Decides for the serialized encryption context of a message. Throws `deniedByPolicy`.
  func decide(context: [UInt8], at now: Int64) throws {
    if question == nil { return }
    try decide(EncryptionContext(serialized: context) ?? EncryptionContext(), at: now)
  }

  /// Returns the grants that allow the action, or none if the policy allows it. An explicit denial
  /// overrides grants. Throws `deniedByPolicy`, whose text names the action, the principal and the
  /// key.
  @discardableResult
  func decide(_ context: EncryptionContext, at now: Int64) throws -> [Grant] {
    guard let question else { return [] }
    var request = question.request
    request.time = Date(milliseconds: now)
    request.context.setEncryptionContext(context)
    let reason: String
    switch question.policy.decide(request) {
    case .allowed: return []
    case .explicitlyDenied(let statement): reason = "\(statement) of its policy denies it"
    case .implicitlyDenied:
      let allowing = question.grants.allowing(request, context: context)
      if !allowing.isEmpty { return allowing }
      reason = "no statement of its policy allows it, and no grant"
    }
    throw KeyServiceError.denied(request, keyID: question.keyID, reason)
  }
}

extension KeyServiceError {
  fileprivate static func denied(
    _ request: PolicyRequest, keyID: String, _ reason: String
  ) -> KeyServiceError {
    .deniedByPolicy(
      "\(request.principal.arn) may not do \(request.action) with key \(keyID): \(reason)")
  }
}

extension [Grant] {
  /// Returns the grants that allow the request with the encryption context.
  func allowing(_ request: PolicyRequest, context: EncryptionContext) -> [Grant] {
    let operations = request.actions.compactMap { action in
      GrantOperation(rawValue: String(action.dropFirst(PolicyActions.prefix.count)))
    }
    return filter { grant in
      operations.contains { grant.permissions.allow($0, context: context) }
    }
  }
}

extension PolicyContext {
  /// Sets the condition keys that describe the key.
  fileprivate mutating func describe(_ record: MasterKeyRecord) {
    self[.keySpec] = [record.spec.rawValue]
    self[.keyUsage] = [record.usage.rawValue]
    self[.keyOrigin] = [record.origin.rawValue]
    self[.multiRegion] = ["false"]
  }

  /// Sets the algorithm that the key is used with, if the request names none. For files, it is the
  /// algorithm that messages use with keys of this kind.
  fileprivate mutating func describeUse(of record: MasterKeyRecord, _ action: String) {
    switch record.usage {
    case .encryptDecrypt where PolicyActions.ofEncryption.contains(action):
      guard self[.encryptionAlgorithm].isEmpty else { return }
      let algorithm: EncryptionAlgorithm =
        record.spec == .symmetricDefault ? .symmetricDefault : .rsaesOAEPSHA256
      self[.encryptionAlgorithm] = [algorithm.rawValue]
    case .keyAgreement where PolicyActions.ofKeyAgreement.contains(action):
      guard self[.keyAgreementAlgorithm].isEmpty else { return }
      self[.keyAgreementAlgorithm] = [KeyAgreementAlgorithm.ecdh.rawValue]
    default: break
    }
  }
}

extension MasterKeyRecord {
  /// Returns another name of the action with the key; nil if there is none. Reading a file is the
  /// action Decrypt with every kind of key. AWS calls it DeriveSharedSecret with an elliptic-curve
  /// key, so policies and grants may use that name instead.
  fileprivate func otherAction(for action: String) -> String? {
    guard usage == .keyAgreement, action == KeyServiceOperation.decrypt.rawValue else { return nil }
    return PolicyActions.prefix + KeyServiceOperation.deriveSharedSecret.rawValue
  }
}

extension Caller {
  var principal: PolicyPrincipal { PolicyPrincipal(userName: userName, isOwner: isOwner) }
}
