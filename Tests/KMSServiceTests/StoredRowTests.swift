import Foundation
import GRDB
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSPolicy
@testable import KMSService
@testable import KMSTemplates
@testable import TestSupport

/// Rows that SQLite and envcrypt could read differently, rows that belong to nothing, and indexes
/// that lead to the wrong row. Each is named by `check`, and none is used.
@Suite struct StoredRowTests {
  let keystore: TestKeystore
  var service: KeyService { keystore.service }
  var path: FilePath { service.keystore.path }
  let key: String
  let other: String

  static let tables = [
    "masterKey", "keyVersion", "alias", "tag", "keyPolicy", "keyGrant", "stack", "auditAnchor",
    "ledger", "keystore", "protector",
  ]

  init() throws {
    keystore = try TestKeystore()
    key = try keystore.service.createKey(alias: "alias/a").keyID
    other = try keystore.service.createKey(alias: "alias/b").keyID
    try service.perform(TagResourceRequest(keyID: key, tags: [Tag(tagKey: "a", tagValue: "b")]))
    try service.perform(
      PutKeyPolicyRequest(
        keyID: key, policy: KeyPolicy.defaultPolicy.text, bypassPolicyLockoutSafetyCheck: true))
    try service.perform(
      CreateGrantRequest(
        keyID: key, granteePrincipal: "arn:aws:iam::000000000000:user/b", operations: [.decrypt]))
    let template = "Resources: {Key: {Type: AWS::KMS::Key, Properties: {}}}"
    _ = try service.applyStack(
      StackRequest(template: try Template(parsing: Array(template.utf8)), stackName: "s"))
    try service.host.trail()?.flush()
  }

  func byHand(_ sql: String) throws {
    let queue = try TestKeystore.byHand(path)
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    try queue.close()
  }

  func damage() throws -> [KeystoreDamage] { try keystore.reopened().check().damage }

  /// Edits one column of one row. Values of any storage class are possible: while the row is
  /// edited, the tables are not strict.
  func edit(_ table: String, _ column: String, _ value: String) throws {
    let first = try columns(of: table)[0].name
    let strict = try TestKeystore.byHand(path).read {
      try String.fetchOne(
        $0, sql: "SELECT sql FROM sqlite_schema WHERE name = ?", arguments: [table])!
    }
    let loose = strict.replacing(" STRICT,", with: "").replacing(" STRICT", with: "")
    func replace(_ text: String) -> String {
      """
      PRAGMA writable_schema = ON;
      UPDATE sqlite_schema SET sql = '\(text.replacing("'", with: "''"))' WHERE name = '\(table)';
      """
    }
    try byHand(replace(loose))
    try byHand(
      """
      UPDATE \(table) SET \(column) = \(value)
      WHERE \(first) = (SELECT max(\(first)) FROM \(table))
      """)
    try byHand(replace(strict))
  }

  func columns(of table: String) throws -> [(name: String, type: String)] {
    try TestKeystore.byHand(path).read { db in
      try Row.fetchAll(db, sql: "PRAGMA table_info(\(table))").map { ($0["name"], $0["type"]) }
    }
  }

  /// Expects that a check names something, or that the store does not open at all.
  func expectDamage(_ table: String, _ what: String) throws {
    do {
      let damage = try damage()
      #expect(!damage.isEmpty, "\(table) \(what)")
      #expect(damage.allSatisfy { if case .audit = $0 { false } else { true } })
    } catch is KeystoreError {
      // Without its own record or a protector the keystore does not open.
      #expect(["keystore", "protector"].contains(table), "\(table) \(what)")
    }
  }

  // MARK: Values

  static let edits = [
    "a NUL at the end": "CAST(ifnull(COLUMN, 'x') || x'00' AS TEXT)",
    "a NUL and more": "CAST(ifnull(COLUMN, 'x') || x'0079' AS TEXT)",
    "not UTF-8": "CAST(ifnull(COLUMN, 'x') || x'ff' AS TEXT)",
    "nothing but a NUL": "CAST(x'00' AS TEXT)",
  ]

  /// Bug: GRDB reads a text up to its first NUL, and repairs what is not UTF-8, so that the code of
  /// the record was right although SQLite compares other bytes.
  @Test(arguments: tables) func everyByteOfATextCounts(table: String) throws {
    let whole = try contents(path)
    for column in try columns(of: table) where column.type == "TEXT" {
      for (name, value) in Self.edits {
        try write(whole, to: path)
        try edit(table, column.name, value.replacing("COLUMN", with: column.name))
        try expectDamage(table, "\(column.name) \(name)")
      }
    }
  }

  /// The bytes stay the same, but the storage class changes.
  @Test(arguments: tables) func theStorageClassCounts(table: String) throws {
    let whole = try contents(path)
    for column in try columns(of: table) {
      if (table, column.name) == ("auditAnchor", "id") { continue }
      let name = column.name
      let values =
        switch column.type {
        case "TEXT": ["CAST(ifnull(\(name), 'x') AS BLOB)", "1.5"]
        case "BLOB": ["CAST(ifnull(\(name), 'x') AS TEXT)", "7"]
        default: ["CAST(ifnull(\(name), 1) AS BLOB)", "1.5", "'x'"]
        }
      for value in values {
        try write(whole, to: path)
        // The value may be of the class that the column's affinity prefers.
        try edit(table, name, value)
        let isOther = try TestKeystore.byHand(path).read {
          try Bool.fetchOne(
            $0,
            sql: """
              SELECT count(*) FROM \(table)
              WHERE typeof(\(name)) NOT IN ('null', '\(column.type.lowercased())')
              """)!
        }
        if isOther { try expectDamage(table, "\(name) = \(value)") }
      }
    }
  }

