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

/// Rows in the wrong place.
extension StoredRowTests {
  // MARK: Rows that belong to nothing

  @Test func aStrayBucketIsNamedAndRemoved() throws {
    for bucket in ["zzz", "z", "", "store2", "\(key.prefix(3))0"] {
      try byHand("INSERT INTO ledger VALUES ('\(bucket)', x'00')")
    }
    try byHand("INSERT INTO ledger VALUES (CAST('store' || x'00' AS TEXT), x'')")
    let damage = try damage()
    for bucket in ["zzz", "z", "", "store2", "\(key.prefix(3))0"] {
      #expect(damage.contains(.stray("the ledger's bucket \(bucket)")))
    }
    #expect(damage.contains(.edited("record 'store' of table ledger")))
    #expect(damage.count == 6, "\(damage)")
    #expect(throws: Never.self) { try keystore.reopened().encrypt("x", under: key) }
    #expect(Set(try keystore.reopened().acceptRecords().map { "\($0)" }).count == 6)
    #expect(try self.damage().isEmpty)
  }

  /// A bucket that somebody inserted is not used for a new key.
  @Test func aBucketIsNotTakenOverByANewKey() throws {
    let free = try #require(
      (0..<16).map { String($0, radix: 16) }.first { digit in
        ![key, other].contains { $0.hasPrefix(digit) }
      })
    try byHand("INSERT OR IGNORE INTO ledger VALUES ('\(free)00', x'00')")
    let new = NewKey(
      id: "\(free)0000000-0000-4000-8000-000000000001", spec: .symmetricDefault,
      usage: .encryptDecrypt, origin: .awsKMS, description: "")
    #expect(throws: KeystoreError.editedRecord("the ledger's bucket \(free)00")) {
      try service.recording(service.begin(.createKey)) {
        try new.insert([NewKeyVersion(generating: .symmetricDefault)], in: $0)
      }
    }
    #expect(try damage() == [.stray("the ledger's bucket \(free)00")])
  }

  @Test func policiesAndGrantsOfNoKeyAreNamedAndRemoved() throws {
    let gone = "00000000-0000-4000-8000-000000000000"
    try byHand(
      """
      INSERT INTO keyPolicy VALUES ('\(gone)', '{}');
      INSERT INTO keyPolicy VALUES ('\(other)', '{}');
      INSERT INTO keyPolicy VALUES ('\(key)' || x'00', '{}');
      INSERT INTO keyGrant VALUES ('\(gone)', 'g', NULL, 0, 'p', NULL, 'Decrypt', NULL);
      INSERT INTO tag VALUES ('\(gone)', 'a', 'b', x'00');
      """)
    let strays: [KeystoreDamage] = [
      .stray("policy of key \(gone)"), .stray("policy of key \(other)"),
      .stray("grant g of key \(gone)"),
    ]
    let edited: [KeystoreDamage] = [
      .edited("record '\(key)' of table keyPolicy"), .edited("tag 'a' of key \(gone)"),
    ]
    let damage = try damage()
    #expect(damage.count == 5 && (strays + edited).allSatisfy(damage.contains), "\(damage)")
    // The key still has the default policy.
    #expect(throws: Never.self) { try keystore.reopened().encrypt("x", under: other) }
    let accepted = try keystore.reopened().acceptRecords()
    #expect(strays.allSatisfy(accepted.contains))
    #expect(try self.damage() == [.edited("tag 'a' of key \(gone)")])
    // The policies and grants of keys are still there.
    let count = try TestKeystore.byHand(path).read {
      try Int.fetchOne(
        $0, sql: "SELECT (SELECT count(*) FROM keyPolicy) + (SELECT count(*) FROM keyGrant)")
    }
    #expect(count == 2)
  }

  /// Rows that a lost key left do not belong to a new key with the same ID, and do not prevent it
  /// from working.
  @Test func aKeyThatComesBackHasNoLeftovers() throws {
    try byHand("DELETE FROM keyVersion WHERE keyID = '\(key)'")
    try byHand("DELETE FROM masterKey WHERE id = '\(key)'")
    #expect(try damage().contains(.stray("policy of key \(key)")))
    let new = NewKey(
      id: key, spec: .symmetricDefault, usage: .encryptDecrypt, origin: .awsKMS, description: "")
    _ = try service.recording(service.begin(.createKey)) {
      try new.insert([NewKeyVersion(generating: .symmetricDefault)], in: $0)
    }
    #expect(try damage().isEmpty)
    let blob = try keystore.reopened().encrypt("text", under: key)
    #expect(try keystore.reopened().decrypt(blob) == "text")
    #expect(throws: KeyServiceError.notFound("alias/a")) {
      try keystore.reopened().encrypt("x", under: "alias/a")
    }
  }

  /// A version that a lost key left may be the only way to open the key's messages, so it is not
  /// replaced.
  @Test func aVersionThatIsLeftIsNotReplaced() throws {
    try byHand("DELETE FROM masterKey WHERE id = '\(key)'")
    let new = NewKey(
      id: key, spec: .symmetricDefault, usage: .encryptDecrypt, origin: .awsKMS, description: "")
    #expect(throws: KeystoreError.editedRecord("version 1 of key \(key)")) {
      try service.recording(service.begin(.createKey)) {
        try new.insert([NewKeyVersion(generating: .symmetricDefault)], in: $0)
      }
    }
  }

  /// A second anchor is reported, and the right anchor is still found.
  @Test func aSecondAnchorIsNamed() throws {
    try byHand(
      """
      PRAGMA ignore_check_constraints = ON;
      INSERT INTO auditAnchor SELECT 0, sequence, code, authenticationCode FROM auditAnchor
      """)
    // The table's own constraint is broken, too.
    let damage = try damage()
    #expect(damage.contains(.edited("audit anchor")))
    #expect(!damage.contains(.outdated("audit anchor")))
    let unlocked = try service.unlock()
    #expect(try Keystore(at: path).auditAnchor(verifiedBy: unlocked).sequence > 0)
  }

  // MARK: Indexes that lead to the wrong row

  /// Replaces bytes that occur once in the file.
  func replace(_ old: [UInt8], with new: [UInt8]) throws {
    var data = Data(try contents(path))
    let place = try #require(data.range(of: Data(old)))
    #expect(data.range(of: Data(old), in: place.upperBound..<data.count) == nil)
    data.replaceSubrange(place, with: new)
    try write(Array(data), to: path)
  }

  /// Returns an entry of the index on the IDs of keys: the ID, and the number of the row.
  func entry(_ id: String, row: UInt8) -> [UInt8] {
    [3, UInt8(13 + 2 * id.utf8.count), 1] + Array(id.utf8) + [row]
  }

  /// A name does not lead to another key after somebody exchanged two row numbers in an index.
  @Test func anIndexDoesNotExchangeKeys() throws {
    let third = try service.createKey().keyID
    let rows = try TestKeystore.byHand(path).read { db in
      try [other, third].map { id in
        let sql = "SELECT rowid FROM masterKey WHERE id = ?"
        return try UInt8(Int.fetchOne(db, sql: sql, arguments: [id])!)
      }
    }
    try replace(entry(other, row: rows[0]), with: entry(other, row: rows[1]))
    try replace(entry(third, row: rows[1]), with: entry(third, row: rows[0]))
    let service = try keystore.reopened()
    for (name, id) in [(other, other), (third, third), ("alias/b", other)] {
      #expect(throws: KeystoreError.editedRecord("key \(id)")) {
        try service.encrypt("x", under: name)
      }
    }
    let damage = try damage()
    #expect(damage.contains { if case .structure = $0 { true } else { false } }, "\(damage)")
  }

  /// A policy's condition on a key's aliases is not met by another key's alias.
  @Test func anIndexDoesNotGiveAKeyAnothersAlias() throws {
    func entry(_ id: String) -> [UInt8] {
      let name = Array("alias/b".utf8)
      return [3, UInt8(13 + 2 * id.utf8.count), UInt8(13 + 2 * name.count)] + Array(id.utf8) + name
    }
    try replace(entry(other), with: entry(key))
    let service = try keystore.reopened()
    let unlocked = try service.unlock()
    #expect(throws: KeystoreError.editedRecord("alias alias/b")) {
      try service.keystore.view(verifiedBy: unlocked) { try $0.aliases(ofKey: key) }
    }
    #expect(throws: KeystoreError.editedRecord("alias alias/b")) {
      try service.perform(ListAliasesRequest(keyID: key))
    }
  }

  /// Material that has not expired is not destroyed if an edited index says that it has expired.
  @Test func anIndexExpiresNothing() throws {
    let id = try service.createKey(origin: .external).keyID
    let expiry = keystore.clock.now + 90 * 86_400
    try service.importMaterial(patternBytes(32), into: id, validTo: expiry)
    let blob = try service.encrypt("text", under: id)
    // The date in the index: six bytes before the ID of the key.
    func entry(_ date: Int64) -> [UInt8] {
      withUnsafeBytes(of: date.bigEndian) { Array($0.dropFirst(2)) } + Array(id.utf8)
    }
    try replace(entry(expiry.milliseconds), with: entry(1))
    for days in [1.0, 2, 1] {
      keystore.clock.advance(days: days)
      _ = try? keystore.reopened().createKey()
    }
    #expect(try keystore.reopened().decrypt(blob) == "text")
  }
}
