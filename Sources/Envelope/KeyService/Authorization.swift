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
    if record.policyDigest == nil, service.caller.isOwner { return nil }
    return Authorization(
      policy: try policy(of: record, db), grants: try grants(toCallerOf: record, db),
      request: try policyRequest(action, on: record, db), keyID: record.id)
  }

  /// Throws `accessDenied` unless the caller may make keys. No key's policy can say so, and there are
  /// no others: what is not a key's is the account's.
  func authorizeCreation() throws(KeyServiceError) {
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
    return PolicyRequest(
      principal: service.caller.principal, action: PolicyActions.prefix + action,
      resource: KeyName.arn(ofKey: record.id), context: conditions, time: Date(milliseconds: now))
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
      let allowing = grants.allowing(request.action, context: pairs)
      if !allowing.isEmpty { return allowing }
      reason = "no statement of its policy allows it, and no grant"
    }
    throw KeyServiceError.deniedByPolicy(
      "\(request.principal.arn) may not do \(request.action) with key \(keyID): \(reason)")
  }
}

extension [Grant] {
  /// Those that allow an action, "kms:Decrypt", with that context.
  func allowing(_ action: String, context: EncryptionContext) -> [Grant] {
    let name = action.dropFirst(PolicyActions.prefix.count)
    guard let operation = GrantOperation(rawValue: String(name)) else { return [] }
    return filter { $0.permissions.allow(operation, context: context) }
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
}

extension Caller {
  var principal: PolicyPrincipal { PolicyPrincipal(userName: userName, isOwner: isOwner) }
}