  /// Extreme values are shown or refused, but do not crash the program.
  @Test(arguments: [Int64.max, Int64.min, -1])
  func extremeNumbersAreHarmless(number: Int64) throws {
    let whole = try contents(path)
    for table in ["masterKey", "keyVersion", "alias", "keyGrant", "stack", "protector"] {
      for column in try columns(of: table) where column.type == "INTEGER" {
        try write(whole, to: path)
        try byHand("UPDATE OR REPLACE \(table) SET \(column.name) = \(number)")
        try expectDamage(table, column.name)
        let locked = try Keystore(at: path)
        // Nobody has unlocked it, so no code is verified.
        _ = try? locked.protectors()
        _ = try? locked.view { view in
          for key in try view.masterKeys() {
            _ = key.asOf(keystore.clock.now.milliseconds)
            _ = try view.versions(ofKey: key.id)
          }
        }
        // Every command that writes looks at the dates.
        _ = try? keystore.reopened().createKey()
      }
    }
  }

  /// A row whose name has a NUL and more bytes after the right name: SQL treats the two rows as
  /// different, and GRDB used to read them as the same.
  @Test func aTwinIsNamedAndNotUsed() throws {
    try byHand(
      """
      INSERT INTO alias SELECT name || x'0079', targetKeyID, creationDate, lastUpdatedDate,
        authenticationCode FROM alias WHERE name = 'alias/a'
      """)
    #expect(try damage() == [.edited("record 'alias/a' of table alias")])
    let service = try keystore.reopened()
    #expect(throws: KeystoreError.editedRecord("record 'alias/a' of table alias")) {
      try service.perform(ListAliasesRequest())
    }
    // A policy may depend on the aliases of the key, so the key is not used until this is repaired.
    #expect(throws: KeystoreError.editedRecord("record 'alias/a' of table alias")) {
      try service.encrypt("x", under: "alias/a")
    }
    #expect(throws: KeyServiceError.self) { try service.encrypt("x", under: "alias/a\0y") }
  }

  /// The row of a key from before it was disabled, under an ID with a NUL.
  @Test func aTwinOfAKeyEnablesNothing() throws {
    let blob = try service.encrypt("text", under: key)
    let columns = try columns(of: "masterKey").map(\.name)
    try byHand(
      """
      INSERT INTO masterKey SELECT CAST(id || x'00' AS TEXT), \
      \(columns.dropFirst().joined(separator: ", ")) FROM masterKey WHERE id = '\(key)'
      """)
    try service.perform(DisableKeyRequest(keyID: key))
    #expect(throws: KeyServiceError.disabled(keyID: key)) { try keystore.reopened().decrypt(blob) }
    #expect(try damage() == [.edited("record '\(key)' of table masterKey")])
  }

  /// A key that is due but cannot be read does not prevent the destruction or rotation of other
  /// keys.
  @Test func anUnreadableKeyHindersNoOther() throws {
    for id in [key, other] {
      try service.perform(ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: 7))
    }
    try byHand(
      "UPDATE masterKey SET description = CAST(x'00' AS TEXT) WHERE id = '\(key)'")
    for days in [7.0, 1] {
      keystore.clock.advance(days: days)
      try keystore.reopened().createKey()
    }
    let left = try TestKeystore.byHand(path).read {
      try String.fetchAll($0, sql: "SELECT id FROM masterKey WHERE state = 'PendingDeletion'")
    }
    #expect(left == [key])
  }

  // MARK: Length

  /// A value that would take hundreds of megabytes is not read into memory.
  @Test(arguments: [
    ("masterKey", "description"), ("keyVersion", "wrappedMaterial"), ("alias", "name"),
    ("tag", "tagValue"), ("keyPolicy", "policy"), ("keyGrant", "constraints"),
    ("stack", "contents"), ("ledger", "entries"),
  ]) func aValueThatIsTooLongIsNamed(table: String, column: String) throws {
    let type = try columns(of: table).first { $0.name == column }!.type
    let zeros = "zeroblob(\(KeystoreConnection.mostBytesOfAValue + 1))"
    try byHand(
      """
      UPDATE \(table) SET \(column) = \(type == "TEXT" ? "CAST(\(zeros) AS TEXT)" : zeros)
      WHERE \(row(of: table))
      """)
    let damage = try damage()
    let name =
      table == "ledger"
      ? "the ledger's bucket \(key.prefix(3))" : "a record of table \(table) that is too long"
    #expect(damage.contains(.edited(name)), "\(damage)")
    if table == "masterKey" {
      #expect(throws: KeystoreError.editedRecord(name)) {
        try keystore.reopened().encrypt("x", under: key)
      }
    }
  }

  private func row(of table: String) -> String {
    switch table {
    case "masterKey": "id = '\(key)'"
    case "ledger": "bucket = '\(key.prefix(3))'"
    case "alias": "name = 'alias/a'"
    case "stack": "name = 's'"
    default: "keyID = '\(key)'"
    }
  }

  @Test func everyConnectionHasLimits() throws {
    func check(_ database: KeystoreDatabase) throws {
      try database.writeWithoutTransaction { db in
        for (limit, value) in KeystoreConnection.limits {
          #expect(KeystoreConnection.limit(limit, of: db) == value, "\(limit)")
        }
        #expect(throws: DatabaseError.self) {
          try db.execute(
            sql: "SELECT zeroblob(\(KeystoreConnection.mostBytesOfAValue + 1))")
        }
      }
    }
    try check(service.keystore.database)
    try check(try KeystoreDatabase())
    let image = try service.keystore.read { try DatabaseImage(copyingFileOf: $0) }
    let copy = try KeystoreDatabase(reading: image, of: path)
    try copy.finishOpening { _, _ in }
    try check(copy)
  }

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
