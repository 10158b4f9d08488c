import CSQLite
import Foundation
import GRDB

/// A row of a keystore's table, with the exact bytes that SQLite stores. A value is accepted only
/// if the program could have written it: it must have the right storage class, and a text must be
/// valid UTF-8 without NUL.
///
/// SQLite compares all bytes of a text, but GRDB reads a text only up to the first NUL, and
/// replaces bytes that are not UTF-8. A look-up could therefore miss a record although the code of
/// the record is valid.
package struct StoredRow {
  package let row: Row
  package let table: String

  func text(_ column: String) throws -> String { try value(StoredText.self, column).text }

  func textIfAny(_ column: String) throws -> String? {
    try value(StoredText?.self, column)?.text
  }

  func integer(_ column: String) throws -> Int64 { try value(StoredInteger.self, column).value }

  func integerIfAny(_ column: String) throws -> Int64? {
    try value(StoredInteger?.self, column)?.value
  }

  /// Returns a date in milliseconds since 1970. A date outside the years 1 to 9999 cannot be shown.
  func date(_ column: String) throws -> Int64 { try shown(try integer(column)) }

  func dateIfAny(_ column: String) throws -> Int64? {
    try integerIfAny(column).map { try shown($0) }
  }

  private func shown(_ date: Int64) throws -> Int64 {
    guard Self.dates.contains(date) else { throw edited }
    return date
  }

  /// The years 1 to 9999 in milliseconds since 1970.
  private static let dates: Range<Int64> = -62_135_596_800_000..<253_402_300_800_000

  func bytes(_ column: String) throws -> Data { try value(StoredBytes.self, column).bytes }

  func bytesIfAny(_ column: String) throws -> Data? {
    try value(StoredBytes?.self, column)?.bytes
  }

  /// Returns the case of an enumeration that the text names.
  func name<Value: RawRepresentable<String>>(
    _ column: String, of type: Value.Type = Value.self
  ) throws -> Value {
    guard let value = Value(rawValue: try text(column)) else { throw edited }
    return value
  }

  func nameIfAny<Value: RawRepresentable<String>>(
    _ column: String, of type: Value.Type = Value.self
  ) throws -> Value? {
    guard let text = try textIfAny(column) else { return nil }
    guard let value = Value(rawValue: text) else { throw edited }
    return value
  }

  private func value<Value: DatabaseValueConvertible & StatementColumnConvertible>(
    _ type: Value.Type, _ column: String
  ) throws -> Value {
    do {
      return try row.decode(type, forColumn: column)
    } catch is RowDecodingError {
      throw edited
    }
  }

  private func value<Value: DatabaseValueConvertible & StatementColumnConvertible>(
    _ type: Value?.Type, _ column: String
  ) throws -> Value? {
    do {
      return try row.decode(type, forColumn: column)
    } catch is RowDecodingError {
      throw edited
    }
  }

  /// The error for a row with a value that the program did not write.
  private var edited: KeystoreError {
    let first = row.databaseValues.first.flatMap { String.fromDatabaseValue($0) } ?? ""
    return .editedRecord("record '\(first.prefix(80))' of table \(table)")
  }
}

/// A text without NUL, in valid UTF-8.
private struct StoredText: DatabaseValueConvertible, StatementColumnConvertible {
  let text: String

  init?(sqliteStatement: SQLiteStatement, index: CInt) {
    guard sqlite3_column_type(sqliteStatement, index) == SQLITE_TEXT,
      let start = sqlite3_column_text(sqliteStatement, index)
    else { return nil }
    let count = Int(sqlite3_column_bytes(sqliteStatement, index))
    let bytes = UnsafeBufferPointer(start: start, count: count)
    guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
      return nil
    }
    self.text = text
  }

  var databaseValue: DatabaseValue { text.databaseValue }
  // GRDB uses this only for copied rows, which have lost the bytes that this type checks.
  static func fromDatabaseValue(_ value: DatabaseValue) -> StoredText? { nil }
}

private struct StoredInteger: DatabaseValueConvertible, StatementColumnConvertible {
  let value: Int64

  init?(sqliteStatement: SQLiteStatement, index: CInt) {
    guard sqlite3_column_type(sqliteStatement, index) == SQLITE_INTEGER else { return nil }
    value = sqlite3_column_int64(sqliteStatement, index)
  }

  var databaseValue: DatabaseValue { value.databaseValue }
  static func fromDatabaseValue(_ value: DatabaseValue) -> StoredInteger? { nil }
}

private struct StoredBytes: DatabaseValueConvertible, StatementColumnConvertible {
  let bytes: Data

  init?(sqliteStatement: SQLiteStatement, index: CInt) {
    guard sqlite3_column_type(sqliteStatement, index) == SQLITE_BLOB else { return nil }
    // An empty value has no address.
    let start = sqlite3_column_blob(sqliteStatement, index)
    let count = Int(sqlite3_column_bytes(sqliteStatement, index))
    bytes = start.map { Data(bytes: $0, count: count) } ?? Data()
  }

  var databaseValue: DatabaseValue { bytes.databaseValue }
  static func fromDatabaseValue(_ value: DatabaseValue) -> StoredBytes? { nil }
}
