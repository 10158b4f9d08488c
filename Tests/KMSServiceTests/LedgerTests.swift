import Foundation
import GRDB
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import KMSTemplates
@testable import TestSupport

/// Rows that were once valid and are restored or deleted. Each row carries a valid code, and only
/// the ledger shows that it is not current.
@Suite struct LedgerTests {
  let keystore: TestKeystore
  var service: KeyService { keystore.service }
  var path: FilePath { service.keystore.path }
  let key: String
  let other: String

  init() throws {
    keystore = try TestKeystore()
    key = try keystore.service.createKey(alias: "alias/a").keyID
    other = try keystore.service.createKey(alias: "alias/b").keyID
  }

  /// Runs `body`, then restores the rows of one table by hand to their state before it.
  func puttingBack(_ table: String, after body: () throws -> Void) throws {
    let old = try contents(path)
    try body()
    let oldPath = keystore.directory.path.appending("old.db")
    try write(old, to: oldPath)
    try TestKeystore.byHand(path).writeWithoutTransaction { db in
      try db.execute(sql: "ATTACH ? AS old", arguments: [oldPath.string])
      try db.execute(sql: "INSERT OR REPLACE INTO \(table) SELECT * FROM old.\(table)")
      try db.execute(sql: "DETACH old")
    }
  }

  func byHand(_ sql: String) throws {
    try TestKeystore.byHand(path).write { try $0.execute(sql: sql) }
  }

  func damage() throws -> [KeystoreDamage] { try keystore.reopened().check().damage }

