import Envelope

/// GenerateDataKey makes a new data key. It returns the key in the clear and encrypted under a key
/// of the keystore.
package struct GenerateDataKeyRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let ciphertextBlob: Blob
    package let plaintext: SecretBlob
    package let keyID: String
    package let keyMaterialID: String?

    package init(ciphertextBlob: Blob, plaintext: SecretBlob, keyID: String, keyMaterialID: String?)
    {
      self.ciphertextBlob = ciphertextBlob
      self.plaintext = plaintext
      self.keyID = keyID
      self.keyMaterialID = keyMaterialID
    }
  }
  package static let operation = KeyServiceOperation.generateDataKey

  package var keyID: String
  package var encryptionContext: EncryptionContext?
  package var numberOfBytes: Int?
  package var keySpec: DataKeySpec?
  package var grantTokens: [String]?
  package var recipient: RecipientInfo?
  package var dryRun: Bool?

  package init(
    keyID: String, encryptionContext: EncryptionContext? = nil, keySpec: DataKeySpec? = nil,
    numberOfBytes: Int? = nil
  ) {
    self.keyID = keyID
    self.encryptionContext = encryptionContext
    self.keySpec = keySpec
    self.numberOfBytes = numberOfBytes
  }
}

/// GenerateDataKeyWithoutPlaintext returns a new data key only in encrypted form, for a caller who
/// needs the key later.
package struct GenerateDataKeyWithoutPlaintextRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let ciphertextBlob: Blob
    package let keyID: String
    package let keyMaterialID: String?

    package init(ciphertextBlob: Blob, keyID: String, keyMaterialID: String?) {
      self.ciphertextBlob = ciphertextBlob
      self.keyID = keyID
      self.keyMaterialID = keyMaterialID
    }
  }
  package static let operation = KeyServiceOperation.generateDataKeyWithoutPlaintext

  package var keyID: String
  package var encryptionContext: EncryptionContext?
  package var keySpec: DataKeySpec?
  package var numberOfBytes: Int?
  package var grantTokens: [String]?
  package var dryRun: Bool?

  package init(
    keyID: String, encryptionContext: EncryptionContext? = nil, keySpec: DataKeySpec? = nil,
    numberOfBytes: Int? = nil
  ) {
    self.keyID = keyID
    self.encryptionContext = encryptionContext
    self.keySpec = keySpec
    self.numberOfBytes = numberOfBytes
  }
}

/// GenerateDataKeyPair makes a new key pair. It returns the private key in the clear and encrypted
/// under a key of the keystore.
package struct GenerateDataKeyPairRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let privateKeyCiphertextBlob: Blob
    /// DER PKCS #8.
    package let privateKeyPlaintext: SecretBlob
    /// DER SubjectPublicKeyInfo.
    package let publicKey: Blob
    package let keyID: String
    package let keyPairSpec: DataKeyPairSpec
    package let keyMaterialID: String?

    package init(
      privateKeyCiphertextBlob: Blob, privateKeyPlaintext: SecretBlob, publicKey: Blob,
      keyID: String, keyPairSpec: DataKeyPairSpec, keyMaterialID: String?
    ) {
      self.privateKeyCiphertextBlob = privateKeyCiphertextBlob
      self.privateKeyPlaintext = privateKeyPlaintext
      self.publicKey = publicKey
      self.keyID = keyID
      self.keyPairSpec = keyPairSpec
      self.keyMaterialID = keyMaterialID
    }
  }
  package static let operation = KeyServiceOperation.generateDataKeyPair

  package var encryptionContext: EncryptionContext?
  package var keyID: String
  package var keyPairSpec: DataKeyPairSpec
  package var grantTokens: [String]?
  package var recipient: RecipientInfo?
  package var dryRun: Bool?

  package init(
    keyID: String, keyPairSpec: DataKeyPairSpec, encryptionContext: EncryptionContext? = nil
  ) {
    self.keyID = keyID
    self.keyPairSpec = keyPairSpec
    self.encryptionContext = encryptionContext
  }
}

package struct GenerateDataKeyPairWithoutPlaintextRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let privateKeyCiphertextBlob: Blob
    package let publicKey: Blob
    package let keyID: String
    package let keyPairSpec: DataKeyPairSpec
    package let keyMaterialID: String?

    package init(
      privateKeyCiphertextBlob: Blob, publicKey: Blob, keyID: String, keyPairSpec: DataKeyPairSpec,
      keyMaterialID: String?
    ) {
      self.privateKeyCiphertextBlob = privateKeyCiphertextBlob
      self.publicKey = publicKey
      self.keyID = keyID
      self.keyPairSpec = keyPairSpec
      self.keyMaterialID = keyMaterialID
    }
  }
  package static let operation = KeyServiceOperation.generateDataKeyPairWithoutPlaintext

  package var encryptionContext: EncryptionContext?
  package var keyID: String
  package var keyPairSpec: DataKeyPairSpec
  package var grantTokens: [String]?
  package var dryRun: Bool?

  package init(
    keyID: String, keyPairSpec: DataKeyPairSpec, encryptionContext: EncryptionContext? = nil
  ) {
    self.keyID = keyID
    self.keyPairSpec = keyPairSpec
    self.encryptionContext = encryptionContext
  }
}

package struct GenerateRandomRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let plaintext: SecretBlob

    package init(plaintext: SecretBlob) {
      self.plaintext = plaintext
    }
  }
  package static let operation = KeyServiceOperation.generateRandom

  package var numberOfBytes: Int?
  package var customKeyStoreID: String?
  package var recipient: RecipientInfo?

  package init(numberOfBytes: Int) { self.numberOfBytes = numberOfBytes }
}
