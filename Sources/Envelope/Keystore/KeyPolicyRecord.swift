import Foundation
import GRDB

/// A key's policy, where it is not the standard one. The key's own record has its digest.
struct KeyPolicyRecord: KeystoreRow {
  static let databaseTableName = "keyPolicy"

  var keyID: String
  var policy: String

  /// What the key's record has of it.
  func digest() throws(CryptoError) -> Data {
    Data(try Digest.sha256.hash(Array(policy.utf8)))
  }

  /// The document of a key; nil for the standard one. Throws `editedRecord` where it is not the one
  /// that `key` says.
  static func policy(of key: MasterKeyRecord, _ db: Database) throws -> String? {
    guard let digest = key.policyDigest else { return nil }
    guard let record = try first(db, where: "keyID = ?", [key.id]), try record.digest() == digest
    else { throw KeystoreError.editedRecord("policy of key \(key.id)") }
    return record.policy
  }
}

extension KeyPolicyRecord {
  init(row: Row) throws {
    keyID = try row.decode(forColumn: "keyID")
    policy = try row.decode(forColumn: "policy")
  }

  func encode(to container: inout PersistenceContainer) {
    container["keyID"] = keyID
    container["policy"] = policy
  }
}
