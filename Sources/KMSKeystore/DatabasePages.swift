/// The tables of an SQLite file, read from its pages without SQLite
/// (https://www.sqlite.org/fileformat2.html). Nothing in the file is interpreted as a statement, so
/// nothing in it can run.
///
/// The time and the memory for reading are limited, whatever the bytes are. Bytes that SQLite might
/// read differently are refused: numbers that are not in their shortest form, lengths of more than
/// 32 bits, and records with bytes that belong to no column. SQLite itself never writes such bytes.
struct DatabasePages {
  /// Reads `count` bytes at `offset`; nil if the file ends before the last of them.
  typealias Source = (_ offset: Int64, _ count: Int) throws -> [UInt8]?

  enum Failure: Error, Equatable {
    /// The file does not begin with the header of an SQLite file.
    case notADatabase
    /// The header is that of an SQLite file, but the pages are inconsistent.
    case malformed
  }

  /// The value of a column in a row.
  enum Value: Equatable {
    case null
    case integer(Int64)
    case text(ArraySlice<UInt8>)
    case other
    /// A value that was too long to be read completely.
    case cutOff
  }

  /// The limits of one reading: pages read, bytes kept, bytes of a row, columns of a row. All are
  /// many times what the schema of a keystore needs.
  private static let mostPages = 4096
  private static let mostBytes = 1 << 22
  private static let mostBytesOfARow: UInt64 = 1 << 16
  private static let mostColumns = 64

  let header: DatabaseHeader
  private let source: Source

  init(_ source: @escaping Source) throws {
    guard let bytes = try source(0, DatabaseHeader.length) else { throw Failure.notADatabase }
    header = try DatabaseHeader(parsing: bytes)
    self.source = source
  }

  /// Returns the rows of the table whose first page is `root`, in the table's order.
  func rows(ofTableAt root: UInt32) throws -> [[Value]] {
    var rows: [[Value]] = []
    var pending = [root]
    var pagesRead = 0
    var bytesLeft = Self.mostBytes
    while let number = pending.popLast() {
      let page = try page(number, &pagesRead)
      // The file header comes before the page header of the first page.
      let start = number == 1 ? DatabaseHeader.length : 0
      let count = try Int(page.integer(at: start + 3, bytes: 2))
      switch try page.integer(at: start, bytes: 1) {
      case 5:
        var children: [UInt32] = []
        for cell in 0..<count {
          let pointer = try Int(page.integer(at: start + 12 + 2 * cell, bytes: 2))
          children.append(UInt32(try page.integer(at: pointer, bytes: 4)))
        }
        children.append(UInt32(try page.integer(at: start + 8, bytes: 4)))
        guard pending.count + children.count <= Self.mostPages else { throw Failure.malformed }
        pending += children.reversed()
      case 13:
        for cell in 0..<count {
          let pointer = try Int(page.integer(at: start + 8 + 2 * cell, bytes: 2))
          let record = try record(at: pointer, in: page, &pagesRead)
          // A row in memory takes more than its bytes.
          bytesLeft -= 256 + record.bytes.count
          guard bytesLeft > 0 else { throw Failure.malformed }
          rows.append(try Self.values(in: record))
        }
      default: throw Failure.malformed
      }
    }
    return rows
  }

  private func page(_ number: UInt32, _ pagesRead: inout Int) throws -> [UInt8] {
    pagesRead += 1
    guard number > 0, pagesRead <= Self.mostPages else { throw Failure.malformed }
    let offset = Int64(number - 1) * Int64(header.pageSize)
    guard let page = try source(offset, header.pageSize) else { throw Failure.malformed }
    return page
  }

  /// Returns a row's record: the part in the table's page, then the part in overflow pages.
  private func record(
    at start: Int, in page: [UInt8], _ pagesRead: inout Int
  ) throws -> (bytes: [UInt8], isWhole: Bool) {
    var position = start
    let length = try page.variableInteger(at: &position)
    // SQLite keeps only the last 32 bits of a length.
    guard length <= UInt64(UInt32.max) else { throw Failure.malformed }
    _ = try page.variableInteger(at: &position)
    let wanted = Int(min(length, Self.mostBytesOfARow))
    let local = header.localLength(ofRecord: length)
    guard position + local <= page.count else { throw Failure.malformed }
    var bytes = Array(page[position..<position + min(local, wanted)])
    if local < length, bytes.count < wanted {
      var next = UInt32(try page.integer(at: position + local, bytes: 4))
      while bytes.count < wanted {
        let page = try self.page(next, &pagesRead)
        next = UInt32(try page.integer(at: 0, bytes: 4))
        bytes += page[4..<min(header.usableSize, 4 + wanted - bytes.count)]
      }
    }
    return (bytes, UInt64(wanted) == length)
  }

