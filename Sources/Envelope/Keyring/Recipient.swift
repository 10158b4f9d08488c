/// Who a message is for, as a bare public key says it.
public enum Recipient {
  /// The keyring of a PEM public key, as `encrypt --recipient` names it: raw RSA, or raw ECDH for a
  /// key on P-256, P-384 or P-521. It wraps only. Throws `CryptoError.invalidKey` for anything else.
  public static func keyring(pem: [UInt8]) throws(CryptoError) -> any Keyring {
    switch try PublicKey(pem: pem) {
    case .rsa(let key): try RawRSAKeyring.recipient(key)
    case .ec(let key): try RawECDHKeyring(recipient: key)
    }
  }
}
