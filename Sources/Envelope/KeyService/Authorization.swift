import Foundation
import GRDB

/// What a key's policy is asked, and its answer.
///
/// This holds back mistakes, not adversaries: who can read the keystore file and unlock it does not
/// have to ask this program. A process of its own that keeps the file to itself would make the same
/// decision at the same place.
extension OperationCall {
  /// Throws `accessDenied` unless the key's policy lets the caller do `action`.
  func authorize(_ action: String, on record: MasterKeyRecord, _ db: Database) throws {
    guard let authorization = try authorization(of: action, on: record, db) else { return }
    reliedGrants = try authorization.decide(context: context, now: now)
  }

  /// What decides about `action` with a key; nil where the default policy allows the caller
  /// everything.
  func authorization(
    of action: String, on record: MasterKeyRecord, _ db: Database
  ) throws -> Authorization? {
    try service.caller.requireKnown(toDo: "kms:\(action) with key \(record.id)")
    if record.policyDigest == nil, service.caller.isOwner { return nil }
    return Authorization(
      policy: try policy(of: record, db), grants: try grants(toCallerOf: record, db),
      request: try policyRequest(action, on: record, db), keyID: record.id)
  }

  /// Throws `accessDenied` if a statement of the key's policy denies `action`. For actions that something other than the
  /// policy allows.
  func requireNotDenied(_ action: String, on record: MasterKeyRecord, _ db: Database) throws {
    if record.policyDigest == nil { return }
    let request = try policyRequest(action, on: record, db)
    guard case .explicitlyDenied(let statement) = try policy(of: record, db).decide(request) else {
      return
    }
    throw KeyServiceError.denied(request, keyID: record.id, "\(statement) of its policy denies it")
  }

  /// Throws `accessDenied` unless the caller may make keys. No key's policy can say so, and there are
  /// no others: what is not a key's is the account's.
  func authorizeCreation() throws(KeyServiceError) {
    try service.caller.requireKnown(toDo: "kms:CreateKey")
    guard service.caller.isOwner else {
      throw .accessDenied(
        "\(service.caller.arn) may not do kms:CreateKey: only the account, the keystore's owner, "
          + "may")
    }
  }

  /// What a key's policy is asked.
  func policyRequest(
    _ action: String, on record: MasterKeyRecord, _ db: Database
  ) throws -> PolicyRequest {
    var conditions = conditions
    conditions.describe(record)
    conditions.describeUse(of: record, action)
    // Only policies that somebody wrote ask for these.
    if record.policyDigest != nil {
      let aliases = try AliasRecord.all(db, where: "targetKeyID = ?", [record.id])
      let tags = try TagRecord.all(db, where: "keyID = ?", [record.id])
      if let unlocked = service.keystore.unlockedStore {
        try unlocked.verify(aliases, areAllOfKey: record.id, db)
        try unlocked.verify(tags, areAllOfKey: record.id, db)
      }
      conditions[.resourceAliases] = aliases.map(\.name)
      conditions.setResourceTags(tags.map { ($0.tagKey, $0.tagValue) })
    }
    var request = PolicyRequest(
      principal: service.caller.principal, action: PolicyActions.prefix + action,
      resource: KeyName.arn(ofKey: record.id), context: conditions, time: Date(milliseconds: now))
    request.otherAction = record.otherAction(for: action)
    return request
  }

  /// The key's policy, verified as far as the record is.
  func policy(of record: MasterKeyRecord, _ db: Database) throws -> KeyPolicy {
    guard let text = try KeyPolicyRecord.policy(of: record, db) else { return .defaultPolicy }
    do {
      return try KeyPolicy(parsing: text)
    } catch {
      throw KeystoreError.editedRecord("policy of key \(record.id)")
    }
  }
}

/// A decision about one action with one key, as often as it is to be made: once for an operation, for
/// each message of a run.
struct Authorization: Sendable {
  let policy: KeyPolicy
  /// Those to the caller.
  let grants: [Grant]
  let request: PolicyRequest
  let keyID: String

  /// The grants that allow it, none where the policy does. An explicit denial wins over them, too.
  /// Throws `accessDenied`, which names the action, the principal and the key. `context` is
  /// serialized.
  @discardableResult
  func decide(context: [UInt8], now: Int64) throws -> [Grant] {
    var request = request
    request.time = Date(milliseconds: now)
    let pairs = EncryptionContext(serialized: context) ?? EncryptionContext()
    request.context.setEncryptionContext(pairs)
    let reason: String
    switch policy.decide(request) {
    case .allowed: return []
    case .explicitlyDenied(let statement): reason = "\(statement) of its policy denies it"
    case .implicitlyDenied:
      let allowing = grants.allowing(request, context: pairs)
      if !allowing.isEmpty { return allowing }
      reason = "no statement of its policy allows it, and no grant"
    }
    throw KeyServiceError.denied(request, keyID: keyID, reason)
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
  /// The grants that allow the request with that context.
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
  /// What the key says of itself.
  fileprivate mutating func describe(_ record: MasterKeyRecord) {
    self[.keySpec] = [record.spec.rawValue]
    self[.keyUsage] = [record.usage.rawValue]
    self[.keyOrigin] = [record.origin.rawValue]
    self[.multiRegion] = ["false"]
  }

  /// Adds the algorithm that the key is used with, if the request has none: for files it is the one that messages have
  /// for keys of this kind.
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
  /// Another name for an action with the key. To read a file is Decrypt, whatever kind the key is. With an elliptic-curve
  /// key AWS calls the same DeriveSharedSecret, so policies and grants may name that instead.
  fileprivate func otherAction(for action: String) -> String? {
    guard usage == .keyAgreement, action == KeyServiceOperation.decrypt.rawValue else { return nil }
    return PolicyActions.prefix + KeyServiceOperation.deriveSharedSecret.rawValue
  }
}

extension Caller {
  var principal: PolicyPrincipal { PolicyPrincipal(userName: userName, isOwner: isOwner) }
}
