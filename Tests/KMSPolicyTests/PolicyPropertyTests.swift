import Foundation
import Testing

@testable import Envelope
@testable import KMSPolicy
@testable import TestSupport

/// Compares the evaluator with a slow, simple one that shares no code with it, for generated
/// policies and requests.
@Suite struct PolicyPropertyTests {
  @Test func agreesWithTheObviousEvaluator() throws {
    var numbers = SeededNumbers(state: 20_261_124)
    var (allowed, denied, undecided, unmetConditions) = (0, 0, 0, 0)
    for document in 0..<1500 {
      let model = ModelPolicy.random(&numbers)
      let text = try model.json()
      let policy = try KeyPolicy(parsing: text)
      for _ in 0..<12 {
        let model = (policy: model, request: ModelRequest.random(&numbers))
        let request = try model.request.real()
        let wanted = model.policy.statements.indices.filter {
          model.policy.statements[$0].applies(to: model.request)
        }
        let decision = policy.decide(request)
        let explanation = policy.explain(request)
        let found = explanation.statements.indices.filter { explanation.statements[$0].applies }
        let reference = { (index: Int) in
          StatementReference(index: index + 1, sid: model.policy.statements[index].sid)
        }
        let wantedDecision: PolicyDecision
        if let first = wanted.first(where: { !model.policy.statements[$0].allows }) {
          wantedDecision = .explicitlyDenied(by: reference(first))
          denied += 1
        } else if let first = wanted.first {
          wantedDecision = .allowed(by: reference(first))
          allowed += 1
        } else {
          wantedDecision = .implicitlyDenied
          undecided += 1
        }
        unmetConditions +=
          explanation.statements.count {
            if case .condition? = $0.mismatches.first { true } else { false }
          }
        guard decision == wantedDecision, explanation.decision == decision, found == wanted else {
          Issue.record(
            """
            document \(document): \(text)
            \(model.request)
            wanted \(wantedDecision) by \(wanted), got \(decision) by \(found)
            """)
          return
        }
      }
    }
    #expect(allowed > 2500, "allowed \(allowed)")
    #expect(denied > 2500, "denied \(denied)")
    #expect(undecided > 2500, "undecided \(undecided)")
    #expect(unmetConditions > 2500, "unmet conditions \(unmetConditions)")
  }
}

/// A policy as the generator represents it.
private struct ModelPolicy {
  var hasVariables: Bool
  var statements: [ModelStatement]

  static func random(_ numbers: inout SeededNumbers) -> ModelPolicy {
    let hasVariables = numbers.chance(80)
    let count = Int.random(in: 1...4, using: &numbers)
    return ModelPolicy(
      hasVariables: hasVariables,
      statements: (0..<count).map { .random(&numbers, index: $0, hasVariables: hasVariables) })
  }

  func json() throws -> String {
    let document: [String: Any] = [
      "Version": hasVariables ? "2012-10-17" : "2008-10-17",
      "Statement": statements.count == 1
        ? statements[0].json() : statements.map { $0.json() } as Any,
    ]
    return String(decoding: try JSONSerialization.data(withJSONObject: document), as: UTF8.self)
  }
}

private struct ModelStatement {
  var sid: String?
  var allows: Bool
  var principals: [String]
  var excepts: Bool
  var actions: [String]
  var resources: [String]
  var conditions: [ModelCondition]
  var hasVariables: Bool

  static func random(
    _ numbers: inout SeededNumbers, index: Int, hasVariables: Bool
  ) -> ModelStatement {
    let user = "arn:aws:iam::000000000000:user/"
    let excepts = numbers.chance(20)
    var conditions: [ModelCondition] = []
    for _ in 0..<numbers.pick([0, 0, 0, 1, 1, 1, 2, 2]) {
      let condition = ModelCondition.random(&numbers)
      let isThere = conditions.contains {
        $0.comparison == condition.comparison && $0.key == condition.key
      }
      if !isThere { conditions.append(condition) }
    }
    return ModelStatement(
      sid: numbers.chance(70) ? "S\(index)" : nil, allows: numbers.chance(65),
      principals: numbers.chance(40)
        ? ["*"]
        : numbers.some(
          [
            user + "alice", user + "team/bob", user + "bob",
            "000000000000", "arn:aws:iam::000000000000:root", "111122223333",
            "arn:aws:iam::000000000000:role/alice", "arn:aws:iam::111122223333:user/alice",
          ], atMost: 4),
      excepts: excepts,
      actions: numbers.some(
        (excepts ? [] : ["*", "kms:*", "KMS:*"]) + [
          "kms:Encrypt", "kms:encrypt", "kms:*crypt", "kms:Decrypt", "kms:?ecrypt", "kms:Re*",
          "kms:ReEncrypt*", "kms:*Key*Policy", "kms:Put*", "kms:Put???Policy", "kms:*e*t",
        ], atMost: 3),
      resources: numbers.chance(60)
        ? ["*"]
        : numbers.some(
          [
            "*", "arn:aws:kms:local:000000000000:key/*", "arn:aws:kms:*:*:key/11??",
            "arn:*:kms:local:0*0:key/${aws:username}", "arn:aws:kms:local:000000000000:key/2222",
            "arn:aws:kms:*:*:k*/*1*1",
          ], atMost: 2),
      conditions: conditions, hasVariables: hasVariables)
  }

