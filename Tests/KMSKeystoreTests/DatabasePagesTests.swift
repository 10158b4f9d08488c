import Foundation
import GRDB
import SystemPackage
import Testing

@testable import KMSKeystore
@testable import TestSupport

/// Our own reader of SQLite's pages, compared with SQLite.
@Suite struct DatabasePagesTests {
  let directory: TemporaryDirectory
  var path: FilePath { directory.path.appending("a.db") }

  init() throws { directory = try TemporaryDirectory() }

  func pages(_ bytes: [UInt8]) throws -> DatabasePages {
    try DatabasePages { offset, count in
      guard offset >= 0, Int(offset) + count <= bytes.count else { return nil }
      return Array(bytes[Int(offset)..<Int(offset) + count])
    }
  }

  func database(pageSize: Int, _ body: (Database) throws -> Void) throws -> [UInt8] {
    let queue = try DatabaseQueue(path: path.string)
    try queue.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA page_size = \(pageSize)")
      try body(db)
    }
    try queue.close()
    return try contents(path)
  }

  func value(_ value: DatabaseValue) -> DatabasePages.Value {
    switch value.storage {
    case .null: .null
    case .int64(let integer): .integer(integer)
    case .string(let text): .text(Array(text.utf8)[...])
    case .double, .blob: .other
    }
  }

  /// Tables with many pages and long rows, for several page sizes.
  @Test(arguments: [512, 1024, 4096, 65536]) func rowsAreWhatSQLiteReads(pageSize: Int) throws {
    let integers: [Int64] = [
      0, 1, -1, 127, -128, 128, 32767, -32768, 32768, 1 << 23, -(1 << 23) - 1, 1 << 31, 1 << 40,
      -(1 << 40), 1 << 55, .max, .min,
    ]
    let bytes = try database(pageSize: pageSize) { db in
      try db.execute(sql: "CREATE TABLE a (b, c, d)")
      for number in 0..<300 {
        let text = String(repeating: "x", count: number * 37 % 3000)
        try db.execute(
          sql: "INSERT INTO a VALUES (?, ?, ?)",
          arguments: [integers[number % integers.count], text, number % 3 == 0 ? nil : 1.5])
      }
    }
    let pages = try pages(bytes)
    #expect(pages.header.pageSize == pageSize && !pages.header.usesWriteAheadLog)
    let objects = try pages.rows(ofTableAt: 1)
    #expect(objects.count == 1 && objects[0][1].reads("a"))
    guard case .integer(let root) = objects[0][3] else { throw CancellationError() }
    let found = try pages.rows(ofTableAt: #require(UInt32(exactly: root)))
    let wanted = try DatabaseQueue(path: path.string).read { db in
      try Row.fetchAll(db, sql: "SELECT * FROM a").map { row in Array(row.databaseValues).map(value)
      }
    }
    #expect(found == wanted)
  }

  @Test func aLongTextIsCutOff() throws {
    let bytes = try database(pageSize: 4096) { db in
      let comment = String(repeating: "y", count: 100_000)
      try db.execute(sql: "CREATE TABLE a (b /* \(comment) */)")
    }
    let row = try #require(try pages(bytes).rows(ofTableAt: 1).first)
    #expect(row[1].reads("a") && row[4] == .cutOff)
  }

  // MARK: Bytes that SQLite could read differently

  /// Returns the bytes of a database whose schema has one short row, and the offset of that row.
  func oneTable() throws -> (bytes: [UInt8], cell: Int) {
    let bytes = try database(pageSize: 512) { try $0.execute(sql: "CREATE TABLE a (b)") }
    #expect(bytes[100] == 13 && bytes[104] == 1)
    return (bytes, Int(bytes[108]) << 8 | Int(bytes[109]))
  }

  /// Returns SQLite's variable-length integer in this number of bytes, up to eight.
  func variableInteger(_ value: UInt64, count: Int) -> [UInt8] {
    (0..<count).reversed().map { index -> UInt8 in
      let bits = UInt8(value >> (7 * UInt64(index)) & 0x7F)
      return index == 0 ? bits : bits | 0x80
    }
  }

  /// Replaces the length, the row ID or the header of the only row. The start of the row moves to
  /// make room.
  func replacingHead(
    _ bytes: [UInt8], cell: Int, length: [UInt8]? = nil, id: [UInt8]? = nil,
    header: (([UInt8]) -> [UInt8])? = nil
  ) -> [UInt8] {
    let headerLength = Int(bytes[cell + 2])
    let old = Array(bytes[cell + 2..<cell + 2 + headerLength])
    let new = header?(old) ?? old
    let length = length ?? [bytes[cell] + UInt8(new.count - old.count)]
    let head = length + (id ?? [bytes[cell + 1]]) + new
    var other = bytes
    let start = cell + 2 + headerLength - head.count
    other.replaceSubrange(start..<start + head.count, with: head)
    other[108] = UInt8(start >> 8)
    other[109] = UInt8(start & 0xFF)
    return other
  }

  /// Bug: SQLite keeps only the last 32 bits of a length, so it read a short row that our reader
  /// took for a long one.
  @Test(arguments: 1...7 as ClosedRange<UInt64>) func aLengthHas32Bits(high: UInt64) throws {
    let (bytes, cell) = try oneTable()
    let length = high << 32 + UInt64(bytes[cell])
    let other = replacingHead(bytes, cell: cell, length: variableInteger(length, count: 5))
    try write(other, to: path)
    let name = try DatabaseQueue(path: path.string).read {
      try String.fetchOne($0, sql: "SELECT name FROM sqlite_schema")
    }
    #expect(name == "a")
    #expect(throws: DatabasePages.Failure.malformed) { try pages(other).rows(ofTableAt: 1) }
  }

  @Test(arguments: 2...8) func aLongerFormOfANumberIsRefused(count: Int) throws {
    let (bytes, cell) = try oneTable()
    let length = variableInteger(UInt64(bytes[cell]), count: count)
    let id = variableInteger(UInt64(bytes[cell + 1]), count: count)
    func longType(_ header: [UInt8]) -> [UInt8] {
      [header[0] + UInt8(count - 1)] + variableInteger(UInt64(header[1]), count: count)
        + header.dropFirst(2)
    }
    func longHeaderLength(_ header: [UInt8]) -> [UInt8] {
      variableInteger(UInt64(header.count + count - 1), count: count) + header.dropFirst()
    }
    for other in [
      replacingHead(bytes, cell: cell, length: length), replacingHead(bytes, cell: cell, id: id),
      replacingHead(bytes, cell: cell, header: longType),
      replacingHead(bytes, cell: cell, header: longHeaderLength),
    ] {
      #expect(throws: DatabasePages.Failure.malformed) { try pages(other).rows(ofTableAt: 1) }
    }
    #expect(try pages(replacingHead(bytes, cell: cell)).rows(ofTableAt: 1).count == 1)
  }

  /// Bytes after the last value, and a header that ends within a type.
  @Test func everyByteBelongsToAColumn() throws {
    let (bytes, cell) = try oneTable()
    var other = bytes
    // The last column is one byte shorter than the record.
    other[cell + 7] -= 2
    #expect(throws: DatabasePages.Failure.malformed) { try pages(other).rows(ofTableAt: 1) }
    other = bytes
    // The header ends after the first byte of a type of two bytes.
    other[cell + 7] |= 0x80
    #expect(throws: DatabasePages.Failure.malformed) { try pages(other).rows(ofTableAt: 1) }
  }

  @Test func whatIsNotADatabaseIsNone() throws {
    let bytes = try database(pageSize: 512) { try $0.execute(sql: "CREATE TABLE a (b)") }
    for other in [[], [0], patternBytes(4096), Array(bytes.prefix(99)), Array(bytes.dropFirst())] {
      #expect(throws: DatabasePages.Failure.notADatabase) { try pages(other) }
    }
    for (offset, value) in [(16, 0), (17, 1), (16, 255), (20, 33)] as [(Int, UInt8)] {
      var other = bytes
      other[offset] = value
      #expect(throws: DatabasePages.Failure.notADatabase) { try pages(other) }
    }
  }

  /// Changes every byte of the pages that are read in several ways, and truncates them at every
  /// length. Reading always ends, and nothing traps.
  @Test func noByteCanHangIt() throws {
    let bytes = try database(pageSize: 512) { db in
      for number in 0..<6 { try db.execute(sql: "CREATE TABLE a\(number) (b, c, d, e)") }
      try db.execute(
        sql: "CREATE TABLE long (b /* \(String(repeating: "z", count: 2000)) */)")
    }
    for index in bytes.indices {
      for value in [0, 5, 13, 0x80, 0xFF] as [UInt8] where value != bytes[index] {
        var other = bytes
        other[index] = value
        _ = try? pages(other).rows(ofTableAt: 1)
      }
      _ = try? pages(Array(bytes.prefix(index))).rows(ofTableAt: 1)
    }
  }

  /// Pages that refer to each other in a cycle, or to the same page again and again.
  @Test func circlesEnd() throws {
    var bytes = try database(pageSize: 512) { db in
      for number in 0..<40 { try db.execute(sql: "CREATE TABLE a\(number) (b, c, d, e, f, g)") }
    }
    // The first page is an interior page. All of its child pointers are changed to the first page.
    #expect(bytes[100] == 5)
    let count = Int(bytes[103]) << 8 | Int(bytes[104])
    for cell in 0..<count {
      let pointer = Int(bytes[112 + 2 * cell]) << 8 | Int(bytes[113 + 2 * cell])
      bytes.replaceSubrange(pointer..<pointer + 4, with: [0, 0, 0, 1])
    }
    bytes.replaceSubrange(108..<112, with: [0, 0, 0, 1])
    #expect(throws: DatabasePages.Failure.malformed) { try pages(bytes).rows(ofTableAt: 1) }
  }
}
