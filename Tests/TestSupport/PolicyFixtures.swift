import Foundation

@testable import Envelope
@testable import KMSPolicy

/// Short forms of policies and requests.
enum Policies {
  static let key = "arn:aws:kms:local:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  /// 2026-11-24T12:00:00Z.
  static let noon = Date(timeIntervalSince1970: 1_795_521_600)

  static func document(_ statements: String...) -> String {
    #"{"Version": "2012-10-17", "Statement": [\#(statements.joined(separator: ", "))]}"#
  }

  static func policy(_ statements: String...) throws -> KeyPolicy {
    try KeyPolicy(
      parsing: #"{"Version": "2012-10-17", "Statement": [\#(statements.joined(separator: ", "))]}"#)
  }

  /// Returns a statement about user alice, or about `principal`, as JSON.
  static func statement(
    sid: String? = nil, effect: String = "Allow",
    principal: String = #"{"AWS": "arn:aws:iam::000000000000:user/alice"}"#,
    action: String = #""kms:*""#, resource: String = #""*""#, condition: String? = nil
  ) -> String {
    "{" + (sid.map { #""Sid": "\#($0)", "# } ?? "")
      + #""Effect": "\#(effect)", "Principal": \#(principal), "Action": \#(action), "#
      + #""Resource": \#(resource)"# + (condition.map { #", "Condition": \#($0)"# } ?? "") + "}"
  }

  static func request(
    _ action: String, by user: String = "alice", isOwner: Bool = false, of key: String = key,
    at time: Date = noon
  ) -> PolicyRequest {
    PolicyRequest(
      principal: PolicyPrincipal(userName: user, isOwner: isOwner), action: "kms:\(action)",
      resource: key, time: time)
  }

  static func request(
    _ action: String, by user: String = "alice", _ fill: (inout PolicyContext) throws -> Void
  ) rethrows -> PolicyRequest {
    var request = request(action, by: user)
    try fill(&request.context)
    return request
  }

  static func context(_ pairs: (key: String, value: String)...) throws -> EncryptionContext {
    try EncryptionContext(pairs)
  }
}

/// Random numbers that are the same in every run (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func pick<Value>(_ values: [Value]) -> Value { values.randomElement(using: &self)! }

  mutating func some<Value>(_ values: [Value], atMost count: Int) -> [Value] {
    (0..<Int.random(in: 1...count, using: &self)).map { _ in pick(values) }
  }

  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}
