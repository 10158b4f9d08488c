import Foundation
import GRDB

/// A row of one of the keystore's tables.
protocol KeystoreRow: FetchableRecord, PersistableRecord {
  /// Throws `editedRecord` if a value is not one that the program writes.
  init(_ row: StoredRow) throws
}

extension KeystoreRow {
  package init(row: Row) throws {
    try self.init(StoredRow(row: row, table: Self.databaseTableName))
  }

  /// Runs a query of the table. Throws `editedRecord` for a value that is too long to be read.
  private static func reading<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as DatabaseError where error.resultCode == .SQLITE_TOOBIG {
      throw KeystoreError.editedRecord(tooLongName)
    }
  }

  private static var tooLongName: String {
    "a record of table \(databaseTableName) that is too long"
  }

  // Plain SQL, because GRDB's query interface first asks for the schema of each table. The look-ups
  // at the start of a command must not wait for that.

  /// Returns the first row that meets `condition`.
  static func first(
    _ db: Database, where condition: StaticString, _ arguments: StatementArguments
  ) throws -> Self? {
    let sql = "SELECT * FROM \(databaseTableName) WHERE \(condition)"
    return try reading { try fetchOne(db.cachedStatement(sql: sql), arguments: arguments) }
  }

  /// Returns every row that meets `condition`, which may end with `ORDER BY` and `LIMIT`.
  static func all(
    _ db: Database, where condition: String, _ arguments: StatementArguments
  ) throws -> [Self] {
    let sql = "SELECT * FROM \(databaseTableName) WHERE \(condition)"
    return try fetchAll(sql, arguments, db)
  }

  /// Returns all rows, in no particular order.
  static func all(_ db: Database) throws -> [Self] {
    try fetchAll("SELECT * FROM \(databaseTableName)", [], db)
  }

  private static func fetchAll(
    _ sql: String, _ arguments: StatementArguments, _ db: Database
  ) throws -> [Self] {
    try reading {
      let cursor = try fetchCursor(db.cachedStatement(sql: sql), arguments: arguments)
      var records: [Self] = []
      while let record = try cursor.next() {
        records.append(record)
        try WorkLimit.checkRows(records.count, db)
      }
      return records
    }
  }

  /// Returns all rows that can be read and meet `condition`, which may end with `ORDER BY` and
  /// `LIMIT`. If a row cannot be read, passes its name and the row to `edited`. If a value is too
  /// long, passes nil as the row, and does not read the rows after it.
  static func readable(
    _ db: Database, columns: String = "*", where condition: String = "TRUE",
    with arguments: StatementArguments = [], _ edited: (_ name: String, Row?) throws -> Void
  ) throws -> [Self] {
    let sql = "SELECT \(columns) FROM \(databaseTableName) WHERE \(condition)"
    let rows = try Row.fetchCursor(db.cachedStatement(sql: sql), arguments: arguments)
    var records: [Self] = []
    var count = 0
    while true {
      do {
        guard let row = try reading(rows.next) else { break }
        count += 1
        try WorkLimit.checkRows(count, db)
        do {
          records.append(try Self(row: row))
        } catch KeystoreError.editedRecord(let name) {
          try edited(name, row)
        }
      } catch KeystoreError.editedRecord(let name) where name == tooLongName {
        try edited(name, nil)
        break
      }
    }
    return records
  }
}

/// A row that has an influence on what a key may do. One of its columns is an authentication code
/// over all the others, so an edit of the database by hand is detected.
protocol AuthenticatedRecord: KeystoreRow {
  /// The name of the record in messages.
  var recordName: String { get }
  /// The columns of the table's first version except the code, in their order. The code covers
  /// exactly the stored values.
  var columns: [(name: String, value: RecordField)] { get }
  /// The columns that later versions of the table added. The code covers only those that are not
  /// NULL, so a record from before a column keeps its code.
  var laterColumns: [(name: String, value: RecordField)] { get }
  var authenticationCode: Data { get set }
}

/// The value of a column, in the form that the code covers.
enum RecordField: Equatable {
  case text(String)
  case integer(Int64)
  case bytes(Data)
  case absent

  static func optional(_ text: String?) -> RecordField { text.map(RecordField.text) ?? .absent }
  static func optional(_ bytes: Data?) -> RecordField { bytes.map(RecordField.bytes) ?? .absent }
  static func optional(_ value: Int64?) -> RecordField { value.map(RecordField.integer) ?? .absent }

  /// Appends a kind, a length and the bytes, so that two different lists of fields never give the
  /// same message.
  func append(to message: inout [UInt8]) {
    switch self {
    case .absent: Self.append(0, [], to: &message)
    case .text(let text): Self.append(1, Array(text.utf8), to: &message)
    case .integer(let value):
      Self.append(2, withUnsafeBytes(of: value.bigEndian) { Array($0) }, to: &message)
    case .bytes(let bytes): Self.append(3, Array(bytes), to: &message)
    }
  }

  /// The value in the form that the database stores.
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

  package func encode(to container: inout PersistenceContainer) {
    for column in columns + laterColumns { container[column.name] = column.value.databaseValue }
    container["authenticationCode"] = authenticationCode
  }

  /// Returns the bytes that the code covers: the keystore, the table and every field. The
  /// keystore's ID prevents a record from being moved into another store under the same root key.
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
