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

/// Edits of the ledger itself.
extension LedgerTests {
  /// Each row of the ledger is bound to the keystore's record.
  @Test func noRowOfTheLedgerCanBeChanged() throws {
    let whole = try contents(path)
    let count = try service.keystore.read {
      try Int.fetchOne($0, sql: "SELECT count(*) FROM ledger")!
    }
    // The rows of three keys, usually each with a bucket and a bucket above it, and the row of the
    // store.
    #expect(count >= 3)
    for row in 0..<count {
      for change in [
        "DELETE FROM ledger", "UPDATE ledger SET entries = x''",
        "UPDATE ledger SET entries = zeroblob(length(entries))",
        "UPDATE ledger SET entries = CAST(entries || x'00' AS BLOB)",
        "UPDATE ledger SET bucket = 'x'",
      ] {
        try write(whole, to: path)
        try byHand(
          "\(change) WHERE bucket = (SELECT bucket FROM ledger ORDER BY bucket LIMIT 1 OFFSET \(row))"
        )
        let damage = try damage()
        #expect(
          damage.contains { if case .edited = $0 { true } else { false } }, "\(change) \(row)")
      }
    }
  }

  /// A change while the ledger is damaged does not repair a record that somebody edited.
  @Test func aChangeDoesNotTakeOverWhatWasAltered() throws {
    try puttingBack("masterKey") { try service.perform(DisableKeyRequest(keyID: key)) }
    try service.perform(DisableKeyRequest(keyID: other))
    try service.perform(
      TagResourceRequest(keyID: other, tags: [Tag(tagKey: "a", tagValue: "b")]))
    #expect(try damage() == [.outdated("key \(key)")])
  }

  /// Damage to one key does not affect another key whose ID has the same prefix.
  @Test func keysOfOneBucketDoNotHinderEachOther() throws {
    let ids = ["abc00000-0000-4000-8000-000000000001", "abc00000-0000-4000-8000-000000000002"]
    for id in ids {
      let new = NewKey(
        id: id, spec: .symmetricDefault, usage: .encryptDecrypt, origin: .awsKMS, description: "")
      _ = try service.recording(service.begin(.createKey)) {
        try new.insert([NewKeyVersion(generating: .symmetricDefault)], in: $0)
      }
    }
    let blob = try service.encrypt("text", under: ids[1])
    try byHand("DELETE FROM masterKey WHERE id = '\(ids[0])'")
    #expect(try keystore.reopened().decrypt(blob) == "text")
    #expect(try damage() == [.missing("key \(ids[0])")])
  }

  @Test func whatWasAcceptedIsTheLast() throws {
    let blob = try service.encrypt("text", under: key)
    try puttingBack("masterKey") { try service.perform(DisableKeyRequest(keyID: key)) }
    try byHand("DELETE FROM alias WHERE name = 'alias/b'")
    try byHand("UPDATE keyVersion SET creationDate = 1 WHERE keyID = '\(other)'")
    let before: [KeystoreDamage] = [
      .edited("version 1 of key \(other)"), .outdated("key \(key)"), .missing("alias alias/b"),
    ]
    #expect(try damage() == before)
    #expect(try keystore.reopened().acceptRecords() == Array(before.dropFirst()))
    // A record with a wrong code stays refused.
    #expect(try damage() == [.edited("version 1 of key \(other)")])
    #expect(try keystore.reopened().decrypt(blob) == "text")
    var names: [String] = []
    try keystore.reopened().readAuditLog { names.append($1.operation) }
    #expect(names.contains("AcceptRecords"))
  }

  /// Adds a protector with a new key file. Returns the file, and the ID of the first protector.
  private func addKeyFile() throws -> (file: FilePath, first: String) {
    let file = keystore.directory.path.appending("k")
    try KeyFile.create(file, leftovers: Leftovers())
    _ = try service.keystore.addProtector(
      .keyFile(file, contents: try KeyFile.read(file)), secrets: TestSecrets())
    return (file, try service.keystore.protectors().first { $0.kind == .none }!.id)
  }

  /// These tables, or these rows of them, are restored to their state before a protector was
  /// removed and a key disabled. A caller who unlocks with the restored protector cannot accept
  /// records, even if parts of the ledger and the keystore's record are restored too.
  @Test(arguments: [
    ["protector", "masterKey"],
    ["protector", "masterKey", "ledger"],
    ["protector", "masterKey", "keystore"],
    ["protector", "masterKey", "keystore", "ledger WHERE bucket = 'store'"],
    ["protector", "masterKey", "keystore", "auditAnchor", "ledger WHERE bucket = 'store'"],
    ["protector", "masterKey", "ledger WHERE bucket <> 'store'"],
  ])
  func aProtectorThatWasPutBackHasNothingAccepted(rows: [String]) throws {
    let store = service.keystore
    let (file, protector) = try addKeyFile()
    let blob = try service.encrypt("text", under: key)
    let old = keystore.directory.path.appending("old.db")
    try service.host.trail()?.flush()
    try write(contents(path), to: old)
    try service.perform(DisableKeyRequest(keyID: key))
    try store.removeProtector(protector, secrets: TestSecrets())
    // The key file is away: only the restored protector opens the keystore.
    let away = keystore.directory.path.appending("away")
    rename(file.string, away.string)
    try TestKeystore.byHand(path).writeWithoutTransaction { db in
      try db.execute(sql: "ATTACH ? AS old", arguments: [old.string])
      for what in rows {
        let table = what.split(separator: " ")[0]
        if table == "keystore" { try db.execute(sql: "DELETE FROM keystore") }
        try db.execute(sql: "INSERT OR REPLACE INTO \(table) SELECT * FROM old.\(what)")
      }
      try db.execute(sql: "DETACH old")
    }
    #expect(throws: KeystoreError.self) { try keystore.reopened().acceptRecords() }
    // The same is true after a check with that protector, also if the check ran in the same
    // process.
    #expect(try !damage().isEmpty)
    let looking = try keystore.reopened()
    _ = try looking.check()
    #expect(throws: KeystoreError.self) { try looking.acceptRecords() }
    #expect(throws: KeystoreError.self) { try keystore.reopened().decrypt(blob) }
    #expect(try store.read { try MasterKeyRecord.first($0, where: "id = ?", [key])?.state } != nil)
  }

  /// With a current protector the present records are accepted, and the restored protector is
  /// removed.
  @Test func aCurrentProtectorHasRecordsAccepted() throws {
    let store = service.keystore
    let (_, protector) = try addKeyFile()
    try puttingBack("masterKey") {
      try puttingBack("protector") {
        try service.perform(DisableKeyRequest(keyID: key))
        try store.removeProtector(protector, secrets: TestSecrets())
      }
    }
    #expect(
      try keystore.reopened().acceptRecords()
        == [.outdated("key \(key)"), .strayProtector(protector)])
    #expect(try damage().isEmpty)
    #expect(try store.protectors().map(\.kind) == [.keyFile])
  }

  /// If the ledger cannot say which protectors are current, no records can be accepted.
  @Test(arguments: ["store", "its upper part"]) func aDamagedLedgerAcceptsNothing(part: String)
    throws
  {
    let bucket = part == "store" ? part : String(key.prefix(1))
    try byHand("UPDATE ledger SET entries = x'00' WHERE bucket = '\(bucket)'")
    let before = try contents(path)
    #expect(throws: KeystoreError.editedRecord("the ledger's bucket \(bucket)")) {
      try keystore.reopened().acceptRecords()
    }
    #expect(try contents(path) == before)
    #expect(try damage().contains(.edited("the ledger's bucket \(bucket)")))
  }

  @Test func onlyTheOwnerAccepts() throws {
    let somebody = try keystore.service(of: "somebody")
    #expect(throws: KeyServiceError.self) { try somebody.acceptRecords() }
  }

  /// Names that are equal in Swift are two records.
  @Test func namesAreComparedByteByByte() throws {
    let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
    for tag in [composed, decomposed] {
      try service.perform(
        TagResourceRequest(keyID: key, tags: [Tag(tagKey: tag, tagValue: "x")]))
    }
    #expect(try damage().isEmpty)
    try byHand("DELETE FROM tag WHERE length(tagKey) = 5")
    #expect(try damage() == [.missing("tag '\(decomposed)' of key \(key)")])
  }

  /// Bug: text in SQLite ends at a NUL. A key with a NUL in its description had a code that no row
  /// could match, and was refused forever.
  @Test func aTextWithNULIsRefused() throws {
    #expect(throws: KeyServiceError.self) {
      try service.perform(UpdateKeyDescriptionRequest(keyID: key, description: "a\0b"))
    }
    for tag in [Tag(tagKey: "a\0b", tagValue: ""), Tag(tagKey: "a", tagValue: "b\0")] {
      #expect(throws: KeyServiceError.self) {
        try service.perform(TagResourceRequest(keyID: key, tags: [tag]))
      }
    }
    #expect(throws: KeystoreError.unstorableText("alias alias/c\0d")) {
      try service.keystore.write {
        try service.unlock().insert(
          AliasRecord(
            name: "alias/c\0d", targetKeyID: key, creationDate: 0, lastUpdatedDate: 0), $0)
      }
    }
    #expect(throws: KeyServiceError.notFound("alias/a\0b")) { try service.describe("alias/a\0b") }
    #expect(try damage().isEmpty)
  }
}
