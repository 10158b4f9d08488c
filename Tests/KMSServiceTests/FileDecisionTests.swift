import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSPolicy
@testable import KMSService
@testable import TestSupport

/// Access to a file is decided as documented, for every kind of key. `simulate` and the audit log
/// agree.
@Suite struct FileDecisionTests {
  let keystore: TestKeystore
  var owner: KeyService { keystore.service }
  static let user = "arn:aws:iam::000000000000:user/user"

  init() throws { keystore = try TestKeystore() }

  func service() throws -> KeyService {
    try keystore.service(of: "user")
  }

  /// Sets a policy of these statements about the user and the account's own statement.
  func put(_ statements: [String], on key: String) throws {
    let all =
      [
        """
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
         "Action": "kms:*", "Resource": "*"}
        """
      ] + statements
    try owner.perform(
      PutKeyPolicyRequest(
        keyID: key, policy: "{\"Statement\": [\(all.joined(separator: ", "))]}"))
  }

  static func statement(
    _ effect: String, _ action: String, not: Bool = false, condition: String = ""
  ) -> String {
    """
    {"Effect": "\(effect)", "Principal": {"AWS": "\(user)"}, "Resource": "*",
     "\(not ? "NotAction" : "Action")": "kms:\(action)"\(condition)}
    """
  }

  /// Statements, and true if they let the user read a file under an elliptic-curve key.
  struct Row: Sendable, CustomTestStringConvertible {
    let name: String
    let statements: [String]
    let isAllowed: Bool

    init(_ name: String, _ isAllowed: Bool, _ statements: String...) {
      self.name = name
      self.isAllowed = isAllowed
      self.statements = statements
    }

    var testDescription: String { name }
  }

  static let rows: [Row] = [
    Row("nothing", false),
    Row("Decrypt", true, statement("Allow", "Decrypt")),
    Row("DeriveSharedSecret", true, statement("Allow", "DeriveSharedSecret")),
    Row("both", true, statement("Allow", "Decrypt"), statement("Allow", "DeriveSharedSecret")),
    Row("Encrypt alone", false, statement("Allow", "Encrypt")),
    Row("everything but Decrypt", true, statement("Allow", "Decrypt", not: true)),
    Row("everything", true, statement("Allow", "*")),
    Row("Decrypt denied", false, statement("Allow", "*"), statement("Deny", "Decrypt")),
    Row(
      "DeriveSharedSecret denied", false, statement("Allow", "*"),
      statement("Deny", "DeriveSharedSecret")),
    Row(
      "Decrypt denied, DeriveSharedSecret allowed", false,
      statement("Allow", "DeriveSharedSecret"), statement("Deny", "Decrypt")),
    Row(
      "DeriveSharedSecret denied, Decrypt allowed", false, statement("Allow", "Decrypt"),
      statement("Deny", "DeriveSharedSecret")),
    Row(
      "all but Decrypt denied", false, statement("Allow", "*"),
      statement("Deny", "Decrypt", not: true)),
    Row(
      "Encrypt denied", true, statement("Allow", "Decrypt"), statement("Deny", "Encrypt")),
    Row(
      "by the algorithm", true,
      statement(
        "Allow", "DeriveSharedSecret",
        condition: """
          , "Condition": {"StringEquals": {"kms:KeyAgreementAlgorithm": "ECDH"}}
          """)),
    Row(
      "denied by the algorithm", false, statement("Allow", "Decrypt"),
      statement(
        "Deny", "DeriveSharedSecret",
        condition: """
          , "Condition": {"StringEquals": {"kms:KeyAgreementAlgorithm": "ECDH"}}
          """)),
    Row(
      "with another context", false,
      statement(
        "Allow", "Decrypt",
        condition: """
          , "Condition": {"StringEquals": {"kms:EncryptionContext:purpose": "other"}}
          """)),
  ]

  @Test(arguments: rows) func aFileUnderAnEllipticCurveKeyIsRead(row: Row) throws {
    let key = try owner.createKey(spec: .eccNISTP256, usage: .keyAgreement).keyID
    let wrapped = try TestWrapping.wrap(try owner.wrappingKeyring(key), context: [])
    try put(row.statements, on: key)
    let user = try service()
    var error: KeyServiceError?
    do {
      let keyring = KeystoreKeyring(user, unwrappingUnder: nil)
      #expect(try TestWrapping.unwrap(keyring, wrapped, context: []) == patternBytes(32))
    } catch let denial as KeyServiceError { error = denial }
    #expect((error == nil) == row.isAllowed)
    if let error {
      #expect(error.name == "AccessDeniedException")
      #expect(error.detail.contains("user/user may not do kms:Decrypt with key \(key)"))
    }
    // `simulate` agrees.
    let asked = PolicySimulation(
      keyID: key, principal: PolicyPrincipal(userName: "user", isOwner: false),
      action: "kms:Decrypt")
    let simulated = try owner.simulate(asked)
    #expect(simulated.isAllowed == row.isAllowed)
    #expect(simulated.explanation.statements.count == row.statements.count + 1)
    // The audit log names the same operation.
    var records: [AuditRecord] = []
    try user.readAuditLog { if $1.caller == Self.user { records.append($1) } }
    #expect(records.map(\.operation) == ["Decrypt"] && records.map(\.keyID) == [key])
    #expect(records.map(\.errorCode) == [row.isAllowed ? "" : "AccessDeniedException"])
  }

