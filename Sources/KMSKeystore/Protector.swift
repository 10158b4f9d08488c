import Envelope
import Foundation
import GRDB
import Glibc
import SystemPackage

/// The kind of a protector. A keystore can have several protectors, and each one alone gives access
/// to the root key, like the key slots of a LUKS volume.
package enum ProtectorKind: String, Codable, Sendable {
  /// A key derived from a passphrase with scrypt wraps the root key.
  case passphrase
  /// A key derived from a file of random bytes wraps the root key.
  case keyFile = "key-file"
  /// The root key is stored in the clear in the keystore. Only the file's mode protects it.
  case none
}

/// A protector to be made, with its secret.
package enum NewProtector: ~Copyable {
  case passphrase(SecretBytes)
  /// The path to record, and the contents of the file.
  case keyFile(FilePath, contents: SecretBytes)
  case none
}

/// The public description of a protector, without secrets.
package struct ProtectorDescription: Equatable, Sendable {
  package let id: String
  package let kind: ProtectorKind
  package let creationDate: Date
  package let keyFilePath: String?
  package let label: String?
}

/// A row of the protector table. It needs no authentication code: an edited row gives no root key,
/// or a root key that does not verify the other records. The ledger shows if the protector is still
/// valid.
package struct ProtectorRecord: LedgerRecord {
  package static let databaseTableName = "protector"

  var id: String
  var kind: ProtectorKind
  var creationDate: Int64
  var keyFilePath: String?
  var salt: Data
  var scryptCost: Int64?
  var scryptBlockSize: Int64?
  var scryptParallelism: Int64?
  var nonce: Data
  var wrappedRootKey: Data
  var label: String?

  /// Wraps `rootKey` with the secret of `protector`.
  init(
    _ protector: consuming NewProtector, label: String? = nil,
    wrapping rootKey: borrowing RootKey, keystoreID: String, creationDate: Int64
  ) throws {
    self.label = label
    id = Hexadecimal.encode(try Random.bytes(4))
    self.creationDate = creationDate
    salt = Data(try Random.bytes(32))
    nonce = Data(try Nonce.random().bytes)
    wrappedRootKey = Data()
    switch consume protector {
    case .none:
      kind = .none
      salt = Data()
      nonce = Data()
      wrappedRootKey = rootKey.bytes.withBytes { bytes in bytes.withUnsafeBytes { Data($0) } }
    case .passphrase(let passphrase):
      kind = .passphrase
      let scrypt = Scrypt.standard
      scryptCost = Int64(scrypt.cost)
      scryptBlockSize = Int64(scrypt.blockSize)
      scryptParallelism = Int64(scrypt.parallelism)
      let key = try Self.key(from: passphrase, with: scrypt, salt: salt)
      wrappedRootKey = Data(try wrap(rootKey, under: key, keystoreID: keystoreID))
    case .keyFile(let path, let contents):
      kind = .keyFile
      keyFilePath = path.string
      let key = try Self.key(fromFile: contents, salt: salt)
      wrappedRootKey = Data(try wrap(rootKey, under: key, keystoreID: keystoreID))
    }
  }

  /// The most protectors of a keystore. Nobody needs more, and a user who can write the file could
  /// make us try them for hours.
  static let mostProtectors = 100

  /// Returns all protectors, oldest first. Sorts here, because sorting the few rows in SQLite takes
  /// longer than reading them. Throws `tooManyProtectors`, `editedRecord`.
  static func oldestFirst(_ db: Database) throws -> [ProtectorRecord] {
    try oldestFirst(db) { throw $0 }
  }

  /// Returns the same, but passes the error of a protector that cannot be read to `refused`.
  static func oldestFirst(
    _ db: Database, _ refused: (KeystoreError) throws -> Void
  ) throws -> [ProtectorRecord] {
    let sql = "SELECT * FROM \(databaseTableName) LIMIT \(mostProtectors + 1)"
    let rows = try Row.fetchCursor(db.cachedStatement(sql: sql))
    var all: [ProtectorRecord] = []
    var count = 0
    while let row = try rows.next() {
      count += 1
      do {
        all.append(try ProtectorRecord(row: row))
      } catch let error as KeystoreError {
        try refused(error)
      }
    }
    guard count <= mostProtectors else {
      throw KeystoreError.tooManyProtectors(limit: mostProtectors)
    }
    return all.sorted { ($0.creationDate, $0.id) < ($1.creationDate, $1.id) }
  }

  /// True if no field is longer than our protectors' fields. A row is not authenticated before it
  /// unlocks the store.
  private var hasUsualLengths: Bool {
    id.utf8.count <= 64 && salt.count <= 64 && nonce.count <= AESGCM.nonceLength
      && wrappedRootKey.count <= RootKey.length + AESGCM.tagLength
      && (keyFilePath?.utf8.count ?? 0) <= Int(PATH_MAX)
      && (label?.utf8.count ?? 0) <= ProtectorLabel.mostBytes
  }

  /// True if the fields that this kind of protector does not use are empty. In the ledger's code, an
  /// empty number looks like 0.
  var hasOwnFieldsOnly: Bool {
    let parameters = [scryptCost, scryptBlockSize, scryptParallelism]
    return switch kind {
    case .passphrase: keyFilePath == nil && !parameters.contains(nil)
    case .keyFile: keyFilePath != nil && parameters == [nil, nil, nil]
    case .none:
      keyFilePath == nil && parameters == [nil, nil, nil] && salt.isEmpty && nonce.isEmpty
    }
  }

  /// The scrypt parameters; nil if they are out of bounds.
  var scrypt: Scrypt? {
    guard let cost = scryptCost, let blockSize = scryptBlockSize,
      let parallelism = scryptParallelism, cost > 0, blockSize > 0, parallelism > 0
    else { return nil }
    let scrypt = Scrypt(
      cost: UInt64(cost), blockSize: UInt64(blockSize), parallelism: UInt64(parallelism))
    return scrypt.isValid ? scrypt : nil
  }

  package var description: ProtectorDescription {
    ProtectorDescription(
      id: id, kind: kind, creationDate: Date(milliseconds: creationDate),
      keyFilePath: keyFilePath, label: label)
  }

  /// Returns the root key that is stored in the clear; nil unless the kind is `none`.
  func rootKeyInTheClear() -> RootKey? {
    guard kind == .none, wrappedRootKey.count == RootKey.length else { return nil }
    return RootKey(bytes: SecretBytes(copying: wrappedRootKey.bytes))
  }

  /// Unwraps the root key; nil if the passphrase is wrong.
  func unwrap(passphrase: borrowing SecretBytes, keystoreID: String) throws -> RootKey? {
    guard let scrypt else { return nil }
    return try unwrap(
      under: try Self.key(from: passphrase, with: scrypt, salt: salt), keystoreID: keystoreID)
  }

  /// Unwraps the root key; nil if it is the wrong key file.
  func unwrap(keyFile contents: borrowing SecretBytes, keystoreID: String) throws -> RootKey? {
    try unwrap(under: try Self.key(fromFile: contents, salt: salt), keystoreID: keystoreID)
  }

  package var ledgerName: LedgerName { LedgerName(table: Self.databaseTableName, name: id) }

  package func ledgerCode() throws -> [UInt8] {
    var labelled: [UInt8] = []
    // A protector from before there were labels keeps its code.
    if let label {
      for field in [RecordField.text("label"), .text(label)] { field.append(to: &labelled) }
    }
    return try Digest.sha256.hash(
      authenticatedData(keystoreID: "") + Array(nonce) + Array(wrappedRootKey) + labelled)
  }

  private func wrap(
    _ rootKey: borrowing RootKey, under key: borrowing ProtectorKey, keystoreID: String
  ) throws -> [UInt8] {
    let nonce = Nonce(bytes: nonce)
    let aad = authenticatedData(keystoreID: keystoreID)
    return try rootKey.bytes.withBytes { (bytes) throws(CryptoError) in
      try AESGCM.seal(bytes, under: key.bytes, nonce: nonce, authenticating: aad)
    }
  }

  private func unwrap(
    under key: borrowing ProtectorKey, keystoreID: String
  ) throws -> RootKey? {
    guard nonce.count == AESGCM.nonceLength,
      wrappedRootKey.count == RootKey.length + AESGCM.tagLength
    else { return nil }
    do {
      return RootKey(
        bytes: try AESGCM.open(
          Array(wrappedRootKey), under: key.bytes, nonce: Nonce(bytes: nonce),
          authenticating: authenticatedData(keystoreID: keystoreID)))
    } catch .authenticationFailed {
      return nil
    }
  }

  /// Returns all fields except the nonce, the wrapped key and the label, which only the ledger covers.
  private func authenticatedData(keystoreID: String) -> [UInt8] {
    var data: [UInt8] = []
    let fields: [RecordField] = [
      .text("envcrypt protector"), .text(keystoreID), .text(id), .text(kind.rawValue),
      .integer(creationDate), .optional(keyFilePath), .bytes(salt), .integer(scryptCost ?? 0),
      .integer(scryptBlockSize ?? 0), .integer(scryptParallelism ?? 0),
    ]
    for field in fields { field.append(to: &data) }
    return data
  }

  private static func key(
    from passphrase: borrowing SecretBytes, with scrypt: Scrypt, salt: Data
  ) throws -> ProtectorKey {
    ProtectorKey(bytes: try scrypt.derive(from: passphrase, salt: Array(salt), count: 32))
  }

  private static func key(
    fromFile contents: borrowing SecretBytes, salt: Data
  ) throws -> ProtectorKey {
    ProtectorKey(
      bytes: try HKDF.derive(
        .sha256, from: contents, salt: Array(salt), info: Array("envcrypt key file".utf8), count: 32
      ))
  }
}