  func expectRefusal(
    _ record: String, _ body: (KeyService) throws -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let service = try keystore.reopened()
    #expect(throws: KeystoreError.editedRecord(record), sourceLocation: sourceLocation) {
      try body(service)
    }
  }

  // MARK: Put back

  @Test func aDisabledKeyIsNotEnabledAgain() throws {
    let blob = try service.encrypt("text", under: key)
    try puttingBack("masterKey") { try service.perform(DisableKeyRequest(keyID: key)) }
    #expect(try damage() == [.outdated("key \(key)")])
    try expectRefusal("key \(key)") { _ = try $0.decrypt(blob) }
    try expectRefusal("key \(key)") { _ = try $0.encrypt("x", under: "alias/a") }
    try expectRefusal("key \(key)") { try $0.perform(EnableKeyRequest(keyID: key)) }
    // Other keys are not affected.
    #expect(throws: Never.self) { try service.encrypt("x", under: other) }
  }

  @Test func anAliasDoesNotStandForItsOldKeyAgain() throws {
    try puttingBack("alias") {
      try service.perform(UpdateAliasRequest(aliasName: "alias/a", targetKeyID: other))
    }
    #expect(try damage() == [.outdated("alias alias/a"), .missing("alias alias/a")])
    try expectRefusal("alias alias/a") { _ = try $0.encrypt("x", under: "alias/a") }
  }

  @Test func aDeletedAliasStaysDeleted() throws {
    try puttingBack("alias") { try service.perform(DeleteAliasRequest(aliasName: "alias/a")) }
    #expect(try damage() == [.outdated("alias alias/a")])
    try expectRefusal("alias alias/a") { _ = try $0.encrypt("x", under: "alias/a") }
  }

  @Test func deletedMaterialStaysDeleted() throws {
    let id = try service.createKey(origin: .external).keyID
    try service.importMaterial(patternBytes(32), into: id)
    let blob = try service.encrypt("text", under: id)
    try puttingBack("keyVersion") {
      try service.perform(DeleteImportedKeyMaterialRequest(keyID: id))
    }
    #expect(try damage() == [.outdated("version 1 of key \(id)")])
    // The key is waiting for its material and remains in that state.
    #expect(throws: KeyServiceError.invalidState(keyID: id, state: .pendingImport)) {
      try keystore.reopened().decrypt(blob)
    }
    try expectRefusal("version 1 of key \(id)") {
      try $0.perform(DeleteImportedKeyMaterialRequest(keyID: id))
    }
  }

  /// A deleted key stays deleted even if the rows of the key and of its versions are restored at
  /// once.
  @Test func aDeletedKeyStaysDeleted() throws {
    let blob = try service.encrypt("text", under: key)
    try puttingBack("masterKey") {
      try puttingBack("keyVersion") {
        try service.perform(ScheduleKeyDeletionRequest(keyID: key, pendingWindowInDays: 7))
        for days in [7.0, 1] {
          keystore.clock.advance(days: days)
          try service.createKey()
        }
      }
    }
    #expect(try damage() == [.outdated("version 1 of key \(key)"), .outdated("key \(key)")])
    try expectRefusal("key \(key)") { _ = try $0.decrypt(blob) }
  }

  @Test func aTagsOldValueIsNoticed() throws {
    func tag(_ value: String) throws {
      try service.perform(
        TagResourceRequest(keyID: key, tags: [Tag(tagKey: "stage", tagValue: value)]))
    }
    try tag("test")
    try puttingBack("tag") { try tag("production") }
    #expect(try damage() == [.outdated("tag 'stage' of key \(key)")])
  }

  @Test func anOldAnchorIsNoticed() throws {
    try puttingBack("auditAnchor") { try service.perform(DisableKeyRequest(keyID: key)) }
    #expect(try damage() == [.outdated("audit anchor")])
  }

  @Test func anOldStackIsNoticed() throws {
    func apply(_ description: String) throws {
      let text =
        "Resources: {Key: {Type: AWS::KMS::Key, Properties: {Description: \(description)}}}"
      _ = try service.applyStack(
        StackRequest(template: try Template(parsing: Array(text.utf8)), stackName: "s"))
    }
    try apply("one")
    try puttingBack("stack") { try apply("two") }
    #expect(try damage() == [.outdated("stack s")])
    try expectRefusal("stack s") { try $0.deleteStack("s") }
  }

  /// A removed protector does not open the keystore again.
  @Test func aRemovedProtectorStaysRemoved() throws {
    let store = service.keystore
    let secrets = TestSecrets()
    let file = keystore.directory.path.appending("k")
    try KeyFile.create(file, leftovers: Leftovers())
    _ = try store.addProtector(
      .keyFile(file, contents: try KeyFile.read(file)), secrets: secrets)
    let old = try store.protectors().first { $0.kind == .none }!.id
    try puttingBack("protector") { try store.removeProtector(old, secrets: secrets) }
    #expect(try damage() == [.strayProtector(old)])
    // The restored protector comes first, and the other one opens the keystore anyway.
    #expect(throws: Never.self) { try keystore.reopened().encrypt("x", under: key) }
    try FileManager.default.removeItem(atPath: file.string)
    try expectRefusal("protector \(old)") { _ = try $0.encrypt("x", under: key) }
    // A caller who unlocked with the restored protector cannot accept or remove it.
    #expect(throws: KeystoreError.editedRecord("protector \(old)")) {
      try keystore.reopened().acceptRecords()
    }
    #expect(throws: KeystoreError.self) { try keystore.reopened().encrypt("x", under: key) }
  }

  /// The change is noticed even if the keystore's own record is restored too: the ledger then does
  /// not match that record.
  @Test func anOldRecordOfTheKeystoreIsNoticed() throws {
    try puttingBack("masterKey") {
      try puttingBack("keystore") { try service.perform(DisableKeyRequest(keyID: key)) }
    }
    let bucket = "the ledger's bucket \(key.prefix(1))"
    #expect(try damage().contains(.edited(bucket)))
    // The protector is looked up first. Its record is in another bucket, which does not match
    // either.
    try expectRefusal("the ledger's bucket store") { _ = try $0.encrypt("x", under: key) }
  }

  /// If the ledger itself is damaged, the records that it cannot confirm are reported.
  @Test func damageToTheLedgerDoesNotHideWhatWasPutBack() throws {
    try puttingBack("masterKey") { try service.perform(DisableKeyRequest(keyID: key)) }
    try byHand("UPDATE ledger SET entries = x'00' WHERE bucket = '\(key.prefix(3))'")
    let damage = try damage()
    #expect(damage.contains(.uncertain("key \(key)")))
    #expect(damage.contains(.edited("the ledger's bucket \(key.prefix(3))")))
    #expect(try keystore.reopened().acceptRecords().contains(.uncertain("key \(key)")))
    #expect(try self.damage().isEmpty)
  }

  /// Bug: an anchor that was missing or outdated was rewritten, and the information in it was lost.
  @Test(arguments: ["an old log", "no log and no anchor", "an old log and an old anchor"])
  func anAnchorDoesNotForget(what: String) throws {
    let log = AuditLog.path(beside: path)
    let old = try contents(log)
    try puttingBack(what.hasSuffix("anchor") && what.hasPrefix("an ") ? "auditAnchor" : "alias") {
      try service.perform(DisableKeyRequest(keyID: other))
      try service.perform(EnableKeyRequest(keyID: other))
      try service.perform(UpdateKeyDescriptionRequest(keyID: other, description: "x"))
    }
    try service.host.trail()?.flush()
    if what.hasPrefix("no") {
      try FileManager.default.removeItem(atPath: log.string)
      try byHand("DELETE FROM auditAnchor")
    } else {
      try write(old, to: log)
    }
    #expect(try !damage().isEmpty)
    for description in ["y", "z", "a", "b", "c"] {
      let service = try keystore.reopened()
      try service.perform(UpdateKeyDescriptionRequest(keyID: other, description: description))
      try service.host.trail()?.flush()
      #expect(try !damage().isEmpty)
    }
  }

  // MARK: Taken away

  /// A template is not applied a second time because the record of its stack was deleted.
  @Test func aStackThatIsTakenAwayIsMissed() throws {
    let text = "Resources: {Key: {Type: AWS::KMS::Key, Properties: {}}}"
    let request = StackRequest(
      template: try Template(parsing: Array(text.utf8)), stackName: "s")
    _ = try service.applyStack(request)
    try byHand("DELETE FROM stack")
    try expectRefusal("stack s") { _ = try $0.applyStack(request) }
  }

  /// The key's lost attributes do not prevent the key from working after it is imported again.
  @Test func aKeyFromItsEscrowCopyIsWhole() throws {
    func insert(_ id: String) throws {
      let new = NewKey(
        id: id, spec: .symmetricDefault, usage: .encryptDecrypt, origin: .external, description: "")
      _ = try service.recording(service.begin(.createKey)) {
        try new.insert([NewKeyVersion(generating: .symmetricDefault)], in: $0)
      }
    }
    try service.perform(TagResourceRequest(keyID: key, tags: [Tag(tagKey: "a", tagValue: "b")]))
    for table in ["masterKey", "keyVersion", "tag", "alias"] { try byHand("DELETE FROM \(table)") }
    try insert(key)
    #expect(try damage().allSatisfy { $0 != .missing("tag 'a' of key \(key)") })
    let blob = try keystore.reopened().encrypt("text", under: key)
    #expect(try keystore.reopened().decrypt(blob) == "text")
  }

  /// An ID that none of our keys can have is not in a bucket of keys.
  @Test(arguments: ["\u{E9}", "", "ab", "xyz", "\u{FFFD}\u{FFFD}\u{FFFD}", "ABC"])
  func strangeIDsAreListedNowhere(id: String) throws {
    let name = LedgerName(table: "masterKey", keyID: id)
    #expect(name.bucket == .store)
    let unlocked = try service.unlock()
    #expect(try service.keystore.read { try unlocked.isListed(name, $0) } == false)
  }

  @Test(arguments: ["masterKey", "keyVersion", "alias", "tag", "auditAnchor", "stack"])
  func aRowThatIsMissingIsNamed(table: String) throws {
    try service.perform(TagResourceRequest(keyID: key, tags: [Tag(tagKey: "a", tagValue: "b")]))
    let text = "Resources: {Key: {Type: AWS::KMS::Key, Properties: {}}}"
    _ = try service.applyStack(
      StackRequest(template: try Template(parsing: Array(text.utf8)), stackName: "s"))
    try byHand("DELETE FROM \(table)")
    let missing = try damage()
    #expect(!missing.isEmpty)
    #expect(missing.allSatisfy { if case .missing = $0 { true } else { false } }, "\(missing)")
  }

  /// A policy that denies by tag checks that all tags of the key are present.
  @Test func aTagThatIsTakenAwayDoesNotOpenTheKey() throws {
    try service.perform(
      TagResourceRequest(keyID: key, tags: [Tag(tagKey: "secret", tagValue: "yes")]))
    try service.perform(
      PutKeyPolicyRequest(
        keyID: key,
        policy: """
          {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"},
            {"Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*",
             "Condition": {"StringEquals": {"aws:ResourceTag/secret": "yes"}}}]}
          """))
    #expect(throws: KeyServiceError.self) { try service.encrypt("x", under: key) }
    try byHand("DELETE FROM tag")
    try expectRefusal("tag 'secret' of key \(key)") { _ = try $0.encrypt("x", under: key) }
  }
}
