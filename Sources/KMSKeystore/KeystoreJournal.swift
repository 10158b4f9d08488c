import Envelope
import Glibc

/// A file that has the name of a keystore's rollback journal. SQLite writes the pages of a journal
/// into the keystore, and then deletes the file. It deletes any other file of this name, too.
struct KeystoreJournal {
  /// The bytes at the start of a journal. They are also at its end if the journal names another
  /// file.
  static let mark: [UInt8] = [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7]

  private static let headLength = 28

  private let file: Descriptor
  /// The first bytes of the file: fewer than `headLength` if the file is shorter.
  private let head: [UInt8]

  init(_ file: Descriptor) throws {
    self.file = file
    head = try Self.bytes(of: file, at: 0, count: Self.headLength)
  }

  private static func bytes(of file: Descriptor, at offset: Int64, count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let length = try bytes.withUnsafeMutableBytes {
      var span = MutableRawSpan(_unsafeBytes: $0)
      return try file.read(into: &span, at: offset)
    }
    return Array(bytes.prefix(length))
  }

  // MARK: The header

  /// True if SQLite would roll the journal back. SQLite writes the mark when the rest of the
  /// journal is on the disk; until then there are zeros.
  private var isSynced: Bool { head.count == Self.headLength && head.starts(with: Self.mark) }

  /// True if a process that was killed, or a power failure, can have left the file: it begins with
  /// the mark or with zeros, and its sizes are ones that SQLite writes. A file that is empty, or
  /// has no more than zeros, is such a file.
  var isPlausible: Bool {
    let start = head.prefix(Self.mark.count)
    guard Self.mark.starts(with: start) || start.allSatisfy({ $0 == 0 }) else { return false }
    if head.count < Self.headLength || head.allSatisfy({ $0 == 0 }) { return true }
    func isPower(_ size: Int64) -> Bool { size & (size - 1) == 0 }
    let (sector, page) = (Self.number(in: head, at: 20), Self.number(in: head, at: 24))
    guard (32...65536).contains(sector), isPower(sector) else { return false }
    return page == 0 || (512...65536).contains(page) && isPower(page)
  }

  /// True if the journal would empty the file, or make it much larger than a keystore with this
  /// journal can have been. SQLite gives the file the size that the journal names before it looks
  /// at the rest. `keystore` is the space that the keystore takes on the disk: a file with holes
  /// can claim any size.
  func enlarges(aKeystoreOf keystore: Int64) throws -> Bool {
    guard isSynced else { return false }
    let count = Self.number(in: head, at: 16)
    if count == 0 { return true }
    // SQLite takes the keystore's page size for 0.
    let size = Self.number(in: head, at: 24)
    let known = try Self.space(of: file) + keystore
    // A transaction that makes the file smaller need not have all pages in its journal.
    return count * (size == 0 ? 65536 : size) > (64 << 20) + 16 * min(known, .max >> 5)
  }

  /// Returns the bytes of the file that are on the disk.
  private static func space(of file: Descriptor) throws -> Int64 {
    var status = stat()
    return fstat(file.number, &status) == 0 ? space(of: status) : 0
  }

  static func space(of status: stat) -> Int64 {
    min(Int64(status.st_size), min(Int64(status.st_blocks), .max >> 10) * 512)
  }

  /// True if the journal ends with the name of another file, as journals of a transaction over
  /// several databases do. SQLite deletes that file after the rollback, whatever it is. We never
  /// make such transactions.
  func namesAnother() throws -> Bool {
    let size = try file.status().size
    guard size >= 16 else { return false }
    let offset = size - Int64(Self.mark.count)
    return try Self.bytes(of: file, at: offset, count: Self.mark.count) == Self.mark
  }

  // MARK: The pages

  /// The most changes of the counter in page 1 by one transaction. SQLite makes one.
  private static let mostChanges: UInt32 = 15

  /// True if the journal can belong to the keystore with this header. If the journal has page 1,
  /// that must be a page of such a keystore, with the keystore's change counter or the one before.
  ///
  /// A journal of another keystore can pass: if it does not have page 1, or if the counters happen
  /// to be equal.
  func canBelong(toKeystoreWith header: [UInt8]) throws -> Bool {
    // A header that is damaged is what a journal can repair.
    guard isSynced, let keystore = try? DatabaseHeader(parsing: header) else { return true }
    let named = Int(Self.number(in: head, at: 24))
    let pageSize = named == 0 ? keystore.pageSize : named
    guard let page = try firstPage(ofSize: pageSize) else { return pageSize == keystore.pageSize }
    guard let before = try? DatabaseHeader(parsing: page), before.pageSize == pageSize,
      before.applicationID == keystore.applicationID
    else { return false }
    return Self.changes(in: header) &- Self.changes(in: page) <= Self.mostChanges
  }

  private static func changes(in header: [UInt8]) -> UInt32 {
    UInt32(truncatingIfNeeded: number(in: header, at: 24))
  }

  /// The most records that are read in search of page 1.
  private static let mostRecords = 1 << 18

  /// Returns page 1 of the database as it was before the transaction; nil if SQLite would not find
  /// it in the journal.
  private func firstPage(ofSize pageSize: Int) throws -> [UInt8]? {
    let size = try file.status().size
    let sector = Self.number(in: head, at: 20)
    let length = Int64(pageSize) + 8
    var position: Int64 = 0
    var left = Self.mostRecords
    while left > 0 {
      // After each flush there is another header, at the start of a sector.
      let head = try Self.bytes(of: file, at: position, count: Self.headLength)
      guard head.count == Self.headLength, head.starts(with: Self.mark) else { return nil }
      position += sector
      left -= 1
      var records = Self.number(in: head, at: 8)
      if records == UInt32.max { records = max(0, size - position) / length }
      while records > 0 {
        guard left > 0, position <= size - length else { return nil }
        let number = Self.number(in: try Self.bytes(of: file, at: position, count: 4), at: 0)
        if number == 0 { return nil }
        if number == 1 {
          let record = try Self.bytes(of: file, at: position, count: Int(length))
          return Self.page(in: record, seed: Self.number(in: head, at: 12))
        }
        position += length
        records -= 1
        left -= 1
      }
      position = (position + sector - 1) / sector * sector
    }
    return nil
  }

  /// Returns the page in a record; nil if its checksum is wrong.
  private static func page(in record: [UInt8], seed: Int64) -> [UInt8]? {
    guard record.count > 8 else { return nil }
    let page = Array(record[4..<record.count - 4])
    var sum = UInt32(truncatingIfNeeded: seed)
    for index in stride(from: page.count - 200, to: 0, by: -200) { sum &+= UInt32(page[index]) }
    return Int64(sum) == number(in: record, at: record.count - 4) ? page : nil
  }

  /// Returns the big-endian number of four bytes at an index; 0 if the bytes end before.
  private static func number(in bytes: [UInt8], at index: Int) -> Int64 {
    guard bytes.count >= index + 4 else { return 0 }
    return bytes[index..<index + 4].reduce(0) { $0 << 8 | Int64($1) }
  }
}
