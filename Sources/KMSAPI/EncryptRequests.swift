import Envelope

/// Encrypt encrypts at most 4096 bytes.
package struct EncryptRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let ciphertextBlob: Blob
    package let keyID: String
    package let encryptionAlgorithm: EncryptionAlgorithm

    package init(ciphertextBlob: Blob, keyID: String, encryptionAlgorithm: EncryptionAlgorithm) {
      self.ciphertextBlob = ciphertextBlob
      self.keyID = keyID
      self.encryptionAlgorithm = encryptionAlgorithm
    }
  }
  package static let operation = KeyServiceOperation.encrypt

  package var keyID: String
  package var plaintext: SecretBlob
  package var encryptionContext: EncryptionContext?
  package var encryptionAlgorithm: EncryptionAlgorithm?
  package var grantTokens: [String]?
  package var dryRun: Bool?

  package init(
    keyID: String, plaintext: SecretBlob, encryptionContext: EncryptionContext? = nil,
    encryptionAlgorithm: EncryptionAlgorithm? = nil
  ) {
    self.keyID = keyID
    self.plaintext = plaintext
    self.encryptionContext = encryptionContext
    self.encryptionAlgorithm = encryptionAlgorithm
  }
}

/// Decrypt finds the key by the ciphertext if the key is symmetric. For any other ciphertext, the
/// request must name the key.
package struct DecryptRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyID: String
    package let plaintext: SecretBlob
    package let encryptionAlgorithm: EncryptionAlgorithm
    package let keyMaterialID: String?

    package init(
      keyID: String, plaintext: SecretBlob, encryptionAlgorithm: EncryptionAlgorithm,
      keyMaterialID: String?
    ) {
      self.keyID = keyID
      self.plaintext = plaintext
      self.encryptionAlgorithm = encryptionAlgorithm
      self.keyMaterialID = keyMaterialID
    }
  }
  package static let operation = KeyServiceOperation.decrypt

  package var ciphertextBlob: Blob
  package var encryptionContext: EncryptionContext?
  package var keyID: String?
  package var encryptionAlgorithm: EncryptionAlgorithm?
  package var grantTokens: [String]?
  package var dryRun: Bool?
  package var recipient: RecipientInfo?

  package init(
    ciphertextBlob: Blob, encryptionContext: EncryptionContext? = nil, keyID: String? = nil,
    encryptionAlgorithm: EncryptionAlgorithm? = nil
  ) {
    self.ciphertextBlob = ciphertextBlob
    self.encryptionContext = encryptionContext
    self.keyID = keyID
    self.encryptionAlgorithm = encryptionAlgorithm
  }
}

/// ReEncrypt decrypts under one key and encrypts under another. It does not return the plaintext.
package struct ReEncryptRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let ciphertextBlob: Blob
    package let sourceKeyID: String
    package let keyID: String
    package let sourceEncryptionAlgorithm: EncryptionAlgorithm
    package let destinationEncryptionAlgorithm: EncryptionAlgorithm
    package let sourceKeyMaterialID: String?
    package let destinationKeyMaterialID: String?

    package init(
      ciphertextBlob: Blob, sourceKeyID: String, keyID: String,
      sourceEncryptionAlgorithm: EncryptionAlgorithm,
      destinationEncryptionAlgorithm: EncryptionAlgorithm, sourceKeyMaterialID: String?,
      destinationKeyMaterialID: String?
    ) {
      self.ciphertextBlob = ciphertextBlob
      self.sourceKeyID = sourceKeyID
      self.keyID = keyID
      self.sourceEncryptionAlgorithm = sourceEncryptionAlgorithm
      self.destinationEncryptionAlgorithm = destinationEncryptionAlgorithm
      self.sourceKeyMaterialID = sourceKeyMaterialID
      self.destinationKeyMaterialID = destinationKeyMaterialID
    }
  }
  package static let operation = KeyServiceOperation.reEncrypt

  package var ciphertextBlob: Blob
  package var sourceEncryptionContext: EncryptionContext?
  package var sourceKeyID: String?
  package var destinationKeyID: String
  package var destinationEncryptionContext: EncryptionContext?
  package var sourceEncryptionAlgorithm: EncryptionAlgorithm?
  package var destinationEncryptionAlgorithm: EncryptionAlgorithm?
  package var grantTokens: [String]?
  package var dryRun: Bool?

  package init(
    ciphertextBlob: Blob, sourceEncryptionContext: EncryptionContext? = nil,
    sourceKeyID: String? = nil, destinationKeyID: String,
    destinationEncryptionContext: EncryptionContext? = nil,
    sourceEncryptionAlgorithm: EncryptionAlgorithm? = nil,
    destinationEncryptionAlgorithm: EncryptionAlgorithm? = nil
  ) {
    self.ciphertextBlob = ciphertextBlob
    self.sourceEncryptionContext = sourceEncryptionContext
    self.sourceKeyID = sourceKeyID
    self.destinationKeyID = destinationKeyID
    self.destinationEncryptionContext = destinationEncryptionContext
    self.sourceEncryptionAlgorithm = sourceEncryptionAlgorithm
    self.destinationEncryptionAlgorithm = destinationEncryptionAlgorithm
  }
}
