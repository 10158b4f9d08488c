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
    try service.fillEveryTable(key: key)
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
}
