import Foundation
import GRDB

/// A part of the ledger: the last codes of some records, or the digests of buckets.
struct LedgerBucket {
  struct Entry {
    let name: LedgerName
    /// 32 bytes.
    let code: [UInt8]

    static let codeLength = 32

    /// The fields in the order of the bucket.
    static func transcode(
      _ value: Entry?, through wire: inout some Wire
    ) throws(MessageError) -> Entry {
      Entry(
        name: LedgerName(
          table: try wire.text(value?.name.table, "a table"),
          keyID: try wire.text(value?.name.keyID, "a key ID"),
          name: try wire.block(value?.name.name, "a name")),
        code: try wire.bytes(value?.code, count: codeLength))
    }
  }

  /// Hexadecimal digits that the key IDs of the bucket's records begin with. A bucket with a shorter name
  /// has the digests of those whose names begin with it.
  struct Name: Hashable {
    /// Of the buckets that list records.
    static let digits = 3
    /// Has the digests of all others, by way of them. The keystore's own record holds it.
    static let root = Name(text: "")
    /// Lists what belongs to no key.
    static let store = Name(text: "store")

    let text: String

    init(text: String) { self.text = text }
    init(digits: some Sequence<UInt8>) { text = String(decoding: Array(digits), as: UTF8.self) }

    /// The bucket that has this one's digest; nil for the root.
    var parent: Name? {
      if self == .root { return nil }
      let isBelowRoot = self == .store || text.utf8.count == 1
      return isBelowRoot ? .root : Name(digits: text.utf8.prefix(1))
    }
    /// What the parent has the digest as.
    var entryName: LedgerName { LedgerName(table: Self.table, name: text) }
    private static let table = "ledger"

    /// Nil unless the entry is the digest of a bucket.
    init?(listedAs entry: LedgerName) {
      guard entry.table == Self.table else { return nil }
      self.init(digits: entry.name)
    }

    var recordName: String { "the ledger's bucket \(text)" }
  }

  let name: Name
  /// In the order of their names.
  private(set) var entries: [Entry]

  init(_ name: Name, entries: [Entry] = []) {
    self.name = name
    self.entries = entries.sorted { $0.name < $1.name }
  }

  /// Throws `editedRecord` where the bytes are no bucket.
  init(_ name: Name, parsing bytes: [UInt8]) throws {
    do {
      entries = try WireReader.read(bytes.span.bytes) { (reader) throws(MessageError) in
        var entries: [Entry] = []
        while reader.offset < bytes.count {
          entries.append(try Entry.transcode(nil, through: &reader))
        }
        return entries
      }
    } catch {
      throw KeystoreError.editedRecord(name.recordName)
    }
    self.name = name
  }

  /// Empty for a bucket without entries, which no other lists.
  func serialized() throws -> [UInt8] {
    var writer = WireWriter()
    for entry in entries { _ = try Entry.transcode(entry, through: &writer) }
    return writer.bytes
  }

  subscript(name: LedgerName) -> [UInt8]? {
    let index = index(of: name)
    guard index < entries.count, entries[index].name == name else { return nil }
    return entries[index].code
  }

  /// Notes the last code of a record, or with nil that it is gone.
  mutating func set(_ code: [UInt8]?, for name: LedgerName) {
    let index = index(of: name)
    let isThere = index < entries.count && entries[index].name == name
    entries.replaceSubrange(
      index..<(isThere ? index + 1 : index), with: code.map { [Entry(name: name, code: $0)] } ?? [])
  }

  mutating func removeAll(ofKey keyID: String) { entries.removeAll { $0.name.keyID == keyID } }

  /// Where the entry of that name is, or would be.
  private func index(of name: LedgerName) -> Int {
    var range = 0..<entries.count
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      if entries[middle].name < name {
        range = middle + 1..<range.upperBound
      } else {
        range = range.lowerBound..<middle
      }
    }
    return range.lowerBound
  }

  // MARK: The table

  /// The bytes of a bucket as the table has them, unverified; none where it has no such bucket.
  static func fetch(_ name: Name, _ db: Database) throws -> [UInt8] {
    let statement = try db.cachedStatement(sql: "SELECT entries FROM ledger WHERE bucket = ?")
    return try Data.fetchOne(statement, arguments: [name.text]).map { Array($0) } ?? []
  }

  /// Puts the bucket into the table. Returns its digest; nil for one without entries.
  func store(_ db: Database) throws -> [UInt8]? {
    if entries.isEmpty {
      try db.cachedStatement(sql: "DELETE FROM ledger WHERE bucket = ?")
        .execute(arguments: [name.text])
      return nil
    }
    let bytes = try serialized()
    try db.cachedStatement(sql: "INSERT OR REPLACE INTO ledger (bucket, entries) VALUES (?, ?)")
      .execute(arguments: [name.text, Data(bytes)])
    return try Digest.sha256.hash(bytes)
  }
}