  func json() -> [String: Any] {
    let one = { (values: [String]) -> Any in values.count == 1 ? values[0] : values }
    var members: [String: Any] = [
      "Effect": allows ? "Allow" : "Deny",
      "Principal": principals == ["*"] ? "*" : ["AWS": one(principals)] as Any,
      excepts ? "NotAction" : "Action": one(actions), "Resource": one(resources),
    ]
    members["Sid"] = sid
    var operators: [String: [String: Any]] = [:]
    for condition in conditions {
      operators[condition.comparison, default: [:]][condition.key] = one(condition.values)
    }
    if !operators.isEmpty { members["Condition"] = operators }
    return members
  }

  func applies(to request: ModelRequest) -> Bool {
    let someone = principals.contains { principal in
      principal == "*" || principal == request.arn
        || request.isOwner
          && (principal == "000000000000" || principal == "arn:aws:iam::000000000000:root")
    }
    let named = actions.contains {
      like(plain($0.lowercased()), request.action.lowercased())
    }
    let resource = resources.contains { $0 == "*" || arnLike($0, request.resource, request) }
    return someone && named != excepts && resource
      && conditions.allSatisfy { holds($0, for: request) }
  }

  /// A character of a pattern; true if it is literal and not a wildcard.
  typealias Letter = (letter: Character, isPlain: Bool)

  func plain(_ text: String) -> [Letter] { text.map { ($0, !"*?".contains($0)) } }

  /// Returns the pattern's letters with variables replaced.
  func letters(_ pattern: String, _ request: ModelRequest, wildcards: Bool) -> [Letter] {
    var pieces: [(text: String, isLiteral: Bool)] = [(pattern, false)]
    if hasVariables {
      for (name, value) in [
        ("${aws:username}", request.user), ("${*}", "*"), ("${?}", "?"), ("${$}", "$"),
      ] {
        pieces = pieces.flatMap { piece -> [(text: String, isLiteral: Bool)] in
          if piece.isLiteral { return [piece] }
          let parts = piece.text.components(separatedBy: name).map { (text: $0, isLiteral: false) }
          return Array(parts.map { [$0] }.joined(separator: [(text: value, isLiteral: true)]))
        }
      }
    }
    return pieces.flatMap { piece in
      piece.text.map { ($0, piece.isLiteral || !wildcards || !"*?".contains($0)) }
    }
  }

  /// Follows the definition of wildcards literally.
  func like(_ pattern: [Letter], _ text: String) -> Bool {
    guard let first = pattern.first else { return text.isEmpty }
    let rest = Array(pattern.dropFirst())
    if first.letter == "*", !first.isPlain {
      return (0...text.count).contains { like(rest, String(text.dropFirst($0))) }
    }
    guard let letter = text.first else { return false }
    return (letter == first.letter || !first.isPlain) && like(rest, String(text.dropFirst()))
  }

  func arnLike(_ pattern: String, _ text: String, _ request: ModelRequest) -> Bool {
    // Variables in the generator's ARNs come last and contain no colon.
    var pattern = pattern
    if hasVariables { pattern = pattern.replacing("${aws:username}", with: "\u{1}") }
    let patterns = pattern.components(separatedBy: ":")
    var texts = text.components(separatedBy: ":")
    // The rest is the last component, with all its colons.
    if texts.count > 6 { texts[5...] = [texts[5...].joined(separator: ":")] }
    return patterns.count == 6 && texts.count == 6
      && zip(patterns, texts).allSatisfy { pattern, text in
        let pattern = pattern.replacing("\u{1}", with: "${aws:username}")
        return like(letters(pattern, request, wildcards: true), text)
      }
  }

