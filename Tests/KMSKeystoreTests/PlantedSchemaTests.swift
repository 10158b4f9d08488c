import Foundation
import GRDB
import SystemPackage
import Testing

@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// Any addition or change to the schema is refused by name before it can run.
@Suite struct PlantedSchemaTests {
  let directory: TemporaryDirectory
  var path: FilePath { directory.path.appending("keystore.db") }

  init() throws {
    directory = try TemporaryDirectory()
    _ = try Keystore.create(at: path, protector: .none) {
      try KeyService($0, secrets: TestSecrets()).createKey(alias: "alias/a")
    }
  }

  /// Runs statements as anybody who can write the file could.
  func plant(_ sql: String, in path: FilePath? = nil) throws {
    var configuration = Configuration()
    configuration.acceptsDoubleQuotedStringLiterals = true
    configuration.foreignKeysEnabled = false
    let queue = try DatabaseQueue(path: (path ?? self.path).string, configuration: configuration)
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    try queue.close()
  }

  func strangers(_ body: () throws -> Void) throws -> [SchemaStranger] {
    let error = #expect(throws: KeystoreFileError.self) { try body() }
    guard case .strangers(_, let strangers)? = error else {
      Issue.record("\(String(describing: error))")
      return []
    }
    return strangers
  }

  static let planted: [(sql: String, kind: String, name: String, fault: SchemaStranger.Fault)] = [
    ("CREATE TRIGGER t AFTER UPDATE ON masterKey BEGIN SELECT 1; END", "trigger", "t", .unknown),
    ("CREATE VIEW v AS SELECT * FROM masterKey", "view", "v", .unknown),
    ("CREATE TABLE zz (a)", "table", "zz", .unknown),
    ("CREATE TABLE \"it's\" (a)", "table", "it's", .unknown),
    ("CREATE INDEX i ON masterKey (upper(state))", "index", "i", .unknown),
    ("CREATE UNIQUE INDEX u ON alias (targetKeyID)", "index", "u", .unknown),
    ("CREATE VIRTUAL TABLE f USING fts5(a)", "table", "f", .unknown),
    ("ANALYZE", "table", "sqlite_stat1", .unknown),
    ("CREATE TABLE n (a INTEGER PRIMARY KEY AUTOINCREMENT)", "table", "sqlite_sequence", .unknown),
    ("ALTER TABLE masterKey ADD COLUMN x INTEGER", "table", "masterKey", .altered),
    (
      "ALTER TABLE masterKey ADD COLUMN g TEXT AS (upper(state)) VIRTUAL", "table", "masterKey",
      .altered
    ),
    (
      edit(
        "UPDATE sqlite_schema SET sql = replace(sql, 'usage TEXT NOT NULL', 'usage TEXT NOT NULL DEFAULT (hex(randomblob(8)))')"
      ),
      "table", "masterKey", .altered
    ),
    (
      "ALTER TABLE alias ADD COLUMN c TEXT CHECK (c <> name)", "table", "alias", .altered
    ),
    ("ALTER TABLE tag RENAME TO labels", "table", "tag", .missing),
    ("ALTER TABLE tag RENAME COLUMN tagValue TO value", "table", "tag", .altered),
    ("DROP INDEX aliasByTarget", "index", "aliasByTarget", .missing),
    ("DROP TABLE ledger", "table", "ledger", .missing),
    ("DROP TABLE grdb_migrations", "table", "grdb_migrations", .missing),
    (
      "DROP INDEX aliasByTarget; CREATE INDEX aliasByTarget ON tag (tagValue)", "index",
      "aliasByTarget", .altered
    ),
    (
      "DROP INDEX aliasByTarget; CREATE INDEX aliasByTarget ON alias (targetKeyID) WHERE true",
      "index", "aliasByTarget", .altered
    ),
    (
      "DROP TABLE tag; CREATE VIEW tag AS SELECT 1 AS keyID", "table", "tag", .missing
    ),
    // Edits of the schema table itself, including definitions that SQLite would refuse, which shows
    // that SQLite did not parse them.
    (
      edit("UPDATE sqlite_schema SET sql = replace(sql, 'state TEXT', 'state TEXT CHECK (1)')"),
      "table", "masterKey", .altered
    ),
    (
      edit("UPDATE sqlite_schema SET sql = sql || ' ' WHERE name = 'tag'"), "table", "tag", .altered
    ),
    (
      edit("UPDATE sqlite_schema SET sql = 'CREATE TABLE tag (' WHERE name = 'tag'"), "table",
      "tag", .altered
    ),
    (edit("UPDATE sqlite_schema SET sql = NULL WHERE name = 'tag'"), "table", "tag", .altered),
    // Root pages that are not integers, and one that two tables have.
    (
      edit("UPDATE sqlite_schema SET rootpage = '000' || rootpage || x'00' WHERE name = 'tag'"),
      "table", "tag", .altered
    ),
    (
      edit("UPDATE sqlite_schema SET rootpage = CAST(rootpage AS BLOB) WHERE name = 'tag'"),
      "table", "tag", .altered
    ),
    (edit("UPDATE sqlite_schema SET rootpage = 2.5 WHERE name = 'tag'"), "table", "tag", .altered),
    (edit("UPDATE sqlite_schema SET rootpage = 0 WHERE name = 'tag'"), "table", "tag", .altered),
    (edit("UPDATE sqlite_schema SET rootpage = 1 WHERE name = 'tag'"), "table", "tag", .altered),
    (edit("UPDATE sqlite_schema SET rootpage = -9 WHERE name = 'tag'"), "table", "tag", .altered),
    (
      edit("UPDATE sqlite_schema SET rootpage = 4294967300 WHERE name = 'tag'"), "table", "tag",
      .altered
    ),
    (
      edit(
        "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'alias') WHERE name = 'tag'"
      ),
      "table", "tag", .altered
    ),
    (
      edit("UPDATE sqlite_schema SET name = name || x'00' WHERE name = 'tag'"), "table",
      "tag\0", .unknown
    ),
    (
      edit("UPDATE sqlite_schema SET name = CAST(name AS BLOB) WHERE name = 'tag'"), "table", "?",
      .unknown
    ),
    (
      edit("UPDATE sqlite_schema SET tbl_name = 'alias' WHERE name = 'tag'"), "table", "tag",
      .altered
    ),
    (
      edit("UPDATE sqlite_schema SET type = 'TABLE' WHERE name = 'tag'"), "TABLE", "tag", .entangled
    ),
    (edit("UPDATE sqlite_schema SET name = 'TAG' WHERE name = 'tag'"), "table", "TAG", .entangled),
    (
      edit(
        "INSERT INTO sqlite_schema SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema WHERE name = 'tag'"
      ),
      "table", "tag", .entangled
    ),
    (
      edit(
        "INSERT INTO sqlite_schema SELECT type, 'zz', 'zz', rootpage, 'CREATE TABLE zz (a)' FROM sqlite_schema WHERE name = 'tag'"
      ),
      "table", "zz", .entangled
    ),
    (
      edit(
        "INSERT INTO sqlite_schema VALUES ('table', 'sqlite_stat1', 'sqlite_stat1', 3, 'CREATE TABLE sqlite_stat1(tbl, idx, stat AS (abs(tbl)))')"
      ),
      "table", "sqlite_stat1", .entangled
    ),
    (
      edit("INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_x', 'alias', 0, 'garbage')"),
      "trigger", "sqlite_x", .unknown
    ),
    (
      edit(
        "INSERT INTO sqlite_schema VALUES ('index', 'sqlite_autoindex_alias_1', 'alias', 4, NULL)"),
      "index", "sqlite_autoindex_alias_1", .entangled
    ),
    (
      edit("INSERT INTO sqlite_schema VALUES (NULL, NULL, NULL, NULL, NULL)"), "?", "?", .unknown
    ),
    (
      edit(
        "INSERT INTO sqlite_schema VALUES ('view', 'long', 'long', 0, 'x' || hex(zeroblob(100000)))"
      ),
      "view", "long", .unknown
    ),
  ]

