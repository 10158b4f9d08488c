import Foundation
import GRDB
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// The files beside a keystore that SQLite would use.
extension KeystoreFileTests {
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

  func big(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

  /// Returns the header of a journal without pages.
  func header(pages: UInt32, sector: UInt32 = 512, pageLength: UInt32) -> [UInt8] {
    let head =
      KeystoreJournal.mark + big(0) + big(0) + big(pages) + big(sector) + big(pageLength)
    return head + [UInt8](repeating: 0, count: 512 - head.count)
  }

  func expectRefused(
    _ journal: FilePath, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = try (keystore: contents(path), journal: contents(journal))
    for readOnly in [false, true] {
      #expect(throws: KeystoreFileError.foreignJournal(journal), sourceLocation: sourceLocation) {
        try Keystore(at: path, readOnly: readOnly)
      }
    }
    let after = try (keystore: contents(path), journal: contents(journal))
    #expect(after.keystore == before.keystore, sourceLocation: sourceLocation)
    #expect(after.journal == before.journal, sourceLocation: sourceLocation)
    unlink(journal.string)
  }

  static let sizes: [(pages: UInt32, pageLength: UInt32)] = [
    (.max, 4096), (1 << 31, 65536), (1 << 18, 512), (.max, 0), (1 << 14, 0), (0, 4096),
  ]
  static let unknownSizes: [(sector: UInt32, pageLength: UInt32)] = [
    (512, 256), (512, 5000), (512, 1 << 17), (0, 4096), (16, 4096), (500, 4096),
  ]

  /// SQLite makes the file as large as a journal says, before it looks at the rest of the journal.
  /// It takes the keystore's own page size for 0.
  @Test(arguments: sizes)
  func aJournalThatEnlargesOrEmptiesTheFileIsRefused(pages: UInt32, pageLength: UInt32) throws {
    let header = header(pages: pages, pageLength: pageLength)
    try expectRefused(put(header, at: "keystore.db-journal"))
  }

  /// The size of a sparse journal or keystore does not count, only the space that it takes.
  @Test(arguments: ["keystore.db-journal", "keystore.db"]) func holesDoNotCount(
    name: String
  ) throws {
    let header = header(pages: UInt32.max, pageLength: 4096)
    let journal = try put(header, at: "keystore.db-journal")
    let size: Int64 = 1 << 41
    guard truncate(directory.path.appending(name).string, off_t(size)) == 0 else { return }
    #expect(throws: KeystoreFileError.foreignJournal(journal)) { try Keystore(at: path) }
    #expect(try FileStatus.at(directory.path.appending(name))?.size == size)
  }

  @Test(arguments: unknownSizes)
  func sizesThatSQLiteDoesNotWriteAreRefused(sector: UInt32, pageLength: UInt32) throws {
    let header = header(pages: 1, sector: sector, pageLength: pageLength)
    try expectRefused(put(header, at: "keystore.db-journal"))
  }

  /// Bug: SQLite deleted the file, even if a command only read.
  @Test func whatIsNoJournalIsKept() throws {
    let files = [
      Array("notes".utf8), try contents(path), patternBytes(4096),
      [UInt8](repeating: 0, count: 8) + patternBytes(4096),
    ]
    for file in files { try expectRefused(put(file, at: "keystore.db-journal")) }
  }

  /// A killed process or a power failure leaves such a journal before its header is on the disk.
  @Test(arguments: [0, 1, 8, 27, 28, 512, 4096]) func anUnfinishedJournalIsOurs(
    size: Int
  ) throws {
    let unsynced =
      [UInt8](repeating: 0, count: 12)
      + header(pages: 4, pageLength: 4096).dropFirst(12).prefix(max(0, size - 12))
    for bytes in [[UInt8](repeating: 0, count: size), Array(unsynced.prefix(size))] {
      _ = try put(bytes, at: "keystore.db-journal")
      try service(at: path).createKey()
      #expect(try service(at: path).check().damage.isEmpty)
      #expect(directory.names == ["keystore.db", "keystore.db-audit"])
    }
  }