  func holds(_ condition: ModelCondition, for request: ModelRequest) -> Bool {
    let found = request.values(condition.key)
    var name = condition.comparison
    if name == "Null" {
      return condition.values.contains { $0.lowercased() == (found.isEmpty ? "true" : "false") }
    }
    var everyValue = false
    var anyValue = false
    var ifExists = false
    if name.hasPrefix("ForAllValues:") {
      everyValue = true
      name.removeFirst("ForAllValues:".count)
    }
    if name.hasPrefix("ForAnyValue:") {
      anyValue = true
      name.removeFirst("ForAnyValue:".count)
    }
    if name.hasSuffix("IfExists") {
      ifExists = true
      name.removeLast("IfExists".count)
    }
    let isNot = name.contains("Not")
    let positive = name.replacing("Not", with: "")
    if found.isEmpty {
      if ifExists { return true }
      if everyValue { return true }
      if anyValue { return false }
      return isNot
    }
    let results = found.map { value in
      let isMet = condition.values.contains { test(positive, value, $0, request) }
      return isNot ? !isMet : isMet
    }
    if everyValue { return !results.contains(false) }
    if anyValue { return results.contains(true) }
    if ["kms:encryptioncontextkeys", "aws:tagkeys"].contains(condition.key.lowercased()) {
      // One matching value is enough. For a negated operator no value may match.
      return isNot ? !results.contains(false) : results.contains(true)
    }
    return allows ? !results.contains(false) : results.contains(true)
  }

  func test(_ name: String, _ found: String, _ wanted: String, _ request: ModelRequest) -> Bool {
    switch name {
    case "StringEquals": return like(letters(wanted, request, wildcards: false), found)
    case "StringEqualsIgnoreCase":
      let letters = letters(wanted, request, wildcards: false)
      return String(letters.map(\.letter)).lowercased() == found.lowercased()
    case "StringLike": return like(letters(wanted, request, wildcards: true), found)
    case "ArnEquals", "ArnLike": return arnLike(wanted, found, request)
    case "Bool": return found.lowercased() == wanted.lowercased()
    default:
      let kind = name.hasPrefix("Date") ? "Date" : "Numeric"
      guard let found = ModelRequest.dates[found] ?? Double(found),
        let wanted = ModelRequest.dates[wanted] ?? Double(wanted)
      else { return false }
      switch name.dropFirst(kind.count) {
      case "Equals": return found == wanted
      case "LessThan": return found < wanted
      case "LessThanEquals": return found <= wanted
      case "GreaterThan": return found > wanted
      case "GreaterThanEquals": return found >= wanted
      default: fatalError(name)
      }
    }
  }
}

private struct ModelCondition {
  var comparison: String
  var key: String
  var values: [String]

  static let orders = [
    "Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals",
  ]

  static func random(_ numbers: inout SeededNumbers) -> ModelCondition {
    let strings = [
      "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase",
      "StringLike", "StringNotLike",
    ]
    let times = Array(ModelRequest.dates.keys.sorted())
    let (keys, names, values): ([String], [String], [String]) = numbers.pick([
      (
        ["kms:KeySpec", "KMS:keyspec"], strings,
        ["RSA_2048", "rsa_2048", "RSA_*", "HMAC_256", "*"]
      ),
      (
        ["kms:EncryptionContext:Dept", "kms:EncryptionContext:dept", "aws:ResourceTag/Team"],
        strings, ["IT", "it", "H?", "a*c", "a${*}c", "*", "", "${aws:username}", "${aws:username}"]
      ),
      (
        ["kms:EncryptionContextKeys", "aws:TagKeys"], strings,
        ["Dept", "dept", "Path", "D*", "?ept", "Team"]
      ),
      (["aws:username"], strings, ["alice", "ALICE", "b?b", "b*b", "${aws:username}", "x"]),
      (["kms:CallerAccount", "aws:PrincipalAccount"], strings, ["000000000000", "1*"]),
      (
        ["aws:PrincipalArn"], ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
        [
          "arn:aws:iam::000000000000:user/alice", "arn:aws:iam::*:user/*b", "arn:*:*:*:*:*",
          "arn:aws:iam::0*:user/${aws:username}",
          "arn:aws:iam::*:ice",
        ]
      ),
      (
        ["kms:ScheduleKeyDeletionPendingWindowInDays"], orders.map { "Numeric" + $0 },
        ["7", "7.0", "30", "12", "1e1"]
      ),
      (["aws:CurrentTime", "kms:ValidTo", "aws:EpochTime"], orders.map { "Date" + $0 }, times),
      (
        ["aws:EpochTime"], orders.map { "Numeric" + $0 },
        ["1767225600", "1782864000", "0", "1767225599"]
      ),
      (["kms:MultiRegion"], ["Bool"], ["true", "false", "True"]),
    ])
    if numbers.chance(10) {
      return ModelCondition(
        comparison: "Null", key: numbers.pick(keys), values: [numbers.pick(["true", "false"])])
    }
    let quantifier = numbers.pick(["", "", "", "ForAnyValue:", "ForAllValues:"])
    return ModelCondition(
      comparison: quantifier + numbers.pick(names) + numbers.pick(["", "", "IfExists"]),
      key: numbers.pick(keys), values: numbers.some(values, atMost: 3))
  }
}

