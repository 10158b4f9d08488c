import Envelope
import Foundation
import KMSAPI

/// A request that a key policy decides on: the principal, the action, the key and the
/// circumstances.
package struct PolicyRequest: Equatable, Sendable {
  package var principal: PolicyPrincipal
  /// The action, for example "kms:Encrypt".
  package var action: String
  /// Another name of the action. A statement covers the request if it covers either name.
  package var otherAction: String?
  /// The key's ARN.
  package var resource: String
  package var context: PolicyContext
  package var time: Date

  package init(
    principal: PolicyPrincipal, action: String, resource: String,
    context: PolicyContext = PolicyContext(), time: Date
  ) {
    self.principal = principal
    self.action = action
    self.resource = resource
    self.context = context
    self.time = time
  }

  /// Both names of the action.
  package var actions: [String] { otherAction.map { [action, $0] } ?? [action] }

  /// A value that a condition can compare.
  struct Value {
    let text: String
    /// The date, if the value is one.
    var date: Date?
  }

  /// Returns the values that the request has for `name`; empty if it has none.
  func values(of name: PolicyConditionName) -> [Value] {
    switch name.key {
    case .callerAccount, .principalAccount: [Value(text: Account.id)]
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

/// The values that conditions can compare, except the principal and the time of the request: its
/// parameters, and properties of the key.
package struct PolicyContext: Equatable, Sendable {
  private var values: [PolicyConditionName: [String]] = [:]

  package init() {}

  subscript(name: PolicyConditionName) -> [String] { values[name] ?? [] }

  /// The values of a key without a suffix; empty if the request has none. Booleans are "true" and
  /// "false". Dates have a form that the API accepts.
  package subscript(key: PolicyConditionKey) -> [String] {
    get { values[PolicyConditionName(key)] ?? [] }
    set {
      precondition(!key.isDerived, "\(key.rawValue) is the request's own")
      values[PolicyConditionName(key)] = newValue.isEmpty ? nil : newValue
    }
  }

  /// Sets kms:EncryptionContext: and kms:EncryptionContextKeys.
  package mutating func setEncryptionContext(_ context: EncryptionContext) {
    set(.encryptionContext, context.pairs.map { ($0.key, $0.value) })
    self[.encryptionContextKeys] = context.pairs.map(\.key)
  }

  /// Sets aws:RequestTag/ and aws:TagKeys.
  package mutating func setRequestTags(_ tags: [(key: String, value: String)]) {
    set(.requestTag, tags)
    self[.tagKeys] = tags.map(\.key)
  }

  /// Sets aws:TagKeys alone, as UntagResource does.
  package mutating func setTagKeys(_ keys: [String]) { self[.tagKeys] = keys }

  /// Sets aws:ResourceTag/.
  package mutating func setResourceTags(_ tags: [(key: String, value: String)]) {
    set(.resourceTag, tags)
  }

  /// Adds a value under the name that a policy would use, for example
  /// "kms:EncryptionContext:Purpose". Throws `unsupported` if there is no such name, and
  /// `malformed` if the value follows from the principal and the time.
  package mutating func insert(_ value: String, as text: String) throws(PolicyError) {
    let name = try PolicyConditionName(parsing: text)
    guard !name.key.isDerived else {
      throw .malformed(
        "'\(text)' cannot be set: it follows from the principal and the time of the request")
    }
    values[name, default: []].append(value)
  }

  /// Collects the values of keys that differ only by case under one name.
  private mutating func set(_ prefix: PolicyConditionKey, _ pairs: [(key: String, value: String)]) {
    values = values.filter { $0.key.key != prefix }
    for pair in pairs where !pair.key.isEmpty {
      values[PolicyConditionName(prefix, pair.key), default: []].append(pair.value)
    }
  }
}
