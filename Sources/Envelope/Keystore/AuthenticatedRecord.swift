import Foundation
import GRDB

/// A row of one of the keystore's tables.
protocol KeystoreRow: FetchableRecord, PersistableRecord {}

extension KeystoreRow {
  // Plain SQL: what a command looks up before it does anything must not wait for GRDB's query
  // interface, which asks for the schema of each table first.

  /// The first row that meets `condition`.
  static func first(
    _ db: Database, where condition: StaticString, _ arguments: StatementArguments
  ) throws -> Self? {
    let sql = "SELECT * FROM \(databaseTableName) WHERE \(condition)"
    return try fetchOne(db.cachedStatement(sql: sql), arguments: arguments)
  }

  /// Every row that meets `condition`, which may end in an order and a limit.
  static func all(
    _ db: Database, where condition: String, _ arguments: StatementArguments
  ) throws -> [Self] {
    let sql = "SELECT * FROM \(databaseTableName) WHERE \(condition)"
    return try fetchAll(db.cachedStatement(sql: sql), arguments: arguments)
  }

  /// All rows, in no order.
  static func all(_ db: Database) throws -> [Self] {
    try fetchAll(db.cachedStatement(sql: "SELECT * FROM \(databaseTableName)"))
  }
}

/// A row that decides what a key may do. It carries a code over all its other columns, so that an
/// edit of the database by hand is noticed.
protocol AuthenticatedRecord: KeystoreRow {
  /// What a message calls the record.
  var recordName: String { get }
  /// The columns of the table's first version but the code, in their order: what is stored is what
  /// the code covers.
  var columns: [(name: String, value: RecordField)] { get }
  /// Columns that later versions of the table added. Where they hold nothing, the code is the one
  /// that the record had before there were such columns.
  var laterColumns: [(name: String, value: RecordField)] { get }
  var authenticationCode: Data { get set }
}

/// A column's value as the code covers it.
enum RecordField: Equatable {
  case text(String)
  case integer(Int64)
  case bytes(Data)
  case absent

  static func optional(_ text: String?) -> RecordField { text.map(RecordField.text) ?? .absent }
  static func optional(_ bytes: Data?) -> RecordField { bytes.map(RecordField.bytes) ?? .absent }
  static func optional(_ value: Int64?) -> RecordField { value.map(RecordField.integer) ?? .absent }

  /// A kind, a length and the bytes, so that no two lists of fields read alike.
  func append(to message: inout [UInt8]) {
    switch self {
    case .absent: Self.append(0, [], to: &message)
    case .text(let text): Self.append(1, Array(text.utf8), to: &message)
    case .integer(let value):
      Self.append(2, withUnsafeBytes(of: value.bigEndian) { Array($0) }, to: &message)
    case .bytes(let bytes): Self.append(3, Array(bytes), to: &message)
    }
  }

  /// The value as the database keeps it.
  var databaseValue: DatabaseValue {
    switch self {
    case .absent: .null
    case .text(let text): text.databaseValue
    case .integer(let value): value.databaseValue
    case .bytes(let bytes): bytes.databaseValue
    }
  }

  private static func append(_ kind: UInt8, _ bytes: [UInt8], to message: inout [UInt8]) {
    message.append(kind)
    withUnsafeBytes(of: UInt64(bytes.count).bigEndian) { message.append(contentsOf: $0) }
    message.append(contentsOf: bytes)
  }
}

extension AuthenticatedRecord {
  var laterColumns: [(name: String, value: RecordField)] { [] }

  func encode(to container: inout PersistenceContainer) {
    for column in columns + laterColumns { container[column.name] = column.value.databaseValue }
    container["authenticationCode"] = authenticationCode
  }

  /// What the code covers: the keystore, the table and every field. The keystore's ID keeps a
  /// record from being moved into another store under the same root key.
  func authenticatedMessage(keystoreID: String, inLedger: Bool) -> [UInt8] {
    var message: [UInt8] = []
    RecordField.text(inLedger ? "envcrypt ledger record" : "envcrypt keystore record").append(
      to: &message)
    RecordField.text(keystoreID).append(to: &message)
    RecordField.text(Self.databaseTableName).append(to: &message)
    for column in columns { column.value.append(to: &message) }
    for column in laterColumns where column.value != .absent {
      RecordField.text(column.name).append(to: &message)
      column.value.append(to: &message)
    }
    return message
  }
}
