import Foundation
import GRDB
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// Keystores that version 0.1.0 wrote, with a message under each of its keys, and a keystore of
/// 0.2.0 with its log.
@Suite struct SchemaTests {
  static let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("schema-1")
  let directory: TemporaryDirectory
  var path: FilePath { directory.path.appending("keystore.db") }

  init() throws {
    directory = try TemporaryDirectory()
    try write(
      Array(try Data(contentsOf: Self.fixture.appendingPathComponent("keystore.db"))), to: path)
    chmod(path.string, 0o600)
  }

  static func file(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: fixture.appendingPathComponent(name)))
  }

  func decrypt(_ name: String, with service: KeyService) throws -> [UInt8] {
    let sink = MemorySink(discardsOnFailure: false)
    _ = try MessageDecryptor(
      materialsProvider: MultiKeyring([KeystoreKeyring(service, unwrappingUnder: nil)]),
      requiredContext: EncryptionContext()
    ).decrypt(from: MemorySource(try Self.file(name)), to: sink)
    return sink.bytes
  }

  @Test(arguments: ["default", "offsite", "theirs"])
  func anOlderStoreOpensAndItsRecordsVerify(alias: String) throws {
    let service = try KeyService(try Keystore(at: path), secrets: TestSecrets())
    #expect(try decrypt("\(alias).envc", with: service) == Self.file("plain"))
    // The keystore can still be changed: new versions, dates and tags are added to the old records.
    let id = try service.describe("alias/\(alias)").keyID
    try service.perform(TagResourceRequest(keyID: id, tags: [Tag(tagKey: "a", tagValue: "b")]))
    if alias == "default" {
      try service.perform(EnableKeyRotationRequest(keyID: id))
      try service.perform(RotateKeyOnDemandRequest(keyID: id))
    }
    try service.perform(ScheduleKeyDeletionRequest(keyID: id))
    try service.perform(CancelKeyDeletionRequest(keyID: id))
    try service.perform(EnableKeyRequest(keyID: id))
    let again = try KeyService(try Keystore(at: path), secrets: TestSecrets())
    #expect(try decrypt("\(alias).envc", with: again) == Self.file("plain"))
  }

  /// A keystore of 0.2.0, with the ledger of that version.
  @Test(arguments: [false, true]) func aStoreOf020Opens(readOnly: Bool) throws {
    let fixture = Self.fixture.deletingLastPathComponent().appendingPathComponent("schema-3")
    func file(_ name: String) throws -> [UInt8] {
      Array(try Data(contentsOf: fixture.appendingPathComponent(name)))
    }
    try write(try file("keystore.db"), to: path)
    try write(try file("keystore.db-audit"), to: AuditLog.path(beside: path))
    chmod(AuditLog.path(beside: path).string, 0o600)
    let store = try Keystore(at: path, readOnly: readOnly)
    // On the day of its creation, when nothing is due.
    let service = try KeyService(
      store, secrets: TestSecrets(), now: { Date(timeIntervalSince1970: 1_796_000_000) })
    let check = try service.check()
    #expect(check.damage.isEmpty)
    #expect(check.keys == 3 && check.versions == 4 && check.tags == 1 && check.grants == 1)
    for alias in ["default", "offsite", "theirs"] {
      let sink = MemorySink(discardsOnFailure: false)
      _ = try MessageDecryptor(
        materialsProvider: MultiKeyring([KeystoreKeyring(service, unwrappingUnder: nil)]),
        requiredContext: EncryptionContext()
      ).decrypt(from: MemorySource(try file("\(alias).envc")), to: sink)
      #expect(try sink.bytes == file("plain"))
    }
    #expect(try contents(path) == file("keystore.db") || !readOnly)
  }

  /// On a read-only medium the keystore still decrypts and does not change.
  @Test func anOlderStoreThatCannotBeWrittenOpens() throws {
    let before = try contents(path)
    let store = try Keystore(at: path, readOnly: true)
    let service = try KeyService(store, secrets: TestSecrets())
    #expect(try decrypt("default.envc", with: service) == Self.file("plain"))
    #expect(throws: KeystoreError.readOnly(path)) { try service.createKey() }
    #expect(try contents(path) == before)
  }

  /// The codes cover the columns that were added later, like the original columns.
  @Test(arguments: [
    "UPDATE masterKey SET deletionDate = 4000000000000",
    "UPDATE masterKey SET rotationPeriodInDays = 90",
    "UPDATE masterKey SET nextRotationDate = 4000000000000",
    "UPDATE masterKey SET validTo = 4000000000000",
    "UPDATE masterKey SET foundDueDate = 1",
    "UPDATE keyVersion SET foundDueDate = 1",
    "UPDATE keystore SET foundDueDate = 1",
    "UPDATE keyVersion SET materialID = 'x'",
    "UPDATE keyVersion SET rotationType = 'AUTOMATIC'",
    "UPDATE keyVersion SET validTo = 4000000000000",
    "UPDATE keyVersion SET materialDescription = 'x'",
  ])
  func laterColumnsAreAuthenticated(sql: String) throws {
    _ = try Keystore(at: path)
    try DatabaseQueue(path: path.string).write { try $0.execute(sql: sql) }
    let service = try KeyService(try Keystore(at: path), secrets: TestSecrets())
    let error = #expect(throws: KeystoreError.self) {
      try service.encrypt("x", under: "alias/default")
    }
    guard case .editedRecord? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// A value that was set cannot be removed by hand either.
  @Test(arguments: ["rotationPeriodInDays", "nextRotationDate"])
  func laterColumnsCannotBeEmptied(column: String) throws {
    let service = try KeyService(try Keystore(at: path), secrets: TestSecrets())
    try service.perform(EnableKeyRotationRequest(keyID: "alias/default"))
    try DatabaseQueue(path: path.string).write {
      try $0.execute(sql: "UPDATE masterKey SET \(column) = NULL")
    }
    #expect(throws: KeystoreError.self) { try service.encrypt("x", under: "alias/default") }
  }

  // MARK: The ledger

  func ledgerCount() throws -> Int {
    try DatabaseQueue(path: path.string).read {
      try Int.fetchOne($0, sql: "SELECT count(*) FROM ledger") ?? 0
    }
  }

  /// The first process that unlocks the keystore creates its ledger. A process that opened it
  /// earlier continues to work.
  @Test func anOlderStoreGetsItsLedger() throws {
    let service = try KeyService(try Keystore(at: path), secrets: TestSecrets())
    let opened = try KeyService(try Keystore(at: path), secrets: TestSecrets())
    #expect(try ledgerCount() == 0)
    #expect(try decrypt("default.envc", with: service) == Self.file("plain"))
    #expect(try ledgerCount() > 4)
    #expect(try opened.check().damage.isEmpty)
    #expect(try decrypt("offsite.envc", with: opened) == Self.file("plain"))
  }

  @Test func whatWasEditedBeforeTheLedgerStaysEdited() throws {
    _ = try Keystore(at: path)
    try DatabaseQueue(path: path.string).write {
      try $0.execute(sql: "UPDATE alias SET creationDate = 1 WHERE name = 'alias/offsite'")
    }
    let service = try KeyService(try Keystore(at: path), secrets: TestSecrets())
    #expect(try service.check().damage == [.edited("alias alias/offsite")])
    #expect(try service.acceptRecords().isEmpty)
    #expect(try service.check().damage == [.edited("alias alias/offsite")])
  }

  /// Restoring the keystore's own record from before the ledger does not disable the ledger. Other
  /// records from before the ledger are refused.
  @Test(arguments: ["keystore", "masterKey", "alias"])
  func recordsFromBeforeTheLedgerDoNotCount(table: String) throws {
    _ = try Keystore(at: path)
    let old = path.removingLastComponent().appending("old.db")
    try write(try contents(path), to: old)
    _ = try KeyService(try Keystore(at: path), secrets: TestSecrets()).check()
    let ledger = try ledgerCount()
    try TestKeystore.byHand(path).writeWithoutTransaction { db in
      try db.execute(sql: "ATTACH ? AS old", arguments: [old.string])
      try db.execute(sql: "INSERT OR REPLACE INTO \(table) SELECT * FROM old.\(table)")
      try db.execute(sql: "DETACH old")
    }
    let service = try KeyService(try Keystore(at: path), secrets: TestSecrets())
    #expect(throws: KeystoreError.self) { try service.encrypt("x", under: "alias/default") }
    #expect(try ledgerCount() == ledger)
  }

  /// Bug: of several processes that opened an older keystore at once, only the first succeeded.
  @Test func manyMayOpenAnOlderStoreAtOnce() async throws {
    let path = path
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          #expect(throws: Never.self) {
            _ = try KeyService(try Keystore(at: path), secrets: TestSecrets()).encrypt(
              "x", under: "alias/default")
          }
        }
      }
    }
    #expect(try KeyService(try Keystore(at: path), secrets: TestSecrets()).check().damage.isEmpty)
  }

  /// Records of a process that has been running since before the ledger are accepted on request.
  @Test func recordsFromBeforeTheLedgerCanBeAccepted() throws {
    _ = try Keystore(at: path)
    let old = path.removingLastComponent().appending("old.db")
    try write(try contents(path), to: old)
    let service = try KeyService(try Keystore(at: path), secrets: TestSecrets())
    try service.perform(DeleteAliasRequest(aliasName: "alias/offsite"))
    try TestKeystore.byHand(path).writeWithoutTransaction { db in
      try db.execute(sql: "ATTACH ? AS old", arguments: [old.string])
      try db.execute(
        sql: "INSERT INTO alias SELECT * FROM old.alias WHERE name = 'alias/offsite'")
      try db.execute(sql: "DETACH old")
    }
    #expect(try service.check().damage == [.outdated("alias alias/offsite")])
    #expect(throws: KeystoreError.self) { try service.encrypt("x", under: "alias/offsite") }
    #expect(try service.acceptRecords() == [.outdated("alias alias/offsite")])
    #expect(throws: Never.self) { try service.describe("alias/offsite") }
    #expect(try service.check().damage.isEmpty)
  }
}
