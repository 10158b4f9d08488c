import Foundation

/// A key policy: who may do what with a key (IAM policy grammar, and the KMS developer guide's "Key
/// policies").
public struct KeyPolicy: Equatable, Sendable {
  /// The document as it was given.
  public let text: String
  let statements: [PolicyStatement]

  /// The most bytes of a document.
  public static let sizeLimit = 32 << 10

  /// The policy of a key that was given none: the account may do everything.
  static let standard = try! KeyPolicy(
    parsing: """
      {
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [
          {
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {
              "AWS": "arn:aws:iam::\(PolicyPrincipal.accountID):root"
            },
            "Action": "kms:*",
            "Resource": "*"
          }
        ]
      }
      """)

  /// Throws `PolicyError.malformed` with the place and what is wrong there.
  public init(parsing text: String) throws(PolicyError) {
    guard text.utf8.count <= Self.sizeLimit else {
      throw .malformed(
        "a key policy has at most \(Self.sizeLimit) bytes, this one has \(text.utf8.count)")
    }
    guard
      text.unicodeScalars.allSatisfy({
        [9, 10, 13].contains($0.value) || (0x20...0xFF).contains($0.value)
      })
    else { throw .malformed("a key policy has characters of Latin-1 only") }
    let decoder = JSONDecoder()
    guard let tree = try? decoder.decode(PolicyTree.self, from: Data(text.utf8)) else {
      throw .malformed("a key policy is JSON, and this is none")
    }
    guard case .object(let document) = tree else {
      throw .malformed("a key policy is a JSON object")
    }
    for name in document.keys.sorted() where !["Version", "Id", "Statement"].contains(name) {
      throw .malformed("'\(name)' is not known")
    }
    if let version = document["Version"] {
      guard case .string(let version) = version, ["2012-10-17", "2008-10-17"].contains(version)
      else { throw .malformed("Version is \"2012-10-17\" or \"2008-10-17\"") }
    }
    if let id = document["Id"], id.strings?.count != 1 { throw .malformed("Id is a string") }
    let trees: [PolicyTree]
    switch document["Statement"] {
    case .array(let items)?: trees = items
    case .object?: trees = [document["Statement"]!]
    default: throw .malformed("Statement is an object, or an array of them")
    }
    guard !trees.isEmpty else { throw .malformed("there is no statement") }
    var statements: [PolicyStatement] = []
    for (index, tree) in trees.enumerated() {
      statements.append(try PolicyStatement(tree, number: index + 1))
    }
    let sids = statements.compactMap(\.sid)
    for sid in sids where sids.count(where: { $0 == sid }) > 1 {
      throw .malformed("two statements have the Sid '\(sid)'")
    }
    self.text = text
    self.statements = statements
  }

  /// Explicit deny wins, then allow; else it is denied.
  func decide(_ request: PolicyRequest) -> PolicyDecision {
    let applying = statements.filter { $0.obstacle(to: request) == nil }
    if let deny = applying.first(where: { $0.effect == .deny }) {
      return .explicitlyDenied(deny.reference)
    }
    if let allow = applying.first(where: { $0.effect == .allow }) {
      return .allowed(allow.reference)
    }
    return .implicitlyDenied
  }

  /// Action patterns that match no action, and what was most likely meant.
  public var warnings: [PolicyWarning] {
    statements.flatMap { statement in
      statement.actions.filter { pattern in
        !PolicyActions.all.contains { pattern.matches($0, ignoringCase: true) }
      }.map {
        PolicyWarning(
          statement: statement.reference, action: $0.text,
          nearest: PolicyActions.nearest(to: $0.text))
      }
    }
  }
}

/// A statement, as messages name it.
public struct PolicyStatementReference: Equatable, Sendable {
  /// From 1.
  public let number: Int
  public let sid: String?

  public var description: String {
    sid.map { "statement \(number) '\($0)'" } ?? "statement \(number)"
  }
}

public enum PolicyDecision: Equatable, Sendable {
  case allowed(PolicyStatementReference)
  case explicitlyDenied(PolicyStatementReference)
  case implicitlyDenied
}

/// An action pattern that matches nothing.
public struct PolicyWarning: Equatable, Sendable {
  public let statement: PolicyStatementReference
  public let action: String
  public let nearest: String
}

/// Why a document is no key policy.
public enum PolicyError: Error, Equatable, Sendable {
  case malformed(String)
}

/// What a policy is asked.
struct PolicyRequest {
  let caller: PolicyCaller
  /// "kms:Encrypt".
  let action: String
  /// The key's ARN.
  let resource: String
  /// What the request and the key say of themselves.
  var conditions: [PolicyConditionKey: [String]]

  init(
    caller: PolicyCaller, action: String, resource: String,
    conditions: [PolicyConditionKey: [String]] = [:]
  ) {
    self.caller = caller
    self.action = action
    self.resource = resource
    self.conditions = conditions
  }

  func values(of key: PolicyConditionKey) -> [String]? { conditions[key] }
}
