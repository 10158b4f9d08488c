import Foundation
import GRDB
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// The operations that grants allow their grantees, and the callers that may create and end grants.
@Suite struct GrantTests {
  let keystore: TestKeystore
  var owner: KeyService { keystore.service }
  let key: String
  let blob: Blob
  static let context: EncryptionContext = ["purpose": "backup", "host": "a"]

  init() throws {
    keystore = try TestKeystore()
    key = try keystore.service.createKey(alias: "alias/a").keyID
    blob = try keystore.service.encrypt("text", under: key, context: Self.context)
  }

  func service(_ name: String) throws -> KeyService {
    try keystore.service(of: name)
  }

  static func arn(_ name: String) -> String { "arn:aws:iam::000000000000:user/\(name)" }

  func request(
    _ operations: [GrantOperation], to name: String = "restore",
    constraints: GrantConstraints? = nil
  ) -> CreateGrantRequest {
    CreateGrantRequest(
      keyID: key, granteePrincipal: Self.arn(name), operations: operations,
      constraints: constraints)
  }

  @discardableResult
  func grant(
    _ operations: [GrantOperation], to name: String = "restore",
    constraints: GrantConstraints? = nil
  ) throws -> String {
    try owner.perform(request(operations, to: name, constraints: constraints)).grantID
  }

  /// A grant lets its retiring principal end it unless the key's policy denies that. A denial in
  /// the policy always has precedence.
  @Test func anExplicitDenialKeepsAGrantFromBeingRetired() throws {
    var request = request([.decrypt])
    request.retiringPrincipal = Self.arn("retiree")
    let grant = try owner.perform(request)
    let retire = { (service: KeyService) in
      try service.perform(RetireGrantRequest(grantToken: grant.grantToken))
    }
    func deny(_ user: String) throws {
      try owner.perform(
        PutKeyPolicyRequest(
          keyID: key,
          policy: """
            {"Statement": [
              {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
               "Action": "kms:*", "Resource": "*"},
              {"Effect": "Deny", "Principal": {"AWS": "\(Self.arn(user))"},
               "Action": "kms:RetireGrant", "Resource": "*"}]}
            """))
    }
    try deny("retiree")
    let error = #expect(throws: KeyServiceError.self) { try retire(try service("retiree")) }
    #expect(error?.name == "AccessDeniedException")
    #expect(error?.detail.contains("kms:RetireGrant with key \(key): statement 2") ?? false)
    try deny("somebody")
    #expect(throws: Never.self) { try retire(try service("retiree")) }
  }

  func errorName(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch let error as KeyServiceError {
      return error.name
    } catch {
      return "\(error)"
    }
  }

  @Test func aGrantLetsItsGranteeDoWhatItListsUntilItIsRevoked() throws {
    let decrypt = { try service("restore").decrypt(blob, context: Self.context) }
    #expect(errorName { _ = try decrypt() } == "AccessDeniedException")
    let id = try grant([.decrypt])
    #expect(try decrypt() == "text")
    #expect(errorName { _ = try service("restore").encrypt("x", under: key) } != nil)
    #expect(errorName { _ = try service("eve").decrypt(blob, context: Self.context) } != nil)
    let unwrapping = KeystoreKeyring(try service("restore"), unwrappingUnder: nil)
    let wrapped = try TestWrapping.wrap(try owner.wrappingKeyring(key))
    #expect(try TestWrapping.unwrap(unwrapping, wrapped) != nil)
    try owner.perform(RevokeGrantRequest(keyID: key, grantID: id))
    #expect(errorName { _ = try decrypt() } == "AccessDeniedException")
    #expect(try owner.performAll(ListGrantsRequest(keyID: key)).grants.isEmpty)
    #expect(try owner.check().damage.isEmpty)
  }

