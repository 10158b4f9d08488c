import Foundation
import GRDB
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// One keystore is one file in one place, whatever name leads to it and whatever files are beside
/// it.
@Suite struct KeystoreFileTests {
  let directory: TemporaryDirectory
  var path: FilePath { directory.path.appending("keystore.db") }

  init() throws {
    directory = try TemporaryDirectory()
    _ = try Keystore.create(at: path, protector: .none)
  }

  func service(at path: FilePath) throws -> KeyService {
    try KeyService(try Keystore(at: path), secrets: TestSecrets())
  }

  func put(_ bytes: [UInt8], at name: String) throws -> FilePath {
    let path = directory.path.appending(name)
    try write(bytes, to: path)
    return path
  }

  // MARK: Names

  /// The log and SQLite's files are beside the real file.
  @Test(arguments: ["absolute", "relative", "of a link"]) func aLinkLeadsToTheOneStore(
    kind: String
  ) throws {
    let elsewhere = directory.path.appending("elsewhere")
    mkdir(elsewhere.string, 0o700)
    let link = elsewhere.appending("link.db")
    switch kind {
    case "absolute": symlink(path.string, link.string)
    case "relative": symlink("../keystore.db", link.string)
    default:
      symlink("../other.db", link.string)
      symlink("keystore.db", directory.path.appending("other.db").string)
    }
    try service(at: path).createKey(alias: "alias/a")
    let linked = try service(at: link)
    #expect(linked.keystore.path == FilePath(realPath(path)))
    try linked.createKey(alias: "alias/b")
    try linked.host.trail()?.flush()
    _ = try service(at: path).encrypt("x", under: "alias/b")
    #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere.string) == ["link.db"])
    for name in [path, link] {
      let check = try service(at: name).check()
      #expect(check.damage.isEmpty && check.auditRecords == 3)
    }
    // A backup does not replace the file that it copies, nor the link to it.
    for target in [link, path] {
      #expect(throws: KeystoreBackupError.keystoreItself(target)) {
        try Keystore(at: link).backup(to: target, replacing: true)
      }
    }
  }

  func realPath(_ path: FilePath) -> String {
    URL(fileURLWithPath: path.string).resolvingSymlinksInPath().path
  }

  /// The directory of the real file decides with whom a keystore is shared.
  @Test func theRealDirectoryDecidesWhoMayRead() throws {
    let shared = directory.path.appending("shared")
    mkdir(shared.string, 0o700)
    chmod(shared.string, 0o2770)
    let link = shared.appending("link.db")
    symlink(path.string, link.string)
    chmod(path.string, 0o660)
    let real = FilePath(realPath(path))
    #expect(throws: KeystoreError.loosePermissions(real, permissions: 0o660)) {
      try Keystore(at: link)
    }
  }

  @Test func aLinkToNothingIsNoStore() throws {
    let link = directory.path.appending("link.db")
    symlink("nothing.db", link.string)
    #expect(throws: KeystoreError.missing(link)) { try Keystore(at: link) }
    symlink("circle", directory.path.appending("circle").string)
    #expect(throws: KeystoreError.missing(directory.path.appending("circle"))) {
      try Keystore(at: directory.path.appending("circle"))
    }
  }

  /// Names that SQLite would interpret as something else.
  @Test(arguments: ["file:keystore.db?immutable=1", "file:other.db", ":memory:"])
  func aNameIsAName(name: String) throws {
    let other = directory.path.appending(name)
    rename(path.string, other.string)
    try service(at: other).createKey()
    #expect(try service(at: other).listKeys().count == 1)
    #expect(directory.names == [name, name + "-audit"].sorted())
  }

  @Test func aStoreWithTwoNamesIsRefusedAndCopied() throws {
    try service(at: path).createKey(alias: "alias/a")
    let snapshot = directory.path.appending("snapshot.db")
    link(path.string, snapshot.string)
    let before = try contents(path)
    for name in [path, snapshot] {
      #expect(throws: KeystoreFileError.severalNames(name, count: 2)) { try Keystore(at: name) }
    }
    let copy = directory.path.appending("copy.db")
    try Keystore(copying: snapshot).backup(to: copy)
    #expect(try service(at: copy).listKeys().count == 1)
    #expect(try contents(path) == before)
    // An older copy of a snapshot is replaced. Its other name keeps the old contents.
    let second = directory.path.appending("second.db")
    link(copy.string, second.string)
    unlink(snapshot.string)
    try service(at: path).createKey()
    try Keystore(at: path).backup(to: copy, replacing: true)
    #expect(try service(at: copy).listKeys().count == 2)
    #expect(try service(at: second).listKeys().count == 1)
  }

  /// The state after 0.2.0 was killed while a keystore had two names.
  @Test func aSecondNameThatWasLeftIsRemoved() throws {
    let left = directory.path.appending(".keystore-0123456789ab.tmp")
    link(path.string, left.string)
    #expect(throws: Never.self) { try Keystore(at: path) }
    #expect(directory.names == ["keystore.db"])
  }

  // MARK: Write-ahead logs

  @Test func walModeIsRefused() throws {
    try DatabaseQueue(path: path.string).writeWithoutTransaction {
      try $0.execute(sql: "PRAGMA journal_mode = WAL")
    }
    let before = try contents(path)
    for readOnly in [false, true] {
      #expect(throws: KeystoreFileError.writeAheadLog(path)) {
        try Keystore(at: path, readOnly: readOnly)
      }
    }
    // SQLite has not changed the file.
    #expect(try contents(path) == before)
    #expect(directory.names == ["keystore.db"])
    try DatabaseQueue(path: path.string).writeWithoutTransaction {
      try $0.execute(sql: "PRAGMA journal_mode = DELETE")
    }
    #expect(throws: Never.self) { try service(at: path).createKey() }
  }

  /// A write-ahead log that another file left, or an empty one. SQLite looks for a write-ahead log
  /// in any case.
  @Test(arguments: [0, 4096]) func aStrayLogIsRefused(size: Int) throws {
    let stray = try put(patternBytes(size), at: "keystore.db-wal")
    #expect(throws: KeystoreFileError.strayWriteAheadLog(stray, keystore: path)) {
      try Keystore(at: path)
    }
    #expect(try contents(stray) == patternBytes(size))
    unlink(stray.string)
    symlink("nowhere", stray.string)
    #expect(throws: KeystoreFileError.strayWriteAheadLog(stray, keystore: path)) {
      try Keystore(at: path)
    }
  }

  /// Bug: after a restore, SQLite applied the log of the previous file to the restored file.
  @Test(arguments: ["-wal", "-shm", "-journal"]) func nothingIsPlacedUponStrays(
    ending: String
  ) throws {
    let stray = try put(patternBytes(4096), at: "copy.db" + ending)
    let copy = directory.path.appending("copy.db")
    #expect(throws: KeystoreError.journal(stray)) { try Keystore(at: path).backup(to: copy) }
    #expect(throws: KeystoreError.journal(stray)) {
      try Keystore.create(at: copy, protector: .none)
    }
    #expect(directory.names == ["copy.db" + ending, "keystore.db"].sorted())
    #expect(try contents(stray) == patternBytes(4096))
  }

  // MARK: Journals

  /// If a journal names a super-journal, SQLite deletes the file of that name.
  @Test func aJournalThatNamesAFileIsRefused() throws {
    let mark: [UInt8] = [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7]
    let victim = try put(Array("precious".utf8), at: "precious")
    let name = Array(victim.string.utf8)
    let sum = name.reduce(UInt32(0)) { $0 &+ UInt32($1) }
    func big(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
    // A header with nothing to roll back, followed by the name.
    let size = UInt32(try contents(path).count / 4096)
    var header = mark + big(0) + big(0) + big(size) + big(512) + big(4096)
    header += [UInt8](repeating: 0, count: 512 - header.count)
    let journal = try put(
      header + big(0x4000_0000 / 4096 + 1) + name + big(UInt32(name.count)) + big(sum) + mark,
      at: "keystore.db-journal")
    #expect(throws: KeystoreFileError.foreignJournal(journal)) { try Keystore(at: path) }
    #expect(try contents(victim) == Array("precious".utf8))
    // This is what would have happened.
    try DatabaseQueue(path: path.string).writeWithoutTransaction {
      try $0.execute(sql: "PRAGMA user_version = 1")
    }
    #expect(try FileStatus.at(victim) == nil)
  }

  @Test func whatIsNotAFileIsNoJournal() throws {
    let journal = directory.path.appending("keystore.db-journal")
    for make in [
      { mkfifo(journal.string, 0o600) }, { symlink("nowhere", journal.string) },
      { mkdir(journal.string, 0o700) },
    ] {
      #expect(make() == 0)
      #expect(throws: KeystoreFileError.foreignJournal(journal)) { try Keystore(at: path) }
      remove(journal.string)
    }
  }

  /// A change that a killed process did not finish is still rolled back.
  @Test func aJournalOfOursIsRolledBack() throws {
    try service(at: path).createKey(alias: "alias/a")
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let queue = try DatabaseQueue(path: path.string, configuration: configuration)
    let (half, journal) = try queue.writeWithoutTransaction { db in
      try db.execute(
        sql: """
          PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE;
          UPDATE masterKey SET description = hex(zeroblob(20000));
          UPDATE alias SET creationDate = 7;
          """)
      return (try contents(path), try contents(FilePath(path.string + "-journal")))
    }
    try queue.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    try queue.close()
    try write(half, to: path)
    chmod(path.string, 0o600)
    _ = try put(journal, at: "keystore.db-journal")
    #expect(try service(at: path).check().damage.isEmpty)
    #expect(directory.names == ["keystore.db", "keystore.db-audit"])
  }
}