  private static func values(in record: (bytes: [UInt8], isWhole: Bool)) throws -> [Value] {
    let bytes = record.bytes
    var position = 0
    let end = try bytes.variableInteger(at: &position)
    guard end <= bytes.count else { throw Failure.malformed }
    var values: [Value] = []
    var start = Int(end)
    while position < end {
      let type = try bytes.variableInteger(at: &position)
      let length = try Self.length(ofType: type)
      guard values.count < mostColumns else { throw Failure.malformed }
      guard length <= bytes.count - start else {
        guard !record.isWhole else { throw Failure.malformed }
        values.append(.cutOff)
        start = bytes.count
        continue
      }
      values.append(try value(ofType: type, bytes[start..<start + Int(length)]))
      start += Int(length)
    }
    // The types fill the record's header, and the values fill the rest.
    guard position == Int(end), start == bytes.count else { throw Failure.malformed }
    return values
  }

  private static func length(ofType type: UInt64) throws(Failure) -> UInt64 {
    switch type {
    case 0, 8, 9: 0
    case 1...4: type
    case 5: 6
    case 6, 7: 8
    case 10, 11: throw .malformed
    default: (type - 12) / 2
    }
  }

  private static func value(
    ofType type: UInt64, _ bytes: ArraySlice<UInt8>
  ) throws(Failure) -> Value {
    switch type {
    case 0: return .null
    case 8: return .integer(0)
    case 9: return .integer(1)
    case 1...6:
      // The first bit of the first byte is the sign.
      let first = bytes.first.map { Int64(Int8(bitPattern: $0)) } ?? 0
      return .integer(bytes.dropFirst().reduce(first) { $0 << 8 | Int64($1) })
    case _ where type > 12 && type % 2 == 1: return .text(bytes)
    default: return .other
    }
  }
}

/// The file header: the first bytes of an SQLite file.
struct DatabaseHeader {
  static let length = 100
  private static let beginning = Array("SQLite format 3\0".utf8)
  private static let utf8: UInt64 = 1

  let pageSize: Int
  /// The bytes of a page without the space that an SQLite extension reserves at its end.
  let usableSize: Int
  /// True if the file is in WAL mode: SQLite writes changes to another file first.
  let usesWriteAheadLog: Bool
  let isUTF8: Bool
  let applicationID: Int32
  /// The number of pages; nil if SQLite goes by the size of the file.
  let pageCount: Int64?

  init(parsing bytes: [UInt8]) throws(DatabasePages.Failure) {
    guard bytes.count >= Self.length, bytes.starts(with: Self.beginning) else {
      throw .notADatabase
    }
    let size = Int(try bytes.integer(at: 16, bytes: 2))
    pageSize = size == 1 ? 1 << 16 : size
    usableSize = pageSize - Int(bytes[20])
    guard pageSize >= 512, pageSize & (pageSize - 1) == 0, usableSize >= 480 else {
      throw .notADatabase
    }
    usesWriteAheadLog = bytes[18] != 1 || bytes[19] != 1
    isUTF8 = try bytes.integer(at: 56, bytes: 4) == Self.utf8
    applicationID = Int32(bitPattern: UInt32(try bytes.integer(at: 68, bytes: 4)))
    // Very old versions of SQLite did not write the number. It counts only if the version that
    // wrote it also made the last change.
    let count = Int64(try bytes.integer(at: 28, bytes: 4))
    let isCurrent = try bytes.integer(at: 24, bytes: 4) == bytes.integer(at: 92, bytes: 4)
    pageCount = isCurrent && count > 0 ? count : nil
  }

  /// Returns the number of a record's bytes that are in the table's page itself.
  func localLength(ofRecord length: UInt64) -> Int {
    let most = UInt64(usableSize - 35)
    if length <= most { return Int(length) }
    let least = UInt64((usableSize - 12) * 32 / 255 - 23)
    let local = least + (length - least) % UInt64(usableSize - 4)
    return Int(local <= most ? local : least)
  }
}

extension [UInt8] {
  /// Returns the big-endian integer of `bytes` bytes.
  fileprivate func integer(at start: Int, bytes: Int) throws(DatabasePages.Failure) -> UInt64 {
    guard start >= 0, start <= count - bytes else { throw .malformed }
    var value: UInt64 = 0
    for index in start..<start + bytes { value = value << 8 | UInt64(self[index]) }
    return value
  }

  /// Returns SQLite's variable-length integer of one to nine bytes, and moves `position` past it.
  /// Throws if the integer has a shorter form.
  fileprivate func variableInteger(at position: inout Int) throws(DatabasePages.Failure) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<9 {
      guard position < count else { throw .malformed }
      let byte = self[position]
      position += 1
      let isLast = index == 8 || byte < 0x80
      // Only the ninth byte has eight bits of the number.
      value = index == 8 ? value << 8 | UInt64(byte) : value << 7 | UInt64(byte & 0x7F)
      if isLast {
        guard index == 0 || value >> (7 * UInt64(index)) > 0 else { throw .malformed }
        return value
      }
    }
    return value
  }
}
