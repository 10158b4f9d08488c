import Foundation
import GRDB
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// Files that make SQLite do far more work than their size suggests. Each is refused as damaged.
@Suite struct WorkLimitTests {
  let directory: TemporaryDirectory
  var path: FilePath { directory.path.appending("keystore.db") }
  var copy: FilePath { directory.path.appending("copy.db") }

  init() throws {
    directory = try TemporaryDirectory()
    _ = try Keystore.create(at: path, protector: .none) {
      try KeyService($0, secrets: TestSecrets()).createKey(alias: "alias/a")
    }
  }

  func byHand(_ sql: String) throws {
    let queue = try DatabaseQueue(path: path.string)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
  }

  /// Puts interior pages above the only page of a table. All 570 entries of each lead to the same
  /// page, so that the table has 570 times as many rows with every level.
  func fan(_ table: String, levels: Int) throws {
    let queue = try DatabaseQueue(path: path.string)
    let root = try #require(
      try queue.read {
        try Int.fetchOne(
          $0, sql: "SELECT rootpage FROM sqlite_schema WHERE name = ?", arguments: [table])
      })
    try queue.close()
    let size = 4096
    var file = try contents(path)
    func number(_ value: Int, bytes: Int) -> [UInt8] {
      (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    func append(_ page: [UInt8]) -> Int {
      file += page
      return file.count / size
    }
    func interior(_ child: Int) -> [UInt8] {
      let count = 570
      let cell = number(child, bytes: 4) + [1]
      let start = size - count * cell.count
      var page = [5, 0, 0] + number(count, bytes: 2) + number(start, bytes: 2) + [0]
      page += number(child, bytes: 4)
      for index in 0..<count { page += number(start + index * cell.count, bytes: 2) }
      page += [UInt8](repeating: 0, count: start - page.count)
      for _ in 0..<count { page += cell }
      return page
    }
    let place = (root - 1) * size..<root * size
    try #require(file[place.lowerBound] == 13)
    var child = append(Array(file[place]))
    for _ in 1..<levels { child = append(interior(child)) }
    file.replaceSubrange(place, with: interior(child))
    file.replaceSubrange(28..<32, with: number(file.count / size, bytes: 4))
    try write(file, to: path)
  }

  @Test func aTableThatNeverEndsIsRefused() throws {
    try fan("masterKey", levels: 5)
    let store = try Keystore(at: path)
    #expect(throws: KeystoreError.unreadable(path)) {
      try store.view { try $0.counts(at: 0) }
    }
    // These rows would fill the memory.
    #expect(throws: KeystoreError.unreadable(path)) { try store.view { try $0.masterKeys() } }
    #expect(throws: KeystoreError.unreadable(path)) { try store.backup(to: copy) }
    #expect(directory.names == ["keystore.db", "keystore.db-audit"])
  }

  @Test(arguments: ["masterKey", "auditAnchor"])
  func aCheckNamesATableThatNeverEnds(table: String) throws {
    try fan(table, levels: 5)
    let damage = try KeyService(try Keystore(at: path), secrets: TestSecrets()).check().damage
    #expect(damage.contains { if case .structure = $0 { true } else { false } }, "\(damage)")
  }

  /// A list that is read page by page would begin anew with each page.
  @Test func aListWithARowTwiceIsRefused() throws {
    try fan("masterKey", levels: 1)
    try byHand("DROP INDEX masterKeyByCreation")
    let queue = try DatabaseQueue(path: path.string)
    _ = try queue.read { db in
      #expect(throws: DatabaseError.self) {
        try KeystoreView(db, nil).masterKeys(after: nil, at: 0, limit: 10)
      }
    }
  }

  /// Every transaction has the whole limit for itself.
  @Test func theLimitIsForOneTransaction() throws {
    let store = try Keystore(at: path)
    let sql = """
      WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a LIMIT 1000000)
      SELECT count(*) FROM a
      """
    for _ in 0..<8 {
      #expect(try store.read { try Int.fetchOne($0, sql: sql) } == 1_000_000)
    }
    #expect(throws: KeystoreError.unreadable(path)) {
      try store.read { db in for _ in 0..<100 { _ = try Int.fetchOne(db, sql: sql) } }
    }
    #expect(try store.read { try Int.fetchOne($0, sql: sql) } == 1_000_000)
  }

  // MARK: Size

  /// Only the pages are copied, not what somebody appended.
  @Test func whatIsBehindThePagesIsNotCopied() throws {
    let size = try #require(try FileStatus.at(path)).size
    #expect(truncate(path.string, Int(size) + 8192) == 0)
    try Keystore(at: path).backup(to: copy)
    #expect(try FileStatus.at(copy)?.size == size)
  }

  @Test(arguments: [1 << 30, 1 << 42])
  func aFileThatIsFarTooLargeIsNotCopied(size: Int) throws {
    guard truncate(path.string, size) == 0 else { return }
    #expect(throws: KeystoreError.unreadable(path)) { try Keystore(at: path).backup(to: copy) }
    #expect(!directory.names.contains("copy.db"))
    let damage = try KeyService(try Keystore(at: path), secrets: TestSecrets()).check().damage
    #expect(damage.contains(.structure("the size of the file is wrong")), "\(damage)")
  }

  /// The header agrees with the size of the file, which is nearly all a hole.
  @Test func aFileWithFarTooManyPagesIsNotCopied() throws {
    var file = try contents(path)
    file.replaceSubrange(28..<32, with: [0xFF, 0xFF, 0xFF, 0xFE])
    try write(file, to: path)
    guard truncate(path.string, 0xFFFF_FFFE * 4096) == 0 else { return }
    #expect(throws: KeystoreError.unreadable(path)) { try Keystore(at: path).backup(to: copy) }
    #expect(!directory.names.contains("copy.db"))
  }

  /// An older store that cannot be written is copied to memory.
  @Test func anOlderFileThatIsFarTooLargeIsNotCopied() throws {
    let old = SchemaTests.fixture.appendingPathComponent("keystore.db")
    try write(Array(try Data(contentsOf: old)), to: path)
    guard truncate(path.string, 1 << 42) == 0 else { return }
    #expect(throws: KeystoreError.unreadable(path)) { try Keystore(at: path, readOnly: true) }
  }

  // MARK: Values

  /// JSON has no form for these dates.
  @Test(arguments: [Int64.max, Int64.min, 253_402_300_800_000, -62_135_596_800_001])
  func aDateThatCannotBeShownIsRefused(date: Int64) throws {
    let whole = try contents(path)
    try byHand("UPDATE keystore SET creationDate = \(date)")
    #expect(throws: KeystoreError.self) { try Keystore(at: path) }
    try write(whole, to: path)
    try byHand("UPDATE protector SET creationDate = \(date)")
    #expect(throws: KeystoreError.self) { try Keystore(at: path).protectors() }
    try write(whole, to: path)
    try byHand("UPDATE keyVersion SET creationDate = \(date)")
    #expect(throws: KeystoreError.self) {
      try Keystore(at: path).view { view in
        for key in try view.masterKeys() { _ = try view.versions(ofKey: key.id) }
      }
    }
  }

  /// The index of the table `keystore` lacks the entry of its only row, so an update finds no row.
  @Test func anIndexThatLacksARowIsDamage() throws {
    let store = try Keystore(at: path)
    #expect(throws: KeystoreError.unreadable(path)) {
      try store.write { db in
        var record = try #require(try KeystoreRecord.only(db))
        record.id = "no row has this"
        try record.update(db)
      }
    }
  }
}
