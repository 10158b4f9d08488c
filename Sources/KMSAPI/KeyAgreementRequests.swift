/// DeriveSharedSecret returns the x coordinate of the point that both parties compute (SP 800-56A,
/// ECC CDH).
package struct DeriveSharedSecretRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyID: String
    package let sharedSecret: SecretBlob
    package let keyAgreementAlgorithm: KeyAgreementAlgorithm
    package let keyOrigin: KeyOrigin

    package init(
      keyID: String, sharedSecret: SecretBlob, keyAgreementAlgorithm: KeyAgreementAlgorithm,
      keyOrigin: KeyOrigin
    ) {
      self.keyID = keyID
      self.sharedSecret = sharedSecret
      self.keyAgreementAlgorithm = keyAgreementAlgorithm
      self.keyOrigin = keyOrigin
    }
  }
  package static let operation = KeyServiceOperation.deriveSharedSecret

  package var keyID: String
  package var keyAgreementAlgorithm: KeyAgreementAlgorithm
  /// The public key of the other party, as DER SubjectPublicKeyInfo.
  package var publicKey: Blob
  package var grantTokens: [String]?
  package var dryRun: Bool?
  package var recipient: RecipientInfo?

  package init(
    keyID: String, keyAgreementAlgorithm: KeyAgreementAlgorithm = .ecdh, publicKey: Blob
  ) {
    self.keyID = keyID
    self.keyAgreementAlgorithm = keyAgreementAlgorithm
    self.publicKey = publicKey
  }
}
