/// The recipients of a message, named by bare public keys.
public enum Recipient {
  /// Returns a keyring for each key of a file of PEM public keys, the argument of `encrypt
  /// --recipient`: a raw RSA keyring with OAEP and SHA-256, or a raw ECDH keyring for a key on
  /// P-256, P-384 or P-521. The keyrings only wrap. Throws `CryptoError.invalidKey` or `privateKey` if the file contains
  /// anything else.
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
