import Foundation
import GRDB
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

@Suite struct KeystoreBackupTests {
  let directory: TemporaryDirectory
  var path: FilePath { directory.path.appending("keystore.db") }
  var copy: FilePath { directory.path.appending("copy.db") }
  var copyLog: FilePath { directory.path.appending("copy.db-audit") }

  init() throws { directory = try TemporaryDirectory() }

  @discardableResult
  func create(at path: FilePath? = nil) throws -> Keystore {
    try Keystore.create(at: path ?? self.path, protector: .none)
  }

  func service(at path: FilePath? = nil) throws -> KeyService {
    try KeyService(try Keystore(at: path ?? self.path), secrets: TestSecrets())
  }

  func backup(to copy: FilePath? = nil, replacing: Bool = false) throws {
    try Keystore(at: path).backup(to: copy ?? self.copy, replacing: replacing)
  }

  /// Returns every row of every table, as SQLite quotes it.
  func rows(of path: FilePath) throws -> [String] {
    try DatabaseQueue(path: path.string).read { db in
      var rows: [String] = []
      for table in try String.fetchAll(
        db, sql: "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      {
        for row in try Row.fetchAll(db, sql: "SELECT * FROM \"\(table)\"") {
          rows.append("\(table) \(row)")
        }
      }
      return rows.sorted()
    }
  }

  func checksOut(_ path: FilePath) throws -> KeystoreCheck {
    let check = try service(at: path).check()
    #expect(check.damage.isEmpty)
    return check
  }

  // MARK: The contents of a backup

  @Test func holdsAllThatTheStoreHolds() throws {
    try create()
    let service = try service()
    let key = try service.createKey(description: "first", alias: "alias/a")
    try service.perform(RotateKeyOnDemandRequest(keyID: key.keyID))
    try service.perform(
      TagResourceRequest(keyID: key.keyID, tags: [Tag(tagKey: "a", tagValue: "b")]))
    let blob = try service.encrypt("text", under: "alias/a")
    try service.createKey(spec: .rsa2048)
    #expect(try service.keystore.backup(to: copy).isEmpty)

    #expect(try Keystore(at: copy).id == service.keystore.id)
    #expect(directory.names == ["copy.db", "copy.db-audit", "keystore.db", "keystore.db-audit"])
    #expect(try rows(of: copy) == rows(of: path))
    #expect(try contents(copyLog) == contents(AuditLog.path(beside: path)))
    for name in [copy, copyLog] { #expect(try FileStatus.at(name)?.permissions == 0o600) }
    let check = try checksOut(copy)
    #expect(check.keys == 2)
    #expect(check.versions == 3)
    #expect(check.auditRecords == 5)
    // The keystore is lost and its backup is used instead.
    for name in directory.names where name.hasPrefix("keystore.db") {
      try FileManager.default.removeItem(atPath: directory.path.appending(name).string)
    }
    let restored = try self.service(at: copy)
    #expect(try restored.decrypt(blob) == "text")
    try restored.createKey(alias: "alias/b")
    #expect(try checksOut(copy).keys == 3)
  }

  @Test func needsNoPassphrase() throws {
    _ = try Keystore.create(
      at: path, protector: .passphrase(SecretBytes(Array("correct horse".utf8))))
    let secrets = TestSecrets(passphrase: "correct horse")
    let blob = try {
      let service = try KeyService(try Keystore(at: path), secrets: secrets)
      try service.createKey(alias: "alias/a")
      return try service.encrypt("text", under: "alias/a")
    }()
    try backup()
    let restored = try KeyService(
      try Keystore(at: copy), secrets: TestSecrets(passphrase: "correct horse"))
    #expect(try restored.decrypt(blob) == "text")
    #expect(throws: KeystoreError.wrongPassphrase(copy)) {
      try KeyService(try Keystore(at: copy), secrets: TestSecrets(passphrase: "other")).decrypt(
        blob)
    }
  }

  @Test func aStoreWithoutALogHasABackupWithout() throws {
    try create()
    try backup()
    #expect(directory.names == ["copy.db", "keystore.db"])
    _ = try checksOut(copy)
  }

  /// The original is not changed, and the copy is writable.
  @Test func aReadOnlyStoreIsBackedUp() throws {
    try create()
    try service().createKey(alias: "alias/a")
    let before = try (contents(path), rows(of: path))
    let store = try Keystore(at: path, readOnly: true)
    try store.backup(to: copy)
    #expect(try contents(path) == before.0)
    #expect(try rows(of: copy) == before.1)
    try service(at: copy).createKey(alias: "alias/b")
    _ = try checksOut(copy)
  }