private struct ModelRequest {
  var user: String
  var isOwner: Bool
  var action: String
  var resource: String
  var time: String
  var keySpec: String?
  var validTo: String?
  var days: String?
  var multiRegion: String?
  var context: [(key: String, value: String)]
  var tags: [(key: String, value: String)]

  /// Dates and their seconds since 1970.
  static let dates: [String: Double] = [
    "2026-01-01T00:00:00Z": 1_767_225_600, "2026-01-01T01:00:00+01:00": 1_767_225_600,
    "2026-07-01T00:00:00Z": 1_782_864_000, "2025-12-31T23:59:59Z": 1_767_225_599,
    "1970-01-01": 0,
  ]

  var arn: String { "arn:aws:iam::000000000000:user/" + (user == "bob" ? "team/bob" : user) }

  static func random(_ numbers: inout SeededNumbers) -> ModelRequest {
    let optional = { (numbers: inout SeededNumbers, values: [String]) -> String? in
      numbers.chance(70) ? numbers.pick(values) : nil
    }
    let pairs = { (numbers: inout SeededNumbers) -> [(key: String, value: String)] in
      ["Dept", "dept", "Path", "Team"].filter { _ in numbers.chance(35) }.map {
        ($0, numbers.pick(["IT", "it", "HR", "a*c", "abc", "", "alice", "bxb", "bxb"]))
      }
    }
    return ModelRequest(
      user: numbers.pick(["alice", "bob", "b*b", "bob*", "al:ice"]), isOwner: numbers.chance(30),
      action: numbers.pick([
        "kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:PutKeyPolicy", "kms:GetKeyPolicy",
      ]),
      resource: "arn:aws:kms:local:000000000000:key/"
        + numbers.pick(["1111", "2222", "alice", "1121"]),
      time: numbers.pick(Array(dates.keys.sorted())),
      keySpec: optional(&numbers, ["RSA_2048", "HMAC_256", "rsa_2048"]),
      validTo: optional(&numbers, Array(dates.keys.sorted())),
      days: optional(&numbers, ["7", "10", "30"]),
      multiRegion: optional(&numbers, ["true", "false"]), context: pairs(&numbers),
      tags: pairs(&numbers))
  }

  func real() throws -> PolicyRequest {
    var real = PolicyContext()
    real[.keySpec] = keySpec.map { [$0] } ?? []
    real[.validTo] = validTo.map { [$0] } ?? []
    real[.scheduleKeyDeletionPendingWindowInDays] = days.map { [$0] } ?? []
    real[.multiRegion] = multiRegion.map { [$0] } ?? []
    real.setEncryptionContext(try EncryptionContext(context))
    real.setResourceTags(tags)
    real.setTagKeys(tags.map(\.key))
    return PolicyRequest(
      principal: try PolicyPrincipal(arn: arn, isOwner: isOwner), action: action,
      resource: resource, context: real,
      time: Date(timeIntervalSince1970: Self.dates[time]!))
  }

  func values(_ key: String) -> [String] {
    switch key.lowercased() {
    case "kms:keyspec": return keySpec.map { [$0] } ?? []
    case "kms:validto": return validTo.map { [$0] } ?? []
    case "kms:schedulekeydeletionpendingwindowindays": return days.map { [$0] } ?? []
    case "kms:multiregion": return multiRegion.map { [$0] } ?? []
    case "kms:encryptioncontext:dept":
      return context.filter { $0.key.lowercased() == "dept" }.map(\.value)
    case "aws:resourcetag/team": return tags.filter { $0.key == "Team" }.map(\.value)
    case "kms:encryptioncontextkeys": return context.map(\.key)
    case "aws:tagkeys": return tags.map(\.key)
    case "aws:username": return [user]
    case "kms:calleraccount", "aws:principalaccount": return ["000000000000"]
    case "aws:principalarn": return [arn]
    case "aws:currenttime": return [time]
    case "aws:epochtime": return [String(Self.dates[time]!)]
    default: fatalError(key)
    }
  }
}
