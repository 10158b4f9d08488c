import Envelope
import Foundation
import GRDB

/// A part of the ledger. It lists the latest codes of some records, or the digests of other
/// buckets.
struct LedgerBucket {
  struct Entry {
    let name: LedgerName
    /// 32 bytes.
    let code: [UInt8]

    static let codeLength = 32

    /// Reads or writes the fields (see `Wire`), in the order in which a bucket stores them.
    static func transcode(
      _ value: Entry?, through wire: inout some Wire
    ) throws(MessageError) -> Entry {
      Entry(
        name: try LedgerName.transcode(value?.name, through: &wire),
        code: try wire.bytes(value?.code, count: codeLength))
    }
  }

  /// The name of a bucket: the hexadecimal digits with which the key IDs of its records begin. A
  /// bucket with a shorter name has the digests of the buckets whose names begin with it.
  struct Name: Hashable {
    /// The number of digits in the name of a bucket that lists records.
    static let digits = 3
    /// The root bucket, which directly or indirectly has the digests of all other buckets. It is
    /// not in the table: `KeystoreRecord` holds it.
    static let root = Name(text: "")
    /// The bucket of records that belong to no key.
    static let store = Name(text: "store")

    let text: String

    init(text: String) { self.text = text }
    init(digits: some Sequence<UInt8>) { text = String(decoding: Array(digits), as: UTF8.self) }

    /// The bucket that has the digest of this one; nil for the root.
    var parent: Name? {
      if self == .root { return nil }
      let isBelowRoot = self == .store || text.utf8.count == 1
      return isBelowRoot ? .root : Name(digits: text.utf8.prefix(1))
    }
    /// The name under which the parent lists the digest.
    var entryName: LedgerName { LedgerName(table: Self.table, name: text) }
    fileprivate static let table = "ledger"

    /// Nil unless the entry is the digest of a bucket.
    init?(listedAs entry: LedgerName) {
      guard entry.table == Self.table else { return nil }
      self.init(digits: entry.name)
    }

    var recordName: String { "the ledger's bucket \(text)" }
  }

  let name: Name
  /// The entries in the order of their names. The table stores these bytes, and the digest covers
  /// them.
  private(set) var bytes: [UInt8]

  init(_ name: Name, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }

  init(_ name: Name, entries: [Entry] = []) throws {
    self.name = name
    bytes = try Self.serialize(entries.sorted { $0.name < $1.name })
  }

  /// Returns the entries. Throws `editedRecord` if the bytes are not those of a bucket.
  func entries() throws -> [Entry] {
    do {
      return try WireReader.read(bytes.span.bytes) { (reader) throws(MessageError) in
        var entries: [Entry] = []
        while reader.offset < bytes.count {
          entries.append(try Entry.transcode(nil, through: &reader))
        }
        return entries
      }
    } catch {
      throw KeystoreError.editedRecord(name.recordName)
    }
  }

  private static func serialize(_ entries: [Entry]) throws(MessageError) -> [UInt8] {
    var writer = WireWriter()
    for entry in entries { _ = try Entry.transcode(entry, through: &writer) }
    return writer.bytes
  }

  /// The code of a record. Compares names without decoding the entries: there may be hundreds, and
  /// only one is needed.
  subscript(name: LedgerName) -> [UInt8]? {
    var writer = WireWriter()
    guard (try? LedgerName.transcode(name, through: &writer)) != nil else { return nil }
    let wanted = writer.bytes
    return bytes.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while let length = LedgerName.length(in: rest), rest.count >= length + Entry.codeLength {
        let code = rest.dropFirst(length).prefix(Entry.codeLength)
        if length == wanted.count, rest.prefix(length).elementsEqual(wanted) { return Array(code) }
        rest = rest.dropFirst(length + Entry.codeLength)
      }
      return nil
    }
  }

  /// Sets the latest code of a record. Nil removes the entry.
  mutating func set(_ code: [UInt8]?, for name: LedgerName) throws {
    try change { entries in
      entries.removeAll { $0.name == name }
      if let code {
        let index = entries.firstIndex { name < $0.name } ?? entries.count
        entries.insert(Entry(name: name, code: code), at: index)
      }
    }
  }

  mutating func removeAll(ofKey keyID: String) throws {
    try change { $0.removeAll { $0.name.keyID == keyID } }
  }

  private mutating func change(_ body: (inout [Entry]) -> Void) throws {
    var entries = try entries()
    body(&entries)
    bytes = try Self.serialize(entries)
  }

  // MARK: The table

  /// Returns the bytes of a bucket in the table, unverified; empty if there is no such bucket.
  static func fetch(_ name: Name, _ db: Database) throws -> [UInt8] {
    let statement = try db.cachedStatement(sql: "SELECT entries FROM ledger WHERE bucket = ?")
    do {
      return try Data.fetchOne(statement, arguments: [name.text]).map { Array($0) } ?? []
    } catch let error as DatabaseError where error.resultCode == .SQLITE_TOOBIG {
      throw KeystoreError.editedRecord(name.recordName)
    }
  }

  /// Passes the name of each bucket in the table to `take`. If a row is not a valid bucket, passes
  /// its name to `edited`.
  static func forEachName(
    _ db: Database, _ take: (Name) throws -> Void, edited: (String) throws -> Void
  ) throws {
    let rows = try Row.fetchCursor(db, sql: "SELECT bucket, typeof(entries) AS kind FROM ledger")
    var count = 0
    while let row = try rows.next() {
      count += 1
      try WorkLimit.checkRows(count, db)
      let stored = StoredRow(row: row, table: Name.table)
      do {
        let name = Name(text: try stored.text("bucket"))
        if try stored.text("kind") == "blob" { try take(name) } else { try edited(name.recordName) }
      } catch KeystoreError.editedRecord(let name) {
        try edited(name)
      }
    }
  }

  /// Writes the bucket to the table and returns its digest. Removes a bucket without entries and
  /// returns nil.
  func store(_ db: Database) throws -> [UInt8]? {
    if bytes.isEmpty {
      try db.cachedStatement(sql: "DELETE FROM ledger WHERE bucket = ?")
        .execute(arguments: [name.text])
      return nil
    }
    try db.cachedStatement(sql: "INSERT OR REPLACE INTO ledger (bucket, entries) VALUES (?, ?)")
      .execute(arguments: [name.text, Data(bytes)])
    return try Digest.sha256.hash(bytes)
  }
}