  @Test(arguments: [GrantOperation.decrypt, .deriveSharedSecret, .encrypt])
  func grantsOfEitherReadAFile(operation: GrantOperation) throws {
    let key = try owner.createKey(spec: .eccNISTP384, usage: .keyAgreement).keyID
    let wrapped = try TestWrapping.wrap(try owner.wrappingKeyring(key))
    let grant = try owner.perform(
      CreateGrantRequest(keyID: key, granteePrincipal: Self.user, operations: [operation]))
    func read() throws -> Bool {
      do {
        let keyring = KeystoreKeyring(try service(), unwrappingUnder: nil)
        return try TestWrapping.unwrap(keyring, wrapped) != nil
      } catch let error as KeyServiceError where error.name == "AccessDeniedException" {
        return false
      }
    }
    let isAllowed = operation != .encrypt
    #expect(try read() == isAllowed)
    let simulated = try owner.simulate(
      PolicySimulation(
        keyID: key, principal: PolicyPrincipal(userName: "user", isOwner: false),
        action: "kms:Decrypt"))
    #expect(simulated.isAllowed == isAllowed)
    #expect(simulated.grantIDs == (isAllowed ? [grant.grantID] : []))
    // An explicit denial of either action has precedence.
    for action in ["Decrypt", "DeriveSharedSecret"] {
      try put([Self.statement("Deny", action)], on: key)
      #expect(try !read())
    }
  }

  /// DeriveSharedSecret as an API operation is not file access. Only its own name decides about it.
  @Test func deriveSharedSecretItselfIsNotDecrypt() throws {
    let key = try owner.createKey(spec: .eccNISTP256, usage: .keyAgreement).keyID
    let peer = try ECPrivateKey.generate(on: .p256).publicKey().subjectPublicKeyInfo()
    func derive() throws {
      try service().perform(DeriveSharedSecretRequest(keyID: key, publicKey: Blob(peer)))
    }
    try put([Self.statement("Allow", "Decrypt")], on: key)
    #expect(throws: KeyServiceError.self) { try derive() }
    try put([Self.statement("Allow", "DeriveSharedSecret")], on: key)
    #expect(throws: Never.self) { try derive() }
    try put(
      [Self.statement("Allow", "DeriveSharedSecret"), Self.statement("Deny", "Decrypt")], on: key)
    #expect(throws: Never.self) { try derive() }
  }

  /// For other keys only Decrypt counts.
  @Test(arguments: [KeySpec.symmetricDefault, .rsa2048])
  func otherKeysAreReadByDecryptAlone(spec: KeySpec) throws {
    let key = try owner.createKey(spec: spec, usage: .encryptDecrypt).keyID
    let wrapped = try TestWrapping.wrap(try owner.wrappingKeyring(key))
    func read() throws {
      let keyring = KeystoreKeyring(try service(), unwrappingUnder: nil)
      _ = try TestWrapping.unwrap(keyring, wrapped)
    }
    try put([Self.statement("Allow", "DeriveSharedSecret")], on: key)
    #expect(throws: KeyServiceError.self) { try read() }
    try put(
      [Self.statement("Allow", "Decrypt"), Self.statement("Deny", "DeriveSharedSecret")], on: key)
    #expect(throws: Never.self) { try read() }
  }

  /// A condition on the algorithm applies to files as it does to requests, and in `simulate` too.
  @Test(arguments: [
    (KeySpec.symmetricDefault, "SYMMETRIC_DEFAULT", ["GenerateDataKey", "Decrypt"]),
    (.rsa2048, "RSAES_OAEP_SHA_256", ["Encrypt", "Decrypt"]),
  ])
  func filesHaveAnAlgorithm(spec: KeySpec, algorithm: String, actions: [String]) throws {
    let key = try owner.createKey(spec: spec, usage: .encryptDecrypt).keyID
    for (name, isAllowed) in [(algorithm, true), ("RSAES_OAEP_SHA_1", false)] {
      let condition = """
        , "Condition": {"StringEquals": {"kms:EncryptionAlgorithm": "\(name)"}}
        """
      try put(actions.map { Self.statement("Allow", $0, condition: condition) }, on: key)
      let wrapped = try TestWrapping.wrap(try owner.wrappingKeyring(key))
      func isDone(_ body: () throws -> Void) throws -> Bool {
        do {
          try body()
          return true
        } catch let error as KeyServiceError where error.name == "AccessDeniedException" {
          return false
        }
      }
      let user = try service()
      let isWrapped = try isDone { _ = try TestWrapping.wrap(try user.wrappingKeyring(key)) }
      let isRead = try isDone {
        _ = try TestWrapping.unwrap(KeystoreKeyring(user, unwrappingUnder: nil), wrapped)
      }
      #expect(isWrapped == isAllowed && isRead == isAllowed)
      for action in actions {
        let simulated = try owner.simulate(
          PolicySimulation(
            keyID: key, principal: PolicyPrincipal(userName: "user", isOwner: false),
            action: "kms:\(action)"))
        #expect(simulated.isAllowed == isAllowed, "\(action) by \(name)")
      }
    }
  }

  /// The case of letters in an action's name does not matter, as in a policy.
  @Test(arguments: ["kms:Decrypt", "kms:decrypt", "KMS:DECRYPT"])
  func simulateTakesNamesInAnyCase(action: String) throws {
    let key = try owner.createKey(spec: .eccNISTP256, usage: .keyAgreement).keyID
    try owner.perform(
      CreateGrantRequest(
        keyID: key, granteePrincipal: Self.user, operations: [.deriveSharedSecret]))
    let asked = PolicySimulation(
      keyID: key, principal: PolicyPrincipal(userName: "user", isOwner: false), action: action)
    #expect(try owner.simulate(asked).isAllowed)
  }
}