  @Test(arguments: [
    (GrantConstraints(encryptionContextSubset: ["purpose": "backup"]), true),
    (GrantConstraints(encryptionContextSubset: ["PURPOSE": "backup"]), true),
    (GrantConstraints(encryptionContextSubset: ["purpose": "Backup"]), false),
    (GrantConstraints(encryptionContextEquals: ["purpose": "backup"]), false),
    (GrantConstraints(encryptionContextEquals: context), true),
    (GrantConstraints(encryptionContextSubset: ["other": ""]), false),
  ])
  func constraintsAreAboutTheContext(_ constraints: GrantConstraints, isMet: Bool) throws {
    try grant([.decrypt, .describeKey], constraints: constraints)
    let error = errorName { _ = try service("restore").decrypt(blob, context: Self.context) }
    #expect(error == (isMet ? nil : "AccessDeniedException"))
    // An operation without an encryption context is not constrained.
    #expect(
      errorName { _ = try service("restore").perform(DescribeKeyRequest(keyID: key)) } == nil)
  }

  @Test func anExplicitDenialWins() throws {
    try grant([.decrypt])
    try owner.perform(
      PutKeyPolicyRequest(
        keyID: key,
        policy: """
          {"Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
             "Action": "kms:*", "Resource": "*"},
            {"Effect": "Deny", "Principal": {"AWS": "\(Self.arn("restore"))"},
             "Action": "kms:Decrypt", "Resource": "*"}
          ]}
          """))
    #expect(
      errorName { _ = try service("restore").decrypt(blob, context: Self.context) }
        == "AccessDeniedException")
  }

  @Test func grantsAreListedAsTheyWereMade() throws {
    var request = request([.encrypt, .decrypt], to: "a")
    request.retiringPrincipal = Self.arn("b")
    request.constraints = GrantConstraints(encryptionContextSubset: ["k": "v"])
    request.name = "first"
    let id = try owner.perform(request).grantID
    keystore.clock.now += 60
    let other = try grant([.describeKey], to: "c")
    let grants = try owner.performAll(ListGrantsRequest(keyID: "alias/a")).grants
    #expect(grants.map(\.grantID) == [id, other])
    #expect(grants[0].operations == [.decrypt, .encrypt])
    #expect(grants[0].name == "first" && grants[0].constraints == request.constraints)
    #expect(grants[0].issuingAccount == "arn:aws:iam::000000000000:root")
    let ofA = ListGrantsRequest(keyID: key, granteePrincipal: Self.arn("a"))
    #expect(try owner.performAll(ofA).grants.map(\.grantID) == [id])
    var paged = ListGrantsRequest(keyID: key)
    paged.limit = 1
    let page = try owner.perform(paged)
    #expect(page.grants.map(\.grantID) == [id] && page.truncated == true)
    paged.marker = page.nextMarker
    #expect(try owner.perform(paged).grants.map(\.grantID) == [other])
    let retirable = ListRetirableGrantsRequest(retiringPrincipal: Self.arn("b"))
    #expect(try service("b").performAll(retirable).grants.map(\.grantID) == [id])
    #expect(errorName { _ = try service("a").performAll(retirable) } == "AccessDeniedException")
  }

  @Test func theSameGrantUnderTheSameNameIsMadeOnce() throws {
    var request = request([.decrypt])
    #expect(try owner.perform(request).grantID != owner.perform(request).grantID)
    request.name = "once"
    let id = try owner.perform(request).grantID
    keystore.clock.now += 60
    #expect(try owner.perform(request).grantID == id)
    request.operations = [.encrypt]
    #expect(try owner.perform(request).grantID != id)
    #expect(try owner.performAll(ListGrantsRequest(keyID: key)).grants.count == 4)
  }

  @Test func whoMayRetire() throws {
    var request = request([.decrypt], to: "grantee")
    request.retiringPrincipal = Self.arn("retirer")
    for (name, wanted) in [("grantee", "AccessDeniedException"), ("retirer", nil)] {
      let response = try owner.perform(request)
      #expect(
        errorName {
          try service(name).perform(RetireGrantRequest(grantToken: response.grantToken))
        } == wanted, "\(name)")
    }
    let own = try grant([.decrypt, .retireGrant], to: "grantee")
    try service("grantee").perform(RetireGrantRequest(keyID: key, grantID: own))
    // Revoking is for the administrator only.
    let left = try owner.performAll(ListGrantsRequest(keyID: key)).grants[0].grantID
    #expect(
      errorName { try service("retirer").perform(RevokeGrantRequest(keyID: key, grantID: left)) }
        == "AccessDeniedException")
    try owner.perform(RetireGrantRequest(keyID: key, grantID: left))
    #expect(
      errorName { try owner.perform(RetireGrantRequest(keyID: key, grantID: left)) }
        == "NotFoundException")
  }

  /// A grantee who creates a grant can only pass on his own permissions.
  @Test func grantsOfGranteesAreNoWider() throws {
    try grant(
      [.createGrant, .decrypt, .encrypt], to: "lead",
      constraints: GrantConstraints(encryptionContextSubset: ["purpose": "backup"]))
    let lead = try service("lead")
    func made(_ operations: [GrantOperation], _ constraints: GrantConstraints?) -> String? {
      errorName {
        _ = try lead.perform(request(operations, to: "member", constraints: constraints))
      }
    }
    let narrower = GrantConstraints(encryptionContextEquals: Self.context)
    #expect(made([.decrypt], narrower) == nil)
    #expect(made([.decrypt], nil) == "AccessDeniedException")
    #expect(
      made([.decrypt], GrantConstraints(encryptionContextSubset: ["host": "a"]))
        == "AccessDeniedException")
    #expect(made([.generateDataKey], narrower) == "AccessDeniedException")
    #expect(try service("member").decrypt(blob, context: Self.context) == "text")
  }

  @Test func whatIsWrongIsRefused() throws {
    let mac = try owner.perform(
      CreateKeyRequest(keySpec: .hmac256, keyUsage: .generateVerifyMAC)
    ).keyMetadata.keyID
    func error(_ change: (inout CreateGrantRequest) -> Void) -> String? {
      var request = request([.decrypt])
      change(&request)
      return errorName { _ = try owner.perform(request) }
    }
    #expect(error { $0.operations = [] } == "ValidationException")
    #expect(error { $0.operations = [.sign] } == "ValidationException")
    #expect(error { $0.keyID = mac } == "ValidationException")
    #expect(error { $0.name = "a b" } == "ValidationException")
    #expect(error { $0.granteePrincipal = "restore" } == "InvalidArnException")
    #expect(error { $0.granteePrincipal = "arn:aws:iam::111122223333:user/x" } != nil)
    #expect(error { $0.retiringPrincipal = "arn:aws:iam::000000000000:role/x" } != nil)
    #expect(error { $0.grantTokens = ["token"] } == "InvalidGrantTokenException")
    #expect(error { $0.dryRun = true } == "DryRunOperationException")
    let nine = try EncryptionContext((0..<9).map { (key: "k\($0)", value: "") })
    #expect(
      error { $0.constraints = GrantConstraints(encryptionContextSubset: nine) }
        == "ValidationException")
    #expect(
      error {
        $0.constraints = GrantConstraints(
          encryptionContextEquals: ["k": String(repeating: "v", count: 384)])
      } == "ValidationException")
    // One character in Unicode, but 385 for the API.
    #expect(
      error {
        $0.constraints = GrantConstraints(
          encryptionContextEquals: ["k": "e" + String(repeating: "\u{301}", count: 383)])
      } == "ValidationException")
    #expect(
      errorName { try owner.perform(RevokeGrantRequest(keyID: key, grantID: "1")) }
        == "InvalidGrantIdException")
    #expect(try owner.performAll(ListGrantsRequest(keyID: key)).grants.isEmpty)
    try owner.perform(DisableKeyRequest(keyID: key))
    #expect(error { _ in } == "DisabledException")
    let managed = try owner.createDefaultKey().keyID
    #expect(error { $0.keyID = managed } == "AccessDeniedException")
  }

  @Test func tokensAreOfGrantsThatThereAre() throws {
    let response = try owner.perform(request([.decrypt]))
    var decrypt = DecryptRequest(ciphertextBlob: blob, encryptionContext: Self.context)
    decrypt.grantTokens = [response.grantToken]
    #expect(errorName { _ = try service("restore").perform(decrypt) } == nil)
    try owner.perform(RetireGrantRequest(grantToken: response.grantToken))
    #expect(errorName { _ = try owner.perform(decrypt) } == "InvalidGrantTokenException")
    #expect(
      errorName { try owner.perform(RetireGrantRequest(grantToken: response.grantToken)) }
        == "InvalidGrantTokenException")
  }

  /// A grant that somebody added, changed, or restored by hand after it was revoked is detected
  /// when it is used, and by `check`.
  @Test(arguments: [
    "UPDATE keyGrant SET operations = 'Encrypt'", "UPDATE keyGrant SET granteePrincipal = 'x'",
    "UPDATE keyGrant SET constraints = NULL", "UPDATE keyGrant SET creationDate = 1",
    "UPDATE keyGrant SET name = 'x'", "UPDATE keyGrant SET retiringPrincipal = 'x'",
    "UPDATE keyGrant SET id = 'x'", "DELETE FROM keyGrant",
    "UPDATE masterKey SET grantsDigest = NULL",
    "INSERT INTO keyGrant SELECT keyID, 'y', name, 1, granteePrincipal, NULL, operations, NULL FROM keyGrant",
  ])
  func editedGrantsAreNoticed(sql: String) throws {
    try grant([.decrypt], constraints: GrantConstraints(encryptionContextSubset: ["host": "a"]))
    try DatabaseQueue(path: owner.keystore.path.string).write { try $0.execute(sql: sql) }
    #expect(throws: KeystoreError.self) {
      try service("restore").decrypt(blob, context: Self.context)
    }
    #expect(try !keystore.reopened().check().damage.isEmpty)
  }

  @Test func aRevokedGrantPutBackIsNoticed() throws {
    let id = try grant([.decrypt])
    let queue = try DatabaseQueue(path: owner.keystore.path.string)
    try queue.write { try $0.execute(sql: "CREATE TEMP TABLE kept AS SELECT * FROM keyGrant") }
    try owner.perform(RevokeGrantRequest(keyID: key, grantID: id))
    try queue.write { try $0.execute(sql: "INSERT INTO keyGrant SELECT * FROM kept") }
    #expect(errorName { _ = try service("restore").decrypt(blob, context: Self.context) } != nil)
    #expect(try keystore.reopened().check().damage == [.edited("grants of key \(key)")])
  }
}
