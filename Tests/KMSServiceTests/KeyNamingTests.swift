import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSService
@testable import TestSupport

/// The names of keys that a person may give besides those of the API.
@Suite struct KeyNamingTests {
  private let keystore: TestKeystore
  private var service: KeyService { keystore.service }

  init() throws { keystore = try TestKeystore() }

  /// A service that takes the beginning of a key ID.
  private var forPeople: KeyService {
    var service = service
    service.takesKeyIDPrefixes = true
    return service
  }

  private func importKey(_ id: String) throws {
    let material = Data(try Random.bytes(32)).base64EncodedString()
    let file = """
      {"keys": [{"provider-id": "envcrypt", "key-id": "\(id)/1", "algorithm": "aes",
        "type": "symmetric", "bits": 256, "encoding": "base64", "material": "\(material)"}]}
      """
    _ = try service.importKey(KeyringFile(parsing: Array(file.utf8)))
  }

  @Test(arguments: [8, 9, 10, 13, 14, 35])
  func theBeginningOfAKeyIDIsEnoughForPeople(length: Int) throws {
    let key = try service.createKey().keyID
    let name = String(key.prefix(length))
    #expect(try forPeople.describe(name).keyID == key)
    #expect(try forPeople.describe(name.uppercased()).keyID == key)
    #expect(try forPeople.keyIDForAudit(name) == key)
    #expect(throws: KeyServiceError.notFound(name)) { try service.describe(name) }
  }

  @Test func shortOrOtherTextsAreNotEnough() throws {
    let key = try service.createKey().keyID
    for name in [
      "", String(key.prefix(7)), "\(key.prefix(8))x", "\(key.prefix(8))0", "\(key)0",
      "\(key.prefix(7))-",
      "key/\(key.prefix(8))", KeyName.arn(ofKey: String(key.prefix(8))), "\(key.prefix(8))\0",
    ] {
      #expect(throws: KeyServiceError.self, "\(name)") { try forPeople.describe(name) }
    }
  }

  @Test func aBeginningOfSeveralKeyIDsIsRefused() throws {
    let ids = ["5ca1ab1e-0000-4000-8000-000000000001", "5ca1ab1e-0000-4000-8000-000000000002"]
    for id in ids { try importKey(id) }
    try importKey("5ca1ab1f-0000-4000-8000-000000000001")
    #expect(
      throws: KeyServiceError.validation(
        "several keys have an ID that begins with '5ca1ab1e': \(ids[0]), \(ids[1])")
    ) { try forPeople.describe("5ca1ab1e") }
    #expect(try forPeople.describe("5ca1ab1f").keyID.hasPrefix("5ca1ab1f-"))
    for id in ids { #expect(try forPeople.describe(id).keyID == id) }
  }

  @Test func keysPastTheirDeletionDateDoNotCount() throws {
    let ids = ["5ca1ab1e-0000-4000-8000-000000000001", "5ca1ab1e-0000-4000-8000-000000000002"]
    for id in ids { try importKey(id) }
    try service.perform(ScheduleKeyDeletionRequest(keyID: ids[0], pendingWindowInDays: 7))
    keystore.clock.advance(days: 7.5)
    #expect(try forPeople.describe("5ca1ab1e").keyID == ids[1])
  }

  @Test(arguments: [
    ("team", "alias/team"), ("teem", "alias/team"), ("alias/teem", "alias/team"),
    ("TEAM", "alias/team"), ("team/x", "alias/team/x"), ("tem/x", "alias/team/x"),
  ])
  func aMissingKeySuggestsAnAlias(name: String, alias: String) throws {
    let key = try service.createKey(alias: "alias/team").keyID
    try service.createAlias("alias/team/x", target: key)
    #expect(throws: KeyServiceError.misnamed(name, alias: alias)) { try service.describe(name) }
  }

  @Test(arguments: ["backup", "alias/backup", "t\0am", "12345678"])
  func otherNamesSuggestNothing(name: String) throws {
    try service.createKey(alias: "alias/team")
    #expect(throws: KeyServiceError.notFound(name)) { try service.describe(name) }
  }

  @Test(arguments: [
    ("Decrypt", "Decrypt"), ("decrypt", "Decrypt"), ("generate-data-key", "GenerateDataKey"),
    ("kms:GenerateMac", "GenerateMac"), ("exportkey", "ExportKey"), ("RotateKey", "RotateKey"),
    ("add-protector", "AddProtector"), ("Decript", nil), ("ListKeys", nil), ("", nil), ("*", nil),
  ])
  func operationsOfTheAuditLogHaveNames(text: String, name: String?) {
    #expect(AuditOperations.name(of: text) == name)
  }

  @Test func aMisspelledOperationSuggestsTheRightOne() {
    #expect(AuditOperations.nearest(to: "decript") == "Decrypt")
    #expect(AuditOperations.nearest(to: "kms:generate-data-kee") == "GenerateDataKey")
    #expect(AuditOperations.nearest(to: "x") == nil)
  }
}