  @Test func anOlderStoreOnAReadOnlyMediumIsBackedUp() throws {
    try write(
      Array(try Data(contentsOf: SchemaTests.fixture.appendingPathComponent("keystore.db"))),
      to: path)
    chmod(path.string, 0o600)
    let before = try contents(path)
    try Keystore(at: path, readOnly: true).backup(to: copy)
    #expect(try contents(path) == before)
    #expect(try checksOut(copy).keys == 3)
  }

  @Test func aGroupsStoreIsCopiedForOneUser() throws {
    try create()
    try service().createKey()
    chmod(directory.path.string, 0o2770)
    for name in directory.names { chmod(directory.path.appending(name).string, 0o660) }
    try backup()
    for name in [copy, copyLog] { #expect(try FileStatus.at(name)?.permissions == 0o600) }
  }

  // MARK: Files that a backup does not replace

  @Test func nothingIsReplacedUnasked() throws {
    try create()
    try backup()
    let before = try contents(copy)
    #expect(throws: KeystoreBackupError.exists(copy)) { try backup() }
    #expect(try contents(copy) == before)
    let link = directory.path.appending("link")
    symlink("nowhere", link.string)
    #expect(throws: KeystoreBackupError.exists(link)) { try backup(to: link) }
    #expect(directory.names == ["copy.db", "keystore.db", "link"])
  }

  @Test func onlyABackupOfTheSameStoreIsReplaced() throws {
    try create()
    try service().createKey()
    try backup()
    try service().createKey()
    try backup(replacing: true)
    #expect(try rows(of: copy) == rows(of: path))
    #expect(try contents(copyLog) == contents(AuditLog.path(beside: path)))

    let names = directory.names
    let other = directory.path.appending("other.db")
    let id = try create(at: other).id
    let text = directory.path.appending("text")
    try write(Array("a letter".utf8), to: text)
    let database = directory.path.appending("database")
    try DatabaseQueue(path: database.string).write { try $0.execute(sql: "CREATE TABLE a (b)") }
    let directoryPath = directory.path.appending("directory")
    mkdir(directoryPath.string, 0o700)
    let link = directory.path.appending("link")
    symlink("copy.db", link.string)
    let files = [other, text, database]
    let before = try files.map(contents)
    #expect(throws: KeystoreBackupError.otherKeystore(other, id: id)) {
      try backup(to: other, replacing: true)
    }
    for name in [text, database] {
      #expect(throws: KeystoreBackupError.notABackup(name)) {
        try backup(to: name, replacing: true)
      }
    }
    for name in [directoryPath, link] {
      #expect(throws: KeystoreBackupError.notARegularFile(name)) {
        try backup(to: name, replacing: true)
      }
    }
    #expect(try files.map(contents) == before)
    #expect(
      Set(directory.names) == Set(names + ["other.db", "text", "database", "directory", "link"]))
  }

  @Test func anEmptyFileIsReplaced() throws {
    try create()
    try write([], to: copy)
    try backup(replacing: true)
    _ = try checksOut(copy)
    #expect(try FileStatus.at(copy)?.permissions == 0o600)
  }

  @Test func theKeystoreItselfIsNeverReplaced() throws {
    let named = directory.path.appending("a-audit")
    try create(at: named)
    let before = try contents(named)
    let store = try Keystore(at: named)
    let hard = directory.path.appending("hard")
    link(named.string, hard.string)
    // A backup named `a` would have its log at the path of the keystore.
    for (path, itself) in [(named, named), (hard, hard), (directory.path.appending("a"), named)] {
      for replacing in [false, true] {
        #expect(throws: KeystoreBackupError.keystoreItself(itself)) {
          try store.backup(to: path, replacing: replacing)
        }
      }
    }
    #expect(try contents(named) == before)
    #expect(directory.names == ["a-audit", "hard"])
  }

  /// SQLite would use or delete a file with such a name, and the audit log would be mixed up. That
  /// holds for this keystore, for any other, and for a new keystore.
  @Test(arguments: [
    "-journal", "-wal", "-shm", "-audit", "-audit.old", "-audit.old.2", "-JOURNAL", "-Audit.Old.17",
  ])
  func theNamesBesideAKeystoreAreReserved(ending: String) throws {
    let other = directory.path.appending("other.db")
    try create()
    try create(at: other)
    for store in [path, other] {
      let name = FilePath(store.string + ending)
      for replacing in [false, true] {
        #expect(throws: FileRuleError.reserved(name)) {
          try backup(to: name, replacing: replacing)
        }
      }
      #expect(throws: FileRuleError.reserved(name)) { try create(at: name) }
    }
    #expect(directory.names == ["keystore.db", "other.db"])
    // Another name is free, even if it looks similar.
    try backup(to: FilePath(path.string + "-audit.old.x"))
    try backup(to: directory.path.appending("new.db\(ending)"))
  }

  /// Bug: a keystore with a byte after its last page was replaced by an output.
  @Test func aKeystoreWithMoreBytesIsNoOutput() throws {
    try create()
    try write(contents(path) + [0], to: path)
    let place = try KeystorePlace(path).filePlace
    #expect(throws: FileRuleError.reserved(path)) {
      try KeystoreFiles(of: nil).check(place, existing: place.status())
    }
  }

  /// The keystore to whose files the name belongs may be created after the first check.
  @Test func theNamesAreCheckedAgain() throws {
    let journal = FilePath(path.string + "-audit.old")
    #expect(throws: FileRuleError.reserved(journal)) {
      try Keystore.create(at: journal, protector: .none) { _ in try create() }
    }
    #expect(directory.names == ["keystore.db"])
  }

  @Test func aHiddenNameIsNotForAKeystore() throws {
    try create()
    let name = directory.path.appending(".keystore-0123456789ab.tmp-audit")
    #expect(throws: FileRuleError.unfinishedName(name)) { try backup(to: name) }
    #expect(throws: FileRuleError.unfinishedName(name)) { try create(at: name) }
    #expect(directory.names == ["keystore.db"])
  }

  /// SQLite would apply this journal to the copy as soon as the copy is opened.
  @Test func aJournalThatIsThereIsNotApplied() throws {
    try create()
    let journal = directory.path.appending("copy.db-journal")
    try write(patternBytes(512), to: journal)
    #expect(throws: KeystoreError.journal(journal)) { try backup() }
    let names = ["copy.db-journal", "keystore.db"]
    #expect(directory.names == names)
    #expect(throws: KeystoreError.journal(journal)) { try create(at: copy) }
    #expect(directory.names == names)
  }

  @Test func whereItCannotBeWrittenNothingIsLeft() throws {
    try create()
    let missing = directory.path.appending("missing")
    #expect(throws: FileRuleError.noDirectory(missing)) {
      try backup(to: missing.appending("copy.db"))
    }
    #expect(directory.names == ["keystore.db"])
  }

  @Test func aDamagedStoreDoesNotReplaceABackup() throws {
    try create()
    for _ in 0..<40 { try service().createKey() }
    try backup()
    let before = try contents(copy)
    let size = try #require(try FileStatus.at(path)).size
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path.string))
    try file.seek(toOffset: UInt64(size / 4096 / 2 * 4096))
    try file.write(contentsOf: Data(repeating: 0xFF, count: 4096))
    try file.close()
    #expect(throws: KeystoreError.unreadable(path)) { try backup(replacing: true) }
    #expect(try contents(copy) == before)
    #expect(!directory.names.contains { $0.hasPrefix(".") })
  }

  // MARK: Under load

  /// Every backup contains a state that the keystore had. It has the first keys of each writer
  /// without a gap, and at least those of the backup before.
  @Test func backupsAmongWritersHoldStatesThatWere() async throws {
    try create()
    let (path, place) = (path, directory.path)
    let count = 12
    let backups = try await withThrowingTaskGroup(of: [FilePath].self) { group in
      for writer in 0..<4 {
        group.addTask {
          for number in 0..<count {
            let service = try KeyService(try Keystore(at: path), secrets: TestSecrets())
            try service.createKey(alias: "alias/\(writer)/\(number)")
            _ = try service.encrypt("text", under: "alias/\(writer)/0")
          }
          return []
        }
      }
      for reader in 0..<2 {
        group.addTask {
          try (0..<8).map { number in
            let copy = place.appending("copy\(reader).\(number)")
            try Keystore(at: path).backup(to: copy)
            return copy
          }
        }
      }
      // All of these have the same name. The last one is complete.
      for _ in 0..<2 {
        group.addTask {
          for _ in 0..<4 {
            try Keystore(at: path).backup(to: place.appending("one"), replacing: true)
          }
          return [place.appending("one")]
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(backups.count == 18)
    var before: [String: Int] = [:]
    for copy in backups {
      let aliases = Set(try service(at: copy).listAliases().map(\.aliasName))
      #expect(try checksOut(copy).keys == aliases.count)
      for writer in 0..<4 {
        let made = (0..<count).filter { aliases.contains("alias/\(writer)/\($0)") }
        #expect(made == Array(0..<made.count))
        guard let reader = copy.lastComponent?.stem, reader.hasPrefix("copy") else { continue }
        let name = "\(reader) \(writer)"
        #expect(made.count >= before[name, default: 0])
        before[name] = made.count
      }
    }
  }
}