  /// SQLite would write the pages of another keystore, or of an earlier state, into this one.
  @Test func aJournalOfAnotherDatabaseIsRefused() throws {
    let old = try journalWithPage1()
    for _ in 0..<20 { try service(at: path).createKey() }
    try expectRefused(put(old, at: "keystore.db-journal"))
    // The page 1 of another application.
    var other = try journalWithPage1()
    let start = 512 + 4 + 68
    for index in start..<start + 4 { other[index] ^= 1 }
    try expectRefused(put(other, at: "keystore.db-journal"))
    #expect(try service(at: path).check().damage.isEmpty)
  }

  /// A journal with page 1 of the keystore is the keystore's own.
  @Test func aJournalWithPage1IsRolledBack() throws {
    let before = try Array(contents(path)[28...])
    _ = try put(journalWithPage1(), at: "keystore.db-journal")
    #expect(throws: Never.self) { try Keystore(at: path) }
    #expect(try Array(contents(path)[28...]) == before)
    #expect(directory.names == ["keystore.db"])
  }

  /// Returns a journal that has page 1 of the keystore's file as it is.
  func journalWithPage1() throws -> [UInt8] {
    let file = try contents(path)
    let page = Array(file.prefix(4096))
    var sum: UInt32 = 0
    for index in stride(from: page.count - 200, to: 0, by: -200) { sum &+= UInt32(page[index]) }
    var journal = header(pages: UInt32(file.count / 4096), pageLength: 4096)
    journal.replaceSubrange(8..<12, with: big(1))
    return journal + big(1) + page + big(sum)
  }

