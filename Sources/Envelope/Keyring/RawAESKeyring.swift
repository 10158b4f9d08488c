/// A keyring that wraps data keys with AES-GCM (specification, `framework/raw-aes-keyring.md`).
public final class RawAESKeyring: Keyring {
  private let providerID: String
  private let keyName: String
  private let key: WrappingKey

  package init(providerID: String, keyName: String, wrappingKey: consuming WrappingKey) {
    self.providerID = providerID
    self.keyName = keyName
    key = wrappingKey
  }

  public var keyDescriptions: [String] { ["\(providerID) \(keyName)"] }

  public var wrappingKey: WrappingKeyName? {
    WrappingKeyName(providerID: providerID, keyName: keyName)
  }

  public func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey {
    let nonce = try Nonce.random()
    let context = request.context
    let ciphertext = try request.dataKey.bytes.withBytes { (bytes) throws(CryptoError) in
      try AESGCM.seal(bytes, under: key.bytes, nonce: nonce, authenticating: context)
    }
    return EncryptedDataKey(
      providerID: providerID,
      providerInformation: RawAESKeyInformation(keyName: Array(keyName.utf8), nonce: nonce).bytes,
      ciphertext: ciphertext)
  }

  public func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey? {
    guard encrypted.providerID.utf8.elementsEqual(providerID.utf8),
      let information = RawAESKeyInformation(parsing: encrypted.providerInformation),
      information.keyName.elementsEqual(keyName.utf8)
    else { return nil }
    do {
      let dataKey = try AESGCM.open(
        encrypted.ciphertext, under: key.bytes, nonce: information.nonce,
        authenticating: context)
      return DataKey(bytes: dataKey)
    } catch .authenticationFailed {
      return nil
    }
  }
}
