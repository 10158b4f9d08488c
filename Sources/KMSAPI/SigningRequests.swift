import Envelope

package struct GetPublicKeyRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyID: String
    /// DER SubjectPublicKeyInfo.
    package let publicKey: Blob
    package let keySpec: KeySpec
    package let customerMasterKeySpec: KeySpec?
    package let keyUsage: KeyUsage
    package let encryptionAlgorithms: [EncryptionAlgorithm]?
    package let signingAlgorithms: [SigningAlgorithm]?
    package let keyAgreementAlgorithms: [KeyAgreementAlgorithm]?

    package init(
      keyID: String, publicKey: Blob, keySpec: KeySpec, customerMasterKeySpec: KeySpec?,
      keyUsage: KeyUsage, encryptionAlgorithms: [EncryptionAlgorithm]?,
      signingAlgorithms: [SigningAlgorithm]?, keyAgreementAlgorithms: [KeyAgreementAlgorithm]?
    ) {
      self.keyID = keyID
      self.publicKey = publicKey
      self.keySpec = keySpec
      self.customerMasterKeySpec = customerMasterKeySpec
      self.keyUsage = keyUsage
      self.encryptionAlgorithms = encryptionAlgorithms
      self.signingAlgorithms = signingAlgorithms
      self.keyAgreementAlgorithms = keyAgreementAlgorithms
    }

    /// The public key as PEM text with the label "PUBLIC KEY".
    package var pem: String {
      let text = Base64.encode(publicKey.bytes)
      let lines = stride(from: 0, to: text.count, by: 64).map {
        String(decoding: text[$0..<min($0 + 64, text.count)], as: UTF8.self)
      }
      return (["-----BEGIN PUBLIC KEY-----"] + lines + ["-----END PUBLIC KEY-----", ""])
        .joined(separator: "\n")
    }
  }
  package static let operation = KeyServiceOperation.getPublicKey

  package var keyID: String
  package var grantTokens: [String]?

  package init(keyID: String) { self.keyID = keyID }
}

package struct SignRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyID: String
    /// PKCS #1 or PSS for RSA, DER for ECDSA, 64 bytes for Ed25519.
    package let signature: Blob
    package let signingAlgorithm: SigningAlgorithm

    package init(keyID: String, signature: Blob, signingAlgorithm: SigningAlgorithm) {
      self.keyID = keyID
      self.signature = signature
      self.signingAlgorithm = signingAlgorithm
    }
  }
  package static let operation = KeyServiceOperation.sign

  package var keyID: String
  package var message: Blob
  package var messageType: MessageType?
  package var signingAlgorithm: SigningAlgorithm
  package var grantTokens: [String]?
  package var dryRun: Bool?

  package init(
    keyID: String, message: Blob, messageType: MessageType? = nil,
    signingAlgorithm: SigningAlgorithm
  ) {
    self.keyID = keyID
    self.message = message
    self.messageType = messageType
    self.signingAlgorithm = signingAlgorithm
  }
}

/// Verify throws an error if the signature does not verify.
package struct VerifyRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyID: String
    package let signatureValid: Bool
    package let signingAlgorithm: SigningAlgorithm

    package init(keyID: String, signatureValid: Bool, signingAlgorithm: SigningAlgorithm) {
      self.keyID = keyID
      self.signatureValid = signatureValid
      self.signingAlgorithm = signingAlgorithm
    }
  }
  package static let operation = KeyServiceOperation.verify

  package var keyID: String
  package var message: Blob
  package var messageType: MessageType?
  package var signature: Blob
  package var signingAlgorithm: SigningAlgorithm
  package var grantTokens: [String]?
  package var dryRun: Bool?

  package init(
    keyID: String, message: Blob, messageType: MessageType? = nil, signature: Blob,
    signingAlgorithm: SigningAlgorithm
  ) {
    self.keyID = keyID
    self.message = message
    self.messageType = messageType
    self.signature = signature
    self.signingAlgorithm = signingAlgorithm
  }
}
