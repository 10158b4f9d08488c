/// A recipient of messages, named by a bare public key.
public struct Recipient: Sendable {
  /// A keyring that only wraps: a raw RSA keyring with OAEP and SHA-256, or a raw ECDH keyring for a
  /// key on P-256, P-384 or P-521.
  public let keyring: any Keyring
  /// The place of the key in its file, for example "block 2 (CERTIFICATE)"; nil if nothing else is
  /// in the file.
  package let place: String?
  /// The validity of the certificate that the key comes from.
  package let validity: CertificateValidity?

  fileprivate init(_ found: FoundPublicKey) throws(CryptoError) {
    switch found.key {
    case .rsa(let key): keyring = try RawRSAKeyring.recipient(key)
    case .ec(let key): keyring = try RawECDHKeyring(recipient: key)
    }
    place = found.place
    validity = found.certificate?.validity
  }

  /// Returns the recipients in a file of public keys, each once: PEM (`PUBLIC KEY`, `RSA PUBLIC
  /// KEY`), X.509 certificates, lines of OpenSSH (`ssh-rsa`, `ecdsa-sha2-…`), or a single key or
  /// certificate in DER. Throws `CryptoError.privateKey` for a private key, and `invalidKey` if the
  /// file contains anything else.
  public static func all(
    parsing file: borrowing SecretBytes
  ) throws(CryptoError) -> [Recipient] {
    var recipients: [Recipient] = []
    for key in try PublicKeyFile.keys(in: file) { recipients.append(try Recipient(key)) }
    return recipients
  }

  /// A line or a block of a list of recipients.
  package enum ListEntry: Sendable {
    case recipient(Recipient)
    /// The name of a file of public keys.
    case file([UInt8], line: Int)
  }

  /// Returns what is in a list: the same as in a file of public keys, and names of such files, one
  /// on each line.
  package static func list(
    parsing file: borrowing SecretBytes
  ) throws(CryptoError) -> [ListEntry] {
    var entries: [ListEntry] = []
    for entry in try PublicKeyFile.list(in: file) {
      switch entry {
      case .key(let key): entries.append(.recipient(try Recipient(key)))
      case .name(let name, let line): entries.append(.file(name, line: line))
      }
    }
    return entries
  }
}
