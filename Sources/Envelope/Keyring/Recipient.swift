/// The recipients of a message, named by bare public keys.
public enum Recipient {
  /// A keyring for each key of a file of PEM public keys, as `encrypt --recipient` names it: raw RSA, or
  /// raw ECDH for a key on P-256, P-384 or P-521. They wrap only. Throws `CryptoError.invalidKey` or
  /// `privateKey` if anything else is in the file.
  public static func keyrings(pem: [UInt8]) throws(CryptoError) -> [any Keyring] {
    var keyrings: [any Keyring] = []
    for key in try PublicKey.all(inPEM: pem) {
      switch key {
      case .rsa(let key): keyrings.append(try RawRSAKeyring.recipient(key))
      case .ec(let key): keyrings.append(try RawECDHKeyring(recipient: key))
      }
    }
    return keyrings
  }
}
