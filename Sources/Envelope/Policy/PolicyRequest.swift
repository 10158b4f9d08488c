import Foundation

/// What a key policy decides: who wants to do what with which key, and under which circumstances.
public struct PolicyRequest: Equatable, Sendable {
  public var principal: PolicyPrincipal
  /// "kms:Encrypt".
  public var action: String
  /// Another name for the same. A statement is about the request if it names either.
  public var otherAction: String?
  /// The key's ARN.
  public var resource: String
  public var context: PolicyContext
  public var time: Date

  public init(
    principal: PolicyPrincipal, action: String, resource: String,
    context: PolicyContext = PolicyContext(), time: Date
  ) {
    self.principal = principal
    self.action = action
    self.resource = resource
    self.context = context
    self.time = time
  }

  /// Both names.
  var actions: [String] { otherAction.map { [action, $0] } ?? [action] }

  /// A value that a condition can ask about.
  struct Value {
    let text: String
    /// The date that the value is, where it is one by nature.
    var date: Date?
  }

  /// What the request has of `name`: nothing where the request has no such thing.
  func values(of name: PolicyConditionName) -> [Value] {
    switch name.key {
    case .callerAccount, .principalAccount: [Value(text: PolicyPrincipal.accountID)]
    case .principalARN: [Value(text: principal.arn)]
    case .principalType: [Value(text: PolicyPrincipal.type)]
    case .userName: [Value(text: principal.userName)]
    case .currentTime: [Value(text: time.formatted(.iso8601), date: time)]
    case .epochTime:
      [Value(text: String(Int64(time.timeIntervalSince1970.rounded(.down))), date: time)]
    default: context[name].map { Value(text: $0) }
    }
  }
}

/// What conditions can ask about a request besides its principal and time: parameters, and what is
/// known of the key.
public struct PolicyContext: Equatable, Sendable {
  private var values: [PolicyConditionName: [String]] = [:]

  public init() {}

  subscript(name: PolicyConditionName) -> [String] { values[name] ?? [] }

  /// The values of a key whose name does not go on; empty where the request has none. Truth values
  /// are "true" and "false", dates what the API takes for one.
  public subscript(key: PolicyConditionKey) -> [String] {
    get { values[PolicyConditionName(key)] ?? [] }
    set {
      precondition(!key.isDerived, "\(key.rawValue) is the request's own")
      values[PolicyConditionName(key)] = newValue.isEmpty ? nil : newValue
    }
  }

  /// Sets kms:EncryptionContext: and kms:EncryptionContextKeys.
  public mutating func setEncryptionContext(_ context: EncryptionContext) {
    set(.encryptionContext, context.pairs.map { ($0.key, $0.value) })
    self[.encryptionContextKeys] = context.pairs.map(\.key)
  }

  /// Sets aws:RequestTag/ and aws:TagKeys.
  public mutating func setRequestTags(_ tags: [(key: String, value: String)]) {
    set(.requestTag, tags)
    self[.tagKeys] = tags.map(\.key)
  }

  /// Sets aws:TagKeys alone, as UntagResource does.
  public mutating func setTagKeys(_ keys: [String]) { self[.tagKeys] = keys }

  /// Sets aws:ResourceTag/.
  public mutating func setResourceTags(_ tags: [(key: String, value: String)]) {
    set(.resourceTag, tags)
  }

  /// Adds a value under the name that a policy would use, "kms:EncryptionContext:Purpose". Throws
  /// `unsupported` where there is no such name, `malformed` where its value is the request's own.
  public mutating func insert(_ value: String, as text: String) throws(PolicyError) {
    let name = try PolicyConditionName(parsing: text)
    guard !name.key.isDerived else {
      throw .malformed("'\(text)' follows from the principal and the time of the request")
    }
    values[name, default: []].append(value)
  }

  /// Keys that differ only by case come together under one name.
  private mutating func set(_ prefix: PolicyConditionKey, _ pairs: [(key: String, value: String)]) {
    values = values.filter { $0.key.key != prefix }
    for pair in pairs where !pair.key.isEmpty {
      values[PolicyConditionName(prefix, pair.key), default: []].append(pair.value)
    }
  }
}
