import Foundation
import GRDB

/// What an operation says of itself to a key policy, and the policy's answer.
///
/// This holds back mistakes, not adversaries: who can read the keystore file and unlock it does not
/// have to ask this program. A process of its own that keeps the file to itself would make the same
/// decision at the same place.
extension OperationCall {
  /// Throws `accessDenied` unless the key's policy lets the caller do `action`.
  func authorize(_ action: String, on record: MasterKeyRecord, _ db: Database) throws {
    // The standard policy allows the account everything, and others nothing.
    if record.policyDigest == nil, service.caller.isOwner { return }
    try policy(of: record, db).authorize(try policyRequest(action, on: record, db), record.id)
  }

  /// What a policy of the key is asked.
  func policyRequest(
    _ action: String, on record: MasterKeyRecord, _ db: Database
  ) throws -> PolicyRequest {
    PolicyRequest(
      caller: service.caller.policyCaller, action: "kms:\(action)",
      resource: KeyName.arn(ofKey: record.id), conditions: try conditions(for: record, db))
  }

  /// The key's policy, verified as far as the record is.
  func policy(of record: MasterKeyRecord, _ db: Database) throws -> KeyPolicy {
    guard let text = try KeyPolicyRecord.policy(of: record, db) else { return .standard }
    do {
      return try KeyPolicy(parsing: text)
    } catch {
      throw KeystoreError.editedRecord("policy of key \(record.id)")
    }
  }

  /// Notes what a condition key of the request is.
  func set(_ key: String, _ value: String?) {
    if let value { requestConditions[.named(key.lowercased())] = [value] }
  }

  /// What is known without a key.
  func callerConditions() -> [PolicyConditionKey: [String]] {
    var conditions = requestConditions
    let date = Date(milliseconds: now)
    conditions[.named("aws:currenttime")] = [APICoding.text(of: date)]
    conditions[.named("aws:epochtime")] = ["\(now / 1000)"]
    conditions[.named("aws:principalarn")] = [service.caller.arn]
    conditions[.named("aws:principalaccount")] = [KeyName.accountID]
    conditions[.named("kms:calleraccount")] = [KeyName.accountID]
    conditions[.named("aws:username")] = [service.caller.userName]
    conditions.add(context: context)
    return conditions
  }

  /// What the key says of itself, beside that.
  private func conditions(
    for record: MasterKeyRecord, _ db: Database
  ) throws -> [PolicyConditionKey: [String]] {
    var conditions = callerConditions()
    conditions[.named("kms:keyspec")] = [record.spec.rawValue]
    conditions[.named("kms:keyusage")] = [record.usage.rawValue]
    conditions[.named("kms:keyorigin")] = [record.origin.rawValue]
    conditions[.named("kms:multiregion")] = ["false"]
    // Only policies of a person's own ask for these.
    guard record.policyDigest != nil else { return conditions }
    let aliases = try AliasRecord.all(db, where: "targetKeyID = ?", [record.id]).map(\.name)
    if !aliases.isEmpty { conditions[.named("kms:resourcealiases")] = aliases }
    for tag in try TagRecord.all(db, where: "keyID = ?", [record.id]) {
      conditions[.resourceTag(tag.tagKey)] = [tag.tagValue]
    }
    return conditions
  }
}

extension [PolicyConditionKey: [String]] {
  /// What policies may ask about a serialized encryption context.
  mutating func add(context: [UInt8]) {
    let pairs = EncryptionContext(serialized: context)?.pairs ?? []
    if pairs.isEmpty { return }
    self[.named("kms:encryptioncontextkeys")] = pairs.map(\.key)
    for pair in pairs { self[.encryptionContext(pair.key)] = [pair.value] }
  }
}

extension KeyPolicy {
  /// Throws `accessDenied`, which names the action, the principal and the key.
  func authorize(_ request: PolicyRequest, _ keyID: String) throws(KeyServiceError) {
    let reason: String
    switch decide(request) {
    case .allowed: return
    case .explicitlyDenied(let statement):
      reason = "\(statement.description) of its policy denies it"
    case .implicitlyDenied: reason = "no statement of its policy allows it"
    }
    throw .accessDenied(
      "\(request.caller.arn) may not do \(request.action) with key \(keyID): \(reason)")
  }
}

/// Why each statement of a policy applies to a request, or does not.
public struct PolicySimulation: Sendable {
  public struct Statement: Sendable {
    public let reference: PolicyStatementReference
    /// "Allow" or "Deny".
    public let effect: String
    /// Nil where the statement applies.
    public let obstacle: String?
  }

  public let decision: PolicyDecision
  public let statements: [Statement]

  init(_ policy: KeyPolicy, _ request: PolicyRequest) {
    decision = policy.decide(request)
    statements = policy.statements.map { statement in
      Statement(
        reference: statement.reference, effect: statement.effect.rawValue,
        obstacle: statement.obstacle(to: request).map(\.text))
    }
  }
}

extension PolicyObstacle {
  fileprivate var text: String {
    switch self {
    case .principal: "another principal"
    case .action: "another action"
    case .resource: "another resource"
    case .condition(let condition):
      "its condition \(condition.comparison.rawValue) \(condition.key.text) is not met"
    }
  }
}

extension KeyService {
  /// What a key's policy answers, or `document` in its place, were `userName` to ask. `asAccount`
  /// stands for the keystore's owner.
  public func simulatePolicy(
    ofKey name: String, document: KeyPolicy? = nil, userName: String?, asAccount: Bool,
    action: String, encryptionContext: EncryptionContext
  ) throws -> PolicySimulation {
    let call = begin(.getKeyPolicy)
    call.context = try encryptionContext.serialized()
    return try call.read { db in
      let record = try call.key(named: name, db)
      let own = service(actingAs: userName, asAccount: asAccount)
      var request = try call.policyRequest("", on: record, db)
      request = PolicyRequest(
        caller: own.policyCaller, action: action, resource: request.resource,
        conditions: request.conditions.merging([
          .named("aws:principalarn"): [own.arn], .named("aws:username"): [own.userName],
        ]) { $1 })
      return PolicySimulation(try document ?? call.policy(of: record, db), request)
    }
  }

  private func service(actingAs userName: String?, asAccount: Bool) -> Caller {
    userName.map { Caller(userName: $0, isOwner: asAccount) } ?? caller
  }
}
