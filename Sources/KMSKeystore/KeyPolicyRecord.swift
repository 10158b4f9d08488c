import Envelope
import Foundation
import GRDB

/// The policy of a key, if it is not the default policy. The key's own record has its digest.
package struct KeyPolicyRecord: KeystoreRow {
  package static let databaseTableName = "keyPolicy"

  var keyID: String
  var policy: String

  package init(keyID: String, policy: String) {
    self.keyID = keyID
    self.policy = policy
  }

  /// Returns the digest of the policy, for the key's record.
  package func digest() throws(CryptoError) -> Data {
    Data(try Digest.sha256.hash(Array(policy.utf8)))
  }

  /// Returns the policy document of a key; nil for the default policy. Throws `editedRecord` if the
  /// document does not have the digest in `key`.
  static func policy(of key: MasterKeyRecord, _ db: Database) throws -> String? {
    guard let digest = key.policyDigest else { return nil }
    guard let record = try first(db, where: "keyID = ?", [key.id]), try record.digest() == digest
    else { throw KeystoreError.editedRecord("policy of key \(key.id)") }
    return record.policy
  }
}

extension KeyPolicyRecord {
  package init(_ row: StoredRow) throws {
    keyID = try row.text("keyID")
    policy = try row.text("policy")
  }

  package func encode(to container: inout PersistenceContainer) {
    container["keyID"] = keyID
    container["policy"] = policy
  }
}
