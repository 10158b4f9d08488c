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

  /// All rows in the order of `columns`.
  static func all(_ db: Database, orderedBy columns: StaticString) throws -> [Self] {
    let sql = "SELECT * FROM \(databaseTableName) ORDER BY \(columns)"
    return try fetchAll(db.cachedStatement(sql: sql))
  }
}

/// A row that decides what a key may do. It carries a code over all its other columns, so that an
/// edit of the database by hand is noticed.
protocol AuthenticatedRecord: KeystoreRow {
  /// What a message calls the record.
  var recordName: String { get }
  /// All columns but the code, in the order of the table: what is stored is what the code covers.
  var columns: [(name: String, value: RecordField)] { get }
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
  func encode(to container: inout PersistenceContainer) {
    for column in columns { container[column.name] = column.value.databaseValue }
    container["authenticationCode"] = authenticationCode
  }

  /// What the code covers: the keystore, the table and every field. The keystore's ID keeps a
  /// record from being moved into another store under the same root key.
  func authenticatedMessage(keystoreID: String) -> [UInt8] {
    var message: [UInt8] = []
    RecordField.text("envcrypt keystore record").append(to: &message)
    RecordField.text(keystoreID).append(to: &message)
    RecordField.text(Self.databaseTableName).append(to: &message)
    for column in columns { column.value.append(to: &message) }
    return message
  }
}

/// The keystore itself: one row.
struct KeystoreRecord: AuthenticatedRecord {
  static let databaseTableName = "keystore"

  var id: String
  var creationDate: Int64
  var authenticationCode = Data()

  var recordName: String { "keystore \(id)" }
  var columns: [(name: String, value: RecordField)] {
    [
      ("id", .text(id)),
      ("creationDate", .integer(creationDate)),
    ]
  }
}

extension KeystoreRecord {
  init(row: Row) throws {
    id = try row.decode(forColumn: "id")
    creationDate = try row.decode(forColumn: "creationDate")
    authenticationCode = try row.decode(forColumn: "authenticationCode")
  }
}

/// A master key, without its material.
struct MasterKeyRecord: AuthenticatedRecord {
  static let databaseTableName = "masterKey"

  /// A UUID in lower case.
  var id: String
  var spec: KeySpec
  var usage: KeyUsage
  var state: KeyState
  var origin: KeyOrigin
  var manager: KeyManager
  var description: String
  var creationDate: Int64
  /// The version that wraps; all from 1 on unwrap.
  var currentVersion: Int64
  var authenticationCode = Data()

  var recordName: String { "key \(id)" }
  var columns: [(name: String, value: RecordField)] {
    [
      ("id", .text(id)),
      ("spec", .text(spec.rawValue)),
      ("usage", .text(usage.rawValue)),
      ("state", .text(state.rawValue)),
      ("origin", .text(origin.rawValue)),
      ("manager", .text(manager.rawValue)),
      ("description", .text(description)),
      ("creationDate", .integer(creationDate)),
      ("currentVersion", .integer(currentVersion)),
    ]
  }
}

extension MasterKeyRecord {
  init(row: Row) throws {
    id = try row.decode(forColumn: "id")
    spec = try row.decode(forColumn: "spec")
    usage = try row.decode(forColumn: "usage")
    state = try row.decode(forColumn: "state")
    origin = try row.decode(forColumn: "origin")
    manager = try row.decode(forColumn: "manager")
    description = try row.decode(forColumn: "description")
    creationDate = try row.decode(forColumn: "creationDate")
    currentVersion = try row.decode(forColumn: "currentVersion")
    authenticationCode = try row.decode(forColumn: "authenticationCode")
  }
}

/// One version of a master key's material, wrapped.
struct KeyVersionRecord: AuthenticatedRecord {
  static let databaseTableName = "keyVersion"

  var keyID: String
  var version: Int64
  var creationDate: Int64
  /// DER SubjectPublicKeyInfo of an RSA key.
  var publicKey: Data?
  /// Lower-case hexadecimal SHA-256 of `publicKey`.
  var fingerprint: String?
  /// The name under which other programs' messages know an imported key.
  var foreignProviderID: String?
  var foreignKeyName: String?
  var foreignPadding: String?
  var nonce: Data
  var wrappedMaterial: Data
  var authenticationCode = Data()

  var recordName: String { "version \(version) of key \(keyID)" }
  var columns: [(name: String, value: RecordField)] {
    [
      ("keyID", .text(keyID)),
      ("version", .integer(version)),
      ("creationDate", .integer(creationDate)),
      ("publicKey", .optional(publicKey)),
      ("fingerprint", .optional(fingerprint)),
      ("foreignProviderID", .optional(foreignProviderID)),
      ("foreignKeyName", .optional(foreignKeyName)),
      ("foreignPadding", .optional(foreignPadding)),
      ("nonce", .bytes(nonce)),
      ("wrappedMaterial", .bytes(wrappedMaterial)),
    ]
  }
}

extension KeyVersionRecord {
  init(row: Row) throws {
    keyID = try row.decode(forColumn: "keyID")
    version = try row.decode(forColumn: "version")
    creationDate = try row.decode(forColumn: "creationDate")
    publicKey = try row.decode(forColumn: "publicKey")
    fingerprint = try row.decode(forColumn: "fingerprint")
    foreignProviderID = try row.decode(forColumn: "foreignProviderID")
    foreignKeyName = try row.decode(forColumn: "foreignKeyName")
    foreignPadding = try row.decode(forColumn: "foreignPadding")
    nonce = try row.decode(forColumn: "nonce")
    wrappedMaterial = try row.decode(forColumn: "wrappedMaterial")
    authenticationCode = try row.decode(forColumn: "authenticationCode")
  }
}

/// A name for a master key.
struct AliasRecord: AuthenticatedRecord {
  static let databaseTableName = "alias"

  var name: String
  var targetKeyID: String
  var creationDate: Int64
  var lastUpdatedDate: Int64
  var authenticationCode = Data()

  var recordName: String { "alias \(name)" }
  var columns: [(name: String, value: RecordField)] {
    [
      ("name", .text(name)),
      ("targetKeyID", .text(targetKeyID)),
      ("creationDate", .integer(creationDate)),
      ("lastUpdatedDate", .integer(lastUpdatedDate)),
    ]
  }
}

extension AliasRecord {
  init(row: Row) throws {
    name = try row.decode(forColumn: "name")
    targetKeyID = try row.decode(forColumn: "targetKeyID")
    creationDate = try row.decode(forColumn: "creationDate")
    lastUpdatedDate = try row.decode(forColumn: "lastUpdatedDate")
    authenticationCode = try row.decode(forColumn: "authenticationCode")
  }
}

extension KeySpec: DatabaseValueConvertible {}
extension KeyUsage: DatabaseValueConvertible {}
extension KeyState: DatabaseValueConvertible {}
extension KeyOrigin: DatabaseValueConvertible {}
extension KeyManager: DatabaseValueConvertible {}