  private static func edit(_ sql: String) -> String { "PRAGMA writable_schema = ON; " + sql }

  @Test(arguments: planted.indices) func whatIsPlantedIsNamed(index: Int) throws {
    let (sql, kind, name, fault) = Self.planted[index]
    try plant(sql)
    let wanted = SchemaStranger(fault: fault, kind: kind, name: name)
    for readOnly in [false, true] {
      let found = try strangers { _ = try Keystore(at: path, readOnly: readOnly) }
      #expect(found.contains(wanted), "\(found)")
    }
    // The file is not copied either, and not replaced.
    #expect(try strangers { _ = try Keystore(copying: path) }.contains(wanted))
    #expect(directory.names.filter { $0.hasPrefix("keystore.db-") } == ["keystore.db-audit"])
  }

  /// A keystore of 0.1.0, including one that is migrated in memory.
  @Test(arguments: [false, true]) func anOlderStoreIsComparedBeforeItIsMigrated(
    readOnly: Bool
  ) throws {
    let old = SchemaTests.fixture.appendingPathComponent("keystore.db")
    try write(Array(try Data(contentsOf: old)), to: path)
    chmod(path.string, 0o600)
    try plant("CREATE TRIGGER t BEFORE INSERT ON grdb_migrations BEGIN SELECT 1; END")
    let before = try contents(path)
    #expect(
      try strangers { _ = try Keystore(at: path, readOnly: readOnly) }
        == [SchemaStranger(fault: .unknown, kind: "trigger", name: "t")])
    #expect(try contents(path) == before)
  }

  /// Tables of a later version do not belong in an older keystore.
  @Test func anOlderStoreHasNothingOfALaterOne() throws {
    let labels = SchemaStranger(fault: .altered, kind: "table", name: "protector")
    try plant("DELETE FROM grdb_migrations WHERE identifier LIKE '6%'")
    #expect(try strangers { _ = try Keystore(at: path) } == [labels])
    try plant("DELETE FROM grdb_migrations WHERE identifier LIKE '5%'")
    #expect(
      try strangers { _ = try Keystore(at: path) } == [
        labels,
        SchemaStranger(fault: .unknown, kind: "index", name: "masterKeyByRotationStart"),
      ])
    try plant("DELETE FROM grdb_migrations WHERE identifier LIKE '4%'")
    let found = try strangers { _ = try Keystore(at: path) }.filter { $0.fault == .altered }
    #expect(found.map(\.name) == ["keystore", "protector", "masterKey", "keyVersion"])
    try plant("DELETE FROM grdb_migrations WHERE identifier LIKE '2%'")
    #expect(throws: KeystoreError.notAKeystore(path, "a step of its schema is missing")) {
      try Keystore(at: path)
    }
    try plant("DELETE FROM grdb_migrations")
    #expect(throws: KeystoreError.notAKeystore(path, "a step of its schema is missing")) {
      try Keystore(at: path)
    }
  }

  /// An open connection notices a change to the schema before its next transaction.
  @Test func whatIsPlantedMeanwhileIsNamed() throws {
    let store = try Keystore(at: path)
    let service = try KeyService(store, secrets: TestSecrets())
    try service.createKey()
    try plant("CREATE TRIGGER t AFTER UPDATE ON masterKey BEGIN SELECT 1; END")
    let wanted = [SchemaStranger(fault: .unknown, kind: "trigger", name: "t")]
    #expect(try strangers { try store.read { _ in } } == wanted)
    #expect(try strangers { try store.write { _ in } } == wanted)
    #expect(try strangers { try store.backup(to: directory.path.appending("b")) } == wanted)
    try plant("DROP TRIGGER t")
    #expect(throws: Never.self) { try service.createKey() }
    // A change that does not touch the schema's text is harmless.
    try plant("VACUUM")
    #expect(throws: Never.self) { try service.createKey() }
    #expect(directory.names == ["keystore.db", "keystore.db-audit"])
  }

  @Test func anOldBackupWithAStrangerIsNotReplaced() throws {
    let copy = directory.path.appending("copy.db")
    try Keystore(at: path).backup(to: copy)
    try plant("CREATE TABLE mine (a); INSERT INTO mine VALUES (1)", in: copy)
    let before = try contents(copy)
    #expect(
      try strangers { try Keystore(at: path).backup(to: copy, replacing: true) }.map(\.name)
        == ["mine"])
    #expect(try contents(copy) == before)
  }

  /// SQLite's own tools may reorganize a file. The text of the schema stays the same.
  @Test(arguments: [
    "VACUUM", "REINDEX", "PRAGMA page_size = 512; VACUUM", "PRAGMA page_size = 65536; VACUUM",
    "PRAGMA auto_vacuum = 1; VACUUM", "PRAGMA auto_vacuum = 2; VACUUM", "PRAGMA user_version = 9",
    "PRAGMA legacy_file_format = 1; VACUUM", "ANALYZE; DROP TABLE sqlite_stat1",
    "CREATE TABLE zz (a); DROP TABLE zz",
  ])
  func theSameSchemaOtherwiseKeptOpens(sql: String) throws {
    try plant(sql)
    let service = try KeyService(try Keystore(at: path), secrets: TestSecrets())
    #expect(try service.check().damage.isEmpty)
    #expect(throws: Never.self) { try service.createKey() }
    let copy = directory.path.appending("copy.db")
    try service.keystore.backup(to: copy)
    #expect(try KeyService(try Keystore(at: copy), secrets: TestSecrets()).check().damage.isEmpty)
  }

  /// After every migration step the text that SQLite stores is the text that we compare with.
  @Test func everyStepLeavesOurTexts() throws {
    let queue = try DatabaseQueue()
    for (index, step) in KeystoreSchema.steps.enumerated() {
      try KeystoreSchema.migrator.migrate(queue, upTo: step)
      let stored = try queue.read { db in
        try Row.fetchAll(db, sql: "SELECT type, name, tbl_name, sql FROM sqlite_schema").map {
          "\($0[0] as String) \($0[1] as String) \($0[2] as String) \($0[3] as String? ?? "-")"
        }
      }
      let ours = KeystoreSchema.objects.filter { $0.step <= index + 1 }.map {
        "\($0.kind.rawValue) \($0.name) \($0.table) \($0.text(afterSteps: index + 1) ?? "-")"
      }
      // The migrator's own table comes first, then the objects in the order of their steps.
      #expect(stored == ours)
    }
  }

  // MARK: The rest of the connection

  @Test func aConnectionRunsNothingThatASchemaHas() throws {
    let store = try Keystore(at: path)
    try store.database.writeWithoutTransaction { db in
      func fails(_ sql: String) -> Bool { (try? db.execute(sql: sql)) == nil }
      // Triggers can be created but do not run.
      try db.execute(
        sql: """
          BEGIN; CREATE TABLE zz (a); INSERT INTO zz VALUES (1);
          CREATE TRIGGER t AFTER UPDATE ON zz BEGIN UPDATE zz SET a = 7; END; UPDATE zz SET a = 2;
          """)
      #expect(try Int.fetchOne(db, sql: "SELECT a FROM zz") == 2)
      try db.execute(sql: "CREATE VIEW v AS SELECT 1")
      #expect(fails("SELECT * FROM v"))
      #expect(fails("CREATE TABLE y (a, b AS (load_extension(a)))") || fails("SELECT b FROM y"))
      #expect(fails("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = ''"))
      #expect(fails("ATTACH ':memory:' AS other"))
      try db.execute(sql: "ROLLBACK")
    }
  }

  @Test func textsThatAreNotUTF8AreRefused() throws {
    let other = directory.path.appending("utf16.db")
    try plant(
      "PRAGMA encoding = 'UTF-16le'; PRAGMA application_id = \(KeystoreSchema.applicationID); CREATE TABLE a (b)",
      in: other)
    chmod(other.string, 0o600)
    #expect(throws: KeystoreError.notAKeystore(other, "its text encoding is not UTF-8")) {
      try Keystore(at: other)
    }
  }

  @Test func aSecondRecordOfTheStoreIsRefused() throws {
    try plant(
      "INSERT INTO keystore SELECT 'a', creationDate, authenticationCode, ledger, NULL, NULL FROM keystore"
    )
    #expect(throws: KeystoreError.self) { try Keystore(at: path) }
  }

  /// An index without an entry for a row hides a key from a look-up by ID.
  @Test func aRowThatAnIndexHidesIsNoticed() throws {
    // This table's index and the index of another table, which is empty, change places.
    try plant(
      """
      PRAGMA writable_schema = ON;
      CREATE TEMP TABLE roots AS SELECT name, rootpage FROM sqlite_schema
        WHERE name IN ('keyVersionByExpiry', 'sqlite_autoindex_masterKey_1');
      UPDATE main.sqlite_master SET rootpage =
        (SELECT rootpage FROM roots WHERE roots.name <> sqlite_master.name)
        WHERE name IN (SELECT name FROM roots)
      """)
    let service = try KeyService(try Keystore(at: path), secrets: TestSecrets())
    let damage = try service.check().damage
    #expect(damage.contains { if case .structure = $0 { true } else { false } }, "\(damage)")
  }
}
