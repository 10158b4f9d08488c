/// The recipient of a response: an AWS Nitro Enclave. A keystore refuses it.
package struct RecipientInfo: Codable, Sendable {
  package var keyEncryptionAlgorithm: String?
  package var attestationDocument: Blob?
}
