import Foundation
import GRDB

/// A part of the ledger: the last codes of some records, or the digests of buckets.
struct LedgerBucket {
  struct Entry {
    let name: LedgerName
    let code: Data
  }

  /// Hexadecimal digits that the key IDs of the bucket's records begin with. A bucket whose name is shorter
  /// has the digests of those whose names are one digit longer.
  struct Name: Hashable {
    static let depth = 3
    /// Has the digests of all others, by way of them.
    static let root = Name(text: "")
    /// Lists what belongs to no key.
    static let store = Name(text: "store")

    let text: String

    init(text: String) { self.text = text }
    init(digits: some Sequence<UInt8>) { text = String(decoding: Array(digits), as: UTF8.self) }

    /// The bucket that has this one's digest; nil for the root.
    var parent: Name? {
      if self == .root { return nil }
      return self == .store ? .root : Name(digits: text.utf8.dropLast())
    }
    /// What the parent has the digest as.
    var entryName: LedgerName { LedgerName(table: Self.table, name: text) }
    private static let table = "ledger"

    /// Nil unless the entry is the digest of a bucket.
    init?(listedAs entry: LedgerName) {
      guard entry.table == Self.table else { return nil }
      self.init(digits: entry.name)
    }

    var recordName: String {
      self == .root ? "the ledger's root" : "the ledger's bucket \(text)"
    }
  }

  let name: Name
  /// In the order of their names.
  private(set) var entries: [Entry]

  init(_ name: Name, entries: [Entry] = []) {
    self.name = name
    self.entries = entries.sorted { $0.name < $1.name }
  }

  /// Buckets on a way to the root, at most `Name.depth + 1`, as the table has them: unverified.
  static func fetch(_ names: [Name], _ db: Database) throws -> [Name: LedgerBucket] {
    var buckets: [Name: LedgerBucket] = [:]
    for name in names { buckets[name] = LedgerBucket(name) }
    // One statement for as many as there can be: the last is asked for more than once.
    func text(_ index: Int) -> String { names[min(index, names.count - 1)].text }
    let statement = try db.cachedStatement(
      sql: """
        SELECT bucket, tableName, keyID, name, code FROM ledger WHERE bucket IN (?, ?, ?, ?)
        ORDER BY bucket, tableName, keyID, name
        """)
    let rows = try Row.fetchCursor(statement, arguments: [text(0), text(1), text(2), text(3)])
    while let row = try rows.next() {
      buckets[Name(text: try row.decode(atIndex: 0))]?.entries.append(
        Entry(
          name: LedgerName(
            table: try row.decode(atIndex: 1), keyID: try row.decode(atIndex: 2),
            name: Array(try row.decode(Data.self, atIndex: 3))),
          code: try row.decode(atIndex: 4)))
    }
    return buckets
  }

  subscript(name: LedgerName) -> Data? {
    let index = index(of: name)
    guard index < entries.count, entries[index].name == name else { return nil }
    return entries[index].code
  }

  /// Nil for a bucket without entries, which its parent does not list.
  func digest() throws(CryptoError) -> Data? {
    if entries.isEmpty { return nil }
    var message: [UInt8] = []
    for entry in entries {
      RecordField.text(entry.name.table).append(to: &message)
      RecordField.text(entry.name.keyID).append(to: &message)
      RecordField.bytes(Data(entry.name.name)).append(to: &message)
      RecordField.bytes(entry.code).append(to: &message)
    }
    return Data(try Digest.sha256.hash(message))
  }

  /// Notes the last code of a record, or with nil that it is gone.
  mutating func set(_ code: Data?, for name: LedgerName, _ db: Database) throws {
    let index = index(of: name)
    let isThere = index < entries.count && entries[index].name == name
    if let code {
      entries.replaceSubrange(
        index..<(isThere ? index + 1 : index), with: [Entry(name: name, code: code)])
      try insert(entries[index], db)
    } else if isThere {
      entries.remove(at: index)
      try db.cachedStatement(
        sql: "DELETE FROM ledger WHERE bucket = ? AND tableName = ? AND keyID = ? AND name = ?"
      ).execute(arguments: [self.name.text, name.table, name.keyID, Data(name.name)])
    }
  }

  /// Puts the entries into the table, which has none of this bucket.
  func insert(_ db: Database) throws { for entry in entries { try insert(entry, db) } }

  private func insert(_ entry: Entry, _ db: Database) throws {
    try db.cachedStatement(
      sql: """
        INSERT OR REPLACE INTO ledger (bucket, tableName, keyID, name, code)
        VALUES (?, ?, ?, ?, ?)
        """
    ).execute(
      arguments: [
        name.text, entry.name.table, entry.name.keyID, Data(entry.name.name), entry.code,
      ])
  }

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
}
