/// The recipient of a response: an AWS Nitro Enclave. A keystore refuses requests that have one.
package struct RecipientInfo: Codable, Sendable {
  package var keyEncryptionAlgorithm: String?
  package var attestationDocument: Blob?
}
