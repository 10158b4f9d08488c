import Foundation
import GRDB
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSPolicy
@testable import KMSService
@testable import KMSTemplates
@testable import TestSupport

/// The records of the key service, and the report of `check` on a keystore.
@Suite final class AuditTrailTests: KeystoreSuite {
  func records() throws -> [AuditRecord] {
    var records: [AuditRecord] = []
    try service.readAuditLog { records.append($1) }
    return records
  }

  func lines() throws -> [String] {
    try records().map { record in
      [record.operation, record.keyVersion > 0 ? "\(record.keyVersion)" : "", record.errorCode]
        .filter { !$0.isEmpty }.joined(separator: " ")
    }
  }

  @Test func usesAndChangesAreRecordedAllowedOrNot() throws {
    let key = try service.createKey(alias: "alias/a")
    let blob = try service.encrypt("text", under: "alias/a", context: ["purpose": "test"])
    _ = try service.describe("alias/a")
    _ = try service.listKeys()
    #expect(throws: KeyServiceError.invalidCiphertext) { try service.decrypt(blob) }
    try service.perform(DisableKeyRequest(keyID: key.keyID))
    #expect(throws: KeyServiceError.disabled(keyID: key.keyID)) {
      try service.decrypt(blob, context: ["purpose": "test"])
    }
    #expect(throws: KeyServiceError.notFound("alias/b")) {
      try service.perform(EnableKeyRequest(keyID: "alias/b"))
    }
    #expect(
      try lines() == [
        "CreateKey", "Encrypt 1", "Decrypt 1 InvalidCiphertextException", "DisableKey",
        "Decrypt DisabledException", "EnableKey NotFoundException",
      ])
    let records = try records()
    #expect(records.allSatisfy { $0.caller == service.caller.arn && $0.date == clock.now })
    #expect(records.map(\.keyID) == Array(repeating: key.keyID, count: 5) + [""])
    #expect(records[1].encryptionContext["purpose"] == "test")
    #expect(records[5].errorMessage == "alias/b")
  }

  @Test func bothKeysOfAReEncryptionAreRecorded() throws {
    let first = try service.createKey().keyID
    let second = try service.createKey().keyID
    let blob = try service.encrypt("text", under: first)
    try service.perform(ReEncryptRequest(ciphertextBlob: blob, destinationKeyID: second))
    #expect(try records().suffix(2).map(\.operation) == ["ReEncrypt", "ReEncrypt"])
    #expect(try records().suffix(2).map(\.keyID) == [first, second])
  }

  /// A use that fails because of the padding is recorded too, even though nobody may learn that the
  /// padding was wrong.
  @Test func aWrongPaddingIsAUse() throws {
    let pair = try RSAPrivateKey.generate(bits: 2048)
    // The number 1 encrypts to itself under every RSA key and is not valid padding.
    let wrong = [UInt8](repeating: 0, count: 255) + [1]
    var file = try KeyringFile(parsing: try pair.pem().exposed)
    file.keys[0].providerID = "p"
    file.keys[0].keyID = "k"
    file.keys[0].paddingAlgorithm = .pkcs1
    file.keys[0].paddingHash = nil
    _ = try service.importKey(file)
    let wrapped = EncryptedDataKey(
      providerID: "p", providerInformation: Array("k".utf8), ciphertext: wrong)
    let keyring = KeystoreKeyring(service, unwrappingUnder: nil)
    // From version 3.2 on, libcrypto answers invalid padding with a key that it makes up, and
    // cannot tell the difference itself.
    let madeUp = try? pair.decrypt(wrong, padding: .pkcs1).exposed
    if let madeUp {
      #expect(try TestWrapping.unwrap(keyring, wrapped) == madeUp)
      #expect(try lines() == ["ImportKey", "Decrypt 1"])
    } else {
      #expect(throws: CryptoError.authenticationFailed) {
        try TestWrapping.unwrap(keyring, wrapped)
      }
      #expect(try lines() == ["ImportKey", "Decrypt 1 InvalidCiphertextException"])
    }
  }

  @Test func everyFileIsAUse() throws {
    let key = try service.createKey().keyID
    let keyring = try service.wrappingKeyring(key)
    let context = try EncryptionContext([(key: "a", value: "b")]).serialized()
    let wrapped = try (0..<3).map { _ in try TestWrapping.wrap(keyring, context: context) }
    let opening = KeystoreKeyring(service, unwrappingUnder: nil)
    for wrapped in wrapped {
      #expect(try TestWrapping.unwrap(opening, wrapped, context: context) != nil)
    }
    #expect(try TestWrapping.unwrap(opening, wrapped[0], context: []) == nil)
    try service.perform(DisableKeyRequest(keyID: key))
    #expect(throws: KeyServiceError.disabled(keyID: key)) { try service.wrappingKeyring(key) }
    let generate = Array(repeating: "GenerateDataKey 1", count: 3)
    let decrypt = Array(repeating: "Decrypt 1", count: 3)
    #expect(
      try lines() == ["CreateKey"] + generate + decrypt + [
        "Decrypt 1 InvalidCiphertextException", "DisableKey", "GenerateDataKey DisabledException",
      ])
    #expect(try records()[2].encryptionContext["a"] == "b")
  }

  @Test func exportAndImportAreRecorded() throws {
    let key = try service.createKey().keyID
    let exported = try service.exportKey(key).file
    #expect(throws: KeyServiceError.self) { try service.importKey(exported) }
    #expect(
      try lines() == ["CreateKey", "ExportKey", "ImportKey AlreadyExistsException"])
  }

  /// A name as long as an argument can be, but of few characters, does not prevent its record.
  @Test func aLongNameIsRecorded() throws {
    _ = try service.createKey()
    let name =
      "alias/" + String(repeating: "e" + String(repeating: "\u{301}", count: 500), count: 100)
    #expect(throws: KeyServiceError.notFound(name)) {
      try service.perform(DisableKeyRequest(keyID: name))
    }
    #expect(try lines() == ["CreateKey", "DisableKey NotFoundException"])
    #expect(try records()[1].errorMessage.utf8.count <= 2100)
  }

  /// A change is recorded before it is committed. However the process ends, no change is without a
  /// record.
  @Test func aChangeIsRecordedBeforeItLasts() throws {
    let key = try service.createKey().keyID
    let seen = Told()
    let log = UnverifiedAuditLog(AuditLog.path(beside: service.keystore.path))
    // SQLite calls the observer when it is about to commit.
    try service.keystore.database.writeWithoutTransaction {
      $0.add(
        transactionObserver: Watcher {
          var last = ""
          _ = try? log.read(after: .none) { last = $0.record.operation }
          if last == "DisableKey" { seen.count += 1 }
        }, extent: .databaseLifetime)
    }
    try service.perform(DisableKeyRequest(keyID: key))
    #expect(seen.count == 1)
    #expect(try service.describe(key).keyState == .disabled)
  }

  final class Watcher: TransactionObserver {
    private let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }
    func databaseDidChange(with event: DatabaseEvent) {}
    func databaseWillCommit() throws { body() }
    func databaseDidCommit(_ db: Database) {}
    func databaseDidRollback(_ db: Database) {}
  }

  final class Told: @unchecked Sendable { var count = 0 }

  // MARK: The last use

  @Test func theLastUseIsOneThatSucceeded() throws {
    let key = try service.createKey().keyID
    func lastUsage() throws -> GetKeyLastUsageRequest.Response {
      try service.perform(GetKeyLastUsageRequest(keyID: key))
    }
    #expect(try lastUsage().keyLastUsage == nil)
    #expect(try lastUsage().trackingStartDate == clock.now)
    let created = clock.now
    clock.advance(days: 1)
    let blob = try service.encrypt("text", under: key)
    let used = clock.now
    clock.advance(days: 1)
    #expect(throws: KeyServiceError.self) { try service.decrypt(blob, context: ["a": "b"]) }
    var dryRun = DecryptRequest(ciphertextBlob: blob)
    dryRun.dryRun = true
    #expect(throws: KeyServiceError.dryRun) { try service.perform(dryRun) }
    try service.perform(RotateKeyOnDemandRequest(keyID: key))
    _ = try service.encrypt("text", under: try service.createKey().keyID)
    let response = try lastUsage()
    #expect(response.keyLastUsage?.operation == "Encrypt")
    #expect(response.keyLastUsage?.timestamp == used)
    #expect(response.keyCreationDate == created && response.trackingStartDate == created)
    clock.advance(days: 1)
    _ = try service.decrypt(blob)
    #expect(try lastUsage().keyLastUsage?.operation == "Decrypt")
    // With a pruned log, the answer contains the date from which on uses are known.
    #expect(try service.pruneAuditLog(before: clock.now) > 0)
    clock.advance(days: 1)
    #expect(try lastUsage().keyLastUsage?.operation == "Decrypt")
    #expect(try service.pruneAuditLog(before: clock.now) > 0)
    #expect(try lastUsage().keyLastUsage == nil)
    #expect(try lastUsage().trackingStartDate == clock.now)
    #expect(try service.check().damage.isEmpty)
    #expect(try lines() == ["PruneAuditLog"])
  }

  // MARK: Check

  @Test func aSoundKeystoreIsSound() throws {
    let key = try service.createKey(alias: "alias/a").keyID
    try service.perform(TagResourceRequest(keyID: key, tags: [Tag(tagKey: "a", tagValue: "b")]))
    try service.perform(RotateKeyOnDemandRequest(keyID: key))
    _ = try service.createKey(spec: .eccNISTP256)
    _ = try service.createKey(origin: .external)
    let check = try service.check()
    #expect(check.damage.isEmpty)
    #expect(check.keys == 3 && check.versions == 3 && check.aliases == 1 && check.tags == 1)
    #expect(check.auditRecords == 5)
  }

  /// Changes each column of every table whose rows have authentication codes, one at a time.
  @Test(arguments: [
    "masterKey", "keyVersion", "alias", "tag", "auditAnchor", "keyPolicy", "keyGrant", "stack",
    "ledger", "keystore", "protector",
  ])
  func everyColumnIsChecked(table: String) throws {
    let key = try service.createKey(alias: "alias/a").keyID
    try service.fillEveryTable(key: key)
    let path = service.keystore.path
    let whole = try contents(path)
    let columns = try service.keystore.read { db in
      try Row.fetchAll(db, sql: "PRAGMA table_info(\(table))").map { row -> (String, String) in
        (row["name"], row["type"])
      }
    }
    #expect(columns.count >= 2)
    for (column, type) in columns where (table, column) != ("auditAnchor", "id") {
      try write(whole, to: path)
      try TestKeystore.byHand(path).write { db in
        let value = type == "INTEGER" ? "4000000000001" : type == "TEXT" ? "'x'" : "x'00'"
        // A column's constraint refuses other values first.
        let allowed: [String: String] = [
          "spec": "'RSA_2048'", "usage": "'SIGN_VERIFY'", "state": "'Disabled'",
          "origin": "'EXTERNAL'", "manager": "'AWS'", "rotationType": "'AUTOMATIC'",
          "kind": "'key-file'",
        ]
        // In one row only, because names are unique.
        try db.execute(
          sql: """
            UPDATE \(table) SET \(column) = \(allowed[column] ?? value)
            WHERE \(columns[0].0) = (SELECT max(\(columns[0].0)) FROM \(table))
            """)
      }
      do {
        let damage = try keystore.reopened().check().damage
        #expect(!damage.isEmpty, "\(table).\(column)")
        #expect(damage.allSatisfy { if case .audit = $0 { false } else { true } })
      } catch is KeystoreError {
        // Without its own record or a protector the keystore does not open.
        #expect(["keystore", "protector"].contains(table), "\(table).\(column)")
      }
    }
  }

  /// Sets each empty column of every protector to a value that is as good as empty.
  @Test(arguments: ["scryptCost = 0", "scryptBlockSize = 0", "scryptParallelism = 0"])
  func anEmptyColumnOfAProtectorIsChecked(edit: String) throws {
    try service.createKey()
    let protector = try #require(try service.keystore.protectors().first?.id)
    try TestKeystore.byHand(service.keystore.path).write {
      try $0.execute(sql: "UPDATE protector SET \(edit)")
    }
    #expect(try keystore.reopened().check().damage == [.edited("protector \(protector)")])
  }

  @Test func missingRowsAreNamed() throws {
    let key = try service.createKey(alias: "alias/a").keyID
    try service.perform(RotateKeyOnDemandRequest(keyID: key))
    let path = service.keystore.path
    try TestKeystore.byHand(path).write {
      try $0.execute(sql: "DELETE FROM keyVersion WHERE version = 1")
    }
    #expect(try keystore.reopened().check().damage == [.missing("version 1 of key \(key)")])
    try TestKeystore.byHand(path).write { try $0.execute(sql: "DELETE FROM masterKey") }
    #expect(
      try keystore.reopened().check().damage
        == [.missing("key \(key)"), .missing("version 1 of key \(key)")])
  }

  /// An old log that was put back lacks records that the keystore has an anchor for.
  @Test func anOldLogIsNoticed() throws {
    let log = AuditLog.path(beside: service.keystore.path)
    let key = try service.createKey().keyID
    let old = try contents(log)
    _ = try service.encrypt("text", under: key)
    try service.perform(DisableKeyRequest(keyID: key))
    try write(old, to: log)
    #expect(try keystore.reopened().check().damage == [.audit(.missing(2...3))])
    try FileManager.default.removeItem(atPath: log.string)
    #expect(try keystore.reopened().check().damage == [.audit(.missing(1...3))])
  }

  static let changes: [(name: String, change: @Sendable (KeyService, String) throws -> Void)] = [
    ("CreateKey", { service, _ in try service.createKey() }),
    ("CreateKey with an alias", { service, _ in try service.createKey(alias: "alias/b") }),
    ("DisableKey", { try $0.perform(DisableKeyRequest(keyID: $1)) }),
    (
      "ScheduleKeyDeletion",
      { try $0.perform(ScheduleKeyDeletionRequest(keyID: $1, pendingWindowInDays: 7)) }
    ),
    (
      "CreateAlias",
      { try $0.perform(CreateAliasRequest(aliasName: "alias/c", targetKeyID: $1)) }
    ),
    ("DeleteAlias", { service, _ in try service.deleteAlias("alias/a") }),
    (
      "TagResource",
      { try $0.perform(TagResourceRequest(keyID: $1, tags: [Tag(tagKey: "a", tagValue: "b")])) }
    ),
    ("RotateKeyOnDemand", { try $0.perform(RotateKeyOnDemandRequest(keyID: $1)) }),
    ("EnableKeyRotation", { try $0.perform(EnableKeyRotationRequest(keyID: $1)) }),
    (
      "PutKeyPolicy",
      { try $0.perform(PutKeyPolicyRequest(keyID: $1, policy: KeyPolicy.defaultPolicy.text)) }
    ),
    ("UpdateAlias", { try $0.perform(UpdateAliasRequest(aliasName: "alias/a", targetKeyID: $1)) }),
    (
      "UpdateKeyDescription",
      { try $0.perform(UpdateKeyDescriptionRequest(keyID: $1, description: "d")) }
    ),
    (
      "CreateGrant",
      {
        try $0.perform(
          CreateGrantRequest(
            keyID: $1, granteePrincipal: "arn:aws:iam::000000000000:user/b", operations: [.decrypt])
        )
      }
    ),
    (
      "ImportKey",
      { service, _ in
        let pair = try RSAPrivateKey.generate(bits: 2048)
        _ = try service.importKey(try KeyringFile(parsing: try pair.pem().exposed))
      }
    ),
  ]

  /// The keystore stores the number of the record of each change together with the change, so a
  /// removed record is noticed.
  @Test(arguments: changes.indices)
  func noRecordOfAChangeIsRemovedUnnoticed(index: Int) throws {
    let (name, change) = Self.changes[index]
    let log = AuditLog.path(beside: service.keystore.path)
    let key = try service.createKey(alias: "alias/a").keyID
    let before = try contents(log)
    let count = UInt64(try records().count)
    try change(service, key)
    let last = UInt64(try records().count)
    #expect(last > count, "\(name)")
    #expect(try keystore.reopened().check().damage.isEmpty, "\(name)")
    try write(before, to: log)
    let missing = KeystoreDamage.audit(.missing(count + 1...last))
    #expect(try keystore.reopened().check().damage == [missing], "\(name)")
    // No number is used twice: the gap stays, whether a use or a change comes next.
    let other = try keystore.reopened().createKey().keyID
    #expect(try keystore.reopened().check().damage == [missing], "\(name)")
    try write(before, to: log)
    _ = try keystore.reopened().encrypt("text", under: other)
    try service.createKey()
    let damage = try keystore.reopened().check().damage
    #expect(damage == [.audit(.missing(count + 1...last + 1))], "\(name)")
  }

  /// A process that has recorded before, even if it keeps records back, does not use a number twice
  /// either.
  @Test(arguments: [false, true])
  func aRunGivesNoNumberOfAnotherProcessTwice(inBatches: Bool) throws {
    let log = AuditLog.path(beside: service.keystore.path)
    let key = try service.createKey().keyID
    let run = try keystore.reopened()
    let leftovers = Leftovers()
    leftovers.watch()
    if inBatches { run.host.keepRecordsBack(until: leftovers) }
    let keyring = try run.wrappingKeyring(key)
    _ = try TestWrapping.wrap(keyring)
    let before = try contents(log)
    try service.perform(UpdateKeyDescriptionRequest(keyID: key, description: "d"))
    try write(before, to: log)
    _ = try TestWrapping.wrap(keyring)
    #expect(run.finishRecords())
    try service.perform(UpdateKeyDescriptionRequest(keyID: key, description: "e"))
    #expect(try keystore.reopened().check().damage == [.audit(.missing(3...3))])
    withExtendedLifetime(keyring) {}
  }

  /// A removed record is also noticed if it is about a rotation that the keystore made by itself
  /// during an operation that failed.
  @Test func noRecordOfAServiceEventIsRemovedUnnoticed() throws {
    let log = AuditLog.path(beside: service.keystore.path)
    let key = try service.createKey().keyID
    try service.perform(EnableKeyRotationRequest(keyID: key))
    clock.advance(days: 366)
    let before = try contents(log)
    #expect(throws: KeyServiceError.self) { try service.deleteAlias("alias/none") }
    #expect(try lines().suffix(2) == ["RotateKey 2", "DeleteAlias NotFoundException"])
    try write(before, to: log)
    #expect(try keystore.reopened().check().damage == [.audit(.missing(3...3))])
  }

  /// A new keystore stores the number of the record of its first key.
  @Test func aNewKeystoreNotesItsFirstRecord() throws {
    let path = keystore.directory.path.appending("new.db")
    _ = try Keystore.create(at: path, protector: .none) {
      _ = try KeyService($0, secrets: TestSecrets()).createDefaultKey()
    }
    let made = try KeyService(try Keystore(at: path), secrets: TestSecrets())
    _ = try made.encrypt("text", under: "alias/default")
    #expect(try made.check().damage.isEmpty)
    try FileManager.default.removeItem(atPath: AuditLog.path(beside: path).string)
    #expect(try made.check().damage == [.audit(.missing(1...1))])
  }

  /// Somebody removes the log after a record was added and before the keystore has stored the
  /// record's number.
  @Test func aLogThatGoesBeforeItIsNotedIsNoticed() throws {
    let log = AuditLog.path(beside: service.keystore.path)
    let unlocked = try service.unlock()
    let store = service.keystore
    let trail = AuditTrail(
      try store.auditLog(unlocked),
      anchor: { try store.auditAnchorReentrantly(verifiedBy: unlocked) },
      tellLoss: { _ in })
    try trail.add([AuditRecord.numbered(1), AuditRecord.numbered(2)])
    try FileManager.default.removeItem(atPath: log.string)
    #expect(try trail.anchorToNote()?.sequence == 2)
    // A new log goes on after the records that are gone.
    try trail.add([AuditRecord.numbered(3)])
    #expect(try trail.anchorToNote()?.sequence == 3)
  }
}
