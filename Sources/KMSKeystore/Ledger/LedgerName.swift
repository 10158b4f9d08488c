import Envelope

/// The name of the record that an entry of the ledger is about.
package struct LedgerName: Hashable, Comparable {
  /// The table that has the record.
  let table: String
  /// The key that the record belongs to; empty if it belongs to the store.
  let keyID: String
  /// The part that distinguishes the key's records in that table. Bytes, because Swift considers
  /// some different texts equal.
  let name: [UInt8]

  init(table: String, keyID: String = "", name: [UInt8] = []) {
    self.table = table
    self.keyID = keyID
    self.name = name
  }

  init(table: String, keyID: String = "", name: String) {
    self.init(table: table, keyID: keyID, name: Array(name.utf8))
  }

  /// The bucket that lists the record. It also lists all other records of the same key, and those
  /// of some other keys.
  var bucket: LedgerBucket.Name {
    let digits = keyID.utf8.prefix(LedgerBucket.Name.digits)
    // If the record belongs to the store, the ID is empty. All other IDs in the ledger begin with
    // hexadecimal digits.
    let isOfAKey = digits.count == LedgerBucket.Name.digits && digits.allSatisfy(Self.isHexadecimal)
    return isOfAKey ? LedgerBucket.Name(digits: digits) : .store
  }

  /// Reads or writes the fields (see `Wire`), in the order in which a bucket stores them.
  static func transcode(
    _ value: LedgerName?, through wire: inout some Wire
  ) throws(MessageError) -> LedgerName {
    LedgerName(
      table: try wire.text(value?.table, "a table"), keyID: try wire.text(value?.keyID, "a key ID"),
      name: try wire.block(value?.name, "a name"))
  }

  /// Returns the length of the name at the beginning of `bytes`; nil if they end within the name.
  static func length(in bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
    var length = 0
    for _ in 0..<3 {
      guard bytes.count >= length + 2 else { return nil }
      let start = bytes.startIndex + length
      length += 2 + Int(bytes[start]) << 8 + Int(bytes[start + 1])
    }
    return bytes.count >= length ? length : nil
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }

  package static func < (a: LedgerName, b: LedgerName) -> Bool {
    if a.table != b.table { return a.table.utf8.lexicographicallyPrecedes(b.table.utf8) }
    if a.keyID != b.keyID { return a.keyID.utf8.lexicographicallyPrecedes(b.keyID.utf8) }
    return a.name.lexicographicallyPrecedes(b.name)
  }

  /// The name of the record in messages.
  var recordName: String {
    let name = String(decoding: name, as: UTF8.self)
    return switch table {
    case MasterKeyRecord.databaseTableName: "key \(keyID)"
    case KeyVersionRecord.databaseTableName: "version \(name) of key \(keyID)"
    case TagRecord.databaseTableName: "tag '\(name)' of key \(keyID)"
    case AliasRecord.databaseTableName: "alias \(name)"
    case StackRecord.databaseTableName: "stack \(name)"
    case ProtectorRecord.databaseTableName: "protector \(name)"
    case AuditAnchorRecord.databaseTableName: "audit anchor"
    default: "\(table) \(name)"
    }
  }
}