  /// If a journal names a super-journal, SQLite deletes the file of that name.
  @Test func aJournalThatNamesAFileIsRefused() throws {
    let mark = KeystoreJournal.mark
    let victim = try put(Array("precious".utf8), at: "precious")
    let name = Array(victim.string.utf8)
    let sum = name.reduce(UInt32(0)) { $0 &+ UInt32($1) }
    // A header with nothing to roll back, followed by the name.
    let header = header(pages: UInt32(try contents(path).count / 4096), pageLength: 4096)
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

  /// Files that others may write to, or that have another name.
  static let foreign: [(make: @Sendable (FilePath) -> Void, fault: JournalFault)] = [
    ({ chmod($0.string, 0o666) }, .writable(permissions: 0o666)),
    ({ chmod($0.string, 0o602) }, .writable(permissions: 0o602)),
    ({ chmod($0.string, 0o660) }, .writable(permissions: 0o660)),
    ({ link($0.string, $0.string + ".other") }, .severalNames(2)),
    ({ chown($0.string, stranger, stranger) }, .owner(stranger)),
  ]
  static let stranger: uid_t = 12_345
  static let group: gid_t = 23_456
  /// Only root can give files away.
  static let makeable = foreign.indices.dropLast(getuid() == 0 ? 0 : 1)

  /// Makes a file and changes it as element `index` of `foreign` does.
  func putForeign(_ index: Int, _ bytes: [UInt8], at name: String) throws -> FilePath {
    let file = try put(bytes, at: name)
    chmod(file.string, 0o600)
    Self.foreign[index].make(file)
    return file
  }

  func removeForeign(_ file: FilePath) {
    for name in [file.string, file.string + ".other"] { unlink(name) }
  }

  /// In a directory like `/tmp` another user can make such a file before SQLite does. It may be
  /// empty: SQLite would then keep the keystore's pages in it.
  @Test(arguments: makeable, [0, 4096]) func aForeignFileIsRefused(index: Int, size: Int) throws {
    let before = try contents(path)
    for ending in ["-journal", "-shm"] {
      let file = try putForeign(index, patternBytes(size), at: "keystore.db" + ending)
      let refusal = KeystoreFileError.foreignFile(file, Self.foreign[index].fault)
      for readOnly in [false, true] {
        #expect(throws: refusal) { try Keystore(at: path, readOnly: readOnly) }
      }
      #expect(throws: refusal) { try Keystore(copying: path) }
      #expect(try contents(path) == before && contents(file) == patternBytes(size))
      removeForeign(file)
    }
  }

  /// A new keystore is not placed beside such a file either.
  @Test(arguments: makeable, ["-journal", "-wal", "-shm"]) func nothingIsPlacedBesideForeignFiles(
    index: Int, ending: String
  ) throws {
    let copy = directory.path.appending("copy.db")
    let file = try putForeign(index, [], at: "copy.db" + ending)
    let refusal = KeystoreFileError.foreignFile(file, Self.foreign[index].fault)
    #expect(throws: refusal) { try Keystore(at: path).backup(to: copy) }
    #expect(throws: refusal) { try Keystore.create(at: copy, protector: .none) }
    #expect(try FileStatus.at(copy) == nil)
  }

  /// SQLite opens its files by name. It does not use a foreign file that appears after the keystore
  /// was opened.
  @Test(arguments: makeable) func aForeignFileThatAppearsLaterIsNotUsed(index: Int) throws {
    let service = try service(at: path)
    try service.createKey()
    let before = try contents(path)
    let journal = FilePath(path.string + "-journal")
    let refusal = KeystoreFileError.foreignFile(journal, Self.foreign[index].fault)
    // SQLite would write its pages there.
    _ = try putForeign(index, [], at: "keystore.db-journal")
    #expect(throws: refusal) { try service.createKey() }
    #expect(try contents(journal).isEmpty && contents(path) == before)
    removeForeign(journal)
    // SQLite would write these pages into the keystore.
    let old = try halfOfAChange().journal
    let after = try contents(path)
    _ = try putForeign(index, old, at: "keystore.db-journal")
    #expect(throws: refusal) { try service.keystore.read { _ in } }
    #expect(try contents(path) == after && contents(journal) == old)
    removeForeign(journal)
    #expect(try self.service(at: path).check().damage.isEmpty)
  }

  @Test(arguments: ["a link", "a FIFO"]) func whatIsNotAFileIsNotUsedLater(what: String) throws {
    let service = try service(at: path)
    try service.createKey()
    let loot = try put(Array("theirs".utf8), at: "loot")
    let journal = directory.path.appending("keystore.db-journal")
    if what == "a link" {
      symlink(loot.string, journal.string)
    } else {
      mkfifo(journal.string, 0o600)
    }
    #expect(throws: KeystoreFileError.foreignJournal(journal)) { try service.createKey() }
    #expect(try contents(loot) == Array("theirs".utf8))
  }

  /// The members of a group that shares a keystore roll back each other's changes.
  @Test(.enabled(if: getuid() == 0)) func aJournalOfAGroupThatSharesIsRolledBack() throws {
    let (half, journal) = try halfOfAChange()
    try write(half, to: path)
    chown(directory.path.string, 0, Self.group)
    chmod(directory.path.string, 0o2770)
    chown(path.string, 0, Self.group)
    chmod(path.string, 0o660)
    let file = try put(journal, at: "keystore.db-journal")
    chown(file.string, Self.stranger, Self.group + 1)
    chmod(file.string, 0o660)
    #expect(throws: KeystoreFileError.foreignFile(file, .owner(Self.stranger))) {
      try Keystore(at: path)
    }
    chown(file.string, Self.stranger, Self.group)
    #expect(try service(at: path).check().damage.isEmpty)
    #expect(directory.names == ["keystore.db", "keystore.db-audit"])
  }

  /// A change that a killed process did not finish is still rolled back.
  @Test func aJournalOfOursIsRolledBack() throws {
    let (half, journal) = try halfOfAChange()
    try write(half, to: path)
    chmod(path.string, 0o600)
    _ = try put(journal, at: "keystore.db-journal")
    #expect(try service(at: path).check().damage.isEmpty)
    #expect(directory.names == ["keystore.db", "keystore.db-audit"])
  }

  /// Returns the keystore's file in the middle of a change, and the journal that takes it back.
  func halfOfAChange() throws -> (half: [UInt8], journal: [UInt8]) {
    try service(at: path).createKey(alias: "alias/a")
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let queue = try DatabaseQueue(path: path.string, configuration: configuration)
    let change = try queue.writeWithoutTransaction { db in
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
    return change
  }
}
