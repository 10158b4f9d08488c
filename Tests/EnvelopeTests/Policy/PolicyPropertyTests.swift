import Foundation
import Testing

@testable import Envelope

/// The evaluator against a slow, obvious one, over generated policies and requests.
@Suite struct PolicyPropertyTests {
  /// A policy in plain values, from which both the document and the obvious answer are made.
  struct Plain {
    struct Statement {
      var allows: Bool
      /// User names, "*" for anyone, "root" for the account.
      var principals: [String]
      var actions: [String]
      var isNotAction: Bool
      var resource: String
      /// The operator, the context key, the values.
      var condition: (String, String, [String])?
    }
    var statements: [Statement]
  }

  struct Random {
    var state: UInt64
    mutating func next(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(count))
    }
    mutating func pick<Item>(_ items: [Item]) -> Item { items[next(items.count)] }
  }

  static let users = ["alice", "bob", "eve"]
  static let actions = ["Decrypt", "DescribeKey", "Encrypt", "Sign", "ScheduleKeyDeletion"]
  static let patterns = actions + ["*", "De*", "*e*", "?ign", "E??rypt", "Nothing"]
  static let operators = [
    "StringEquals", "StringNotEquals", "StringLike", "StringEqualsIfExists", "NumericLessThan",
    "Null", "ForAnyValue:StringEquals", "ForAllValues:StringEquals",
  ]
  static let values = ["a", "b", "7"]

  static func generate(_ random: inout Random) -> Plain {
    Plain(
      statements: (0...random.next(4)).map { _ in
        var statement = Plain.Statement(
          allows: random.next(3) > 0,
          principals: (0...random.next(2)).map { _ in random.pick(users + ["*", "root"]) },
          actions: (0...random.next(3)).map { _ in random.pick(patterns) },
          isNotAction: random.next(6) == 0,
          resource: random.next(6) == 0 ? "arn:aws:kms:elsewhere:*" : "*", condition: nil)
        if random.next(2) == 0 {
          let name = random.pick(operators)
          let values =
            name == "NumericLessThan"
            ? [random.pick(["5", "9"])]
            : name == "Null"
              ? [random.pick(["true", "false"])]
              : (0...random.next(2)).map { _ in random.pick(Self.values + ["*"]) }
          statement.condition = (name, random.pick(["k", "l"]), values)
        }
        return statement
      })
  }

  static func document(_ plain: Plain) throws -> String {
    let statements = plain.statements.map { statement -> [String: Any] in
      var object: [String: Any] = [
        "Effect": statement.allows ? "Allow" : "Deny",
        "Principal": [
          "AWS": statement.principals.map { name in
            name == "*"
              ? "*"
              : name == "root"
                ? "arn:aws:iam::000000000000:root" : "arn:aws:iam::000000000000:user/\(name)"
          }
        ],
        statement.isNotAction ? "NotAction" : "Action": statement.actions.map { "kms:\($0)" },
        "Resource": statement.resource,
      ]
      if let (name, key, values) = statement.condition {
        object["Condition"] = [name: ["kms:EncryptionContext:\(key)": values]]
      }
      return object
    }
    let data = try JSONSerialization.data(withJSONObject: ["Statement": statements])
    return String(decoding: data, as: UTF8.self)
  }

  /// By recursion over the letters: slow, and plain to see.
  static func matches(_ pattern: Substring, _ text: Substring) -> Bool {
    guard let first = pattern.first else { return text.isEmpty }
    if first == "*" {
      return matches(pattern.dropFirst(), text)
        || (!text.isEmpty && matches(pattern, text.dropFirst()))
    }
    guard let letter = text.first, first == "?" || first == letter else { return false }
    return matches(pattern.dropFirst(), text.dropFirst())
  }

  static func isMet(_ condition: (String, String, [String])?, _ context: [String: String]) -> Bool {
    guard let (name, key, values) = condition else { return true }
    let found = context[key]
    switch name {
    case "StringEquals", "ForAnyValue:StringEquals": return found.map(values.contains) ?? false
    case "StringEqualsIfExists", "ForAllValues:StringEquals":
      return found.map(values.contains) ?? true
    case "StringNotEquals": return !(found.map(values.contains) ?? false)
    case "StringLike":
      return found.map { found in values.contains { matches($0[...], found[...]) } } ?? false
    case "NumericLessThan":
      return found.flatMap(Double.init).map { $0 < Double(values[0])! } ?? false
    case "Null": return (found == nil) == (values[0] == "true")
    default: preconditionFailure(name)
    }
  }

  /// The number of the statement that decides, from 1; nil where none does.
  static func obvious(
    _ plain: Plain, user: String, isAccount: Bool, action: String, context: [String: String]
  ) -> (allowed: Bool, statement: Int?) {
    var allowing: Int?
    for (index, statement) in plain.statements.enumerated() {
      let isAbout = statement.principals.contains {
        $0 == "*" || $0 == user || ($0 == "root" && isAccount)
      }
      let isListed = statement.actions.contains {
        matches($0.lowercased()[...], action.lowercased()[...])
      }
      guard isAbout, isListed != statement.isNotAction, statement.resource == "*",
        isMet(statement.condition, context)
      else { continue }
      if !statement.allows { return (false, index + 1) }
      allowing = allowing ?? index + 1
    }
    return (allowing != nil, allowing)
  }

  @Test func decidesAsTheObviousEvaluatorDoes() throws {
    var random = Random(state: 20_261_124)
    var (allowed, denied, implicit) = (0, 0, 0)
    for _ in 0..<1500 {
      let plain = Self.generate(&random)
      let policy = try KeyPolicy(parsing: try Self.document(plain))
      for _ in 0..<12 {
        let user = random.pick(Self.users)
        let isAccount = random.next(4) == 0
        let action = random.pick(Self.actions)
        var context: [String: String] = [:]
        for key in ["k", "l"] where random.next(3) > 0 { context[key] = random.pick(Self.values) }
        var conditions: [PolicyConditionKey: [String]] = [:]
        for (key, value) in context { conditions[.encryptionContext(key)] = [value] }
        let decision = policy.decide(
          KeyPolicyTests.request(user, "kms:\(action)", isAccount: isAccount, conditions))
        let wanted = Self.obvious(
          plain, user: user, isAccount: isAccount, action: action, context: context)
        switch decision {
        case .allowed(let statement):
          allowed += 1
          #expect(
            wanted.allowed && wanted.statement == statement.number,
            "\(policy.text) \(user) \(action) \(context)")
        case .explicitlyDenied(let statement):
          denied += 1
          #expect(
            !wanted.allowed && wanted.statement == statement.number,
            "\(policy.text) \(user) \(action) \(context)")
        case .implicitlyDenied:
          implicit += 1
          #expect(
            !wanted.allowed && wanted.statement == nil,
            "\(policy.text) \(user) \(action) \(context)")
        }
      }
    }
    // Each answer often enough to mean something.
    #expect(min(allowed, denied, implicit) > 1500, "\(allowed) \(denied) \(implicit)")
  }
}