extension ProtectorRecord {
  package init(_ row: StoredRow) throws {
    id = try row.text("id")
    kind = try row.name("kind")
    creationDate = try row.date("creationDate")
    keyFilePath = try row.textIfAny("keyFilePath")
    salt = try row.bytes("salt")
    scryptCost = try row.integerIfAny("scryptCost")
    scryptBlockSize = try row.integerIfAny("scryptBlockSize")
    scryptParallelism = try row.integerIfAny("scryptParallelism")
    nonce = try row.bytes("nonce")
    wrappedRootKey = try row.bytes("wrappedRootKey")
    label = try row.textIfAny("label")
    guard hasUsualLengths else { throw KeystoreError.editedRecord("protector \(id.prefix(16))") }
  }

  package func encode(to container: inout PersistenceContainer) {
    container["id"] = id
    container["kind"] = kind
    container["creationDate"] = creationDate
    container["keyFilePath"] = keyFilePath
    container["salt"] = salt
    container["scryptCost"] = scryptCost
    container["scryptBlockSize"] = scryptBlockSize
    container["scryptParallelism"] = scryptParallelism
    container["nonce"] = nonce
    container["wrappedRootKey"] = wrappedRootKey
    container["label"] = label
  }
}

extension ProtectorKind: DatabaseValueConvertible {}
