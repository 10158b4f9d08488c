@testable import Envelope

extension FuzzTarget {
  /// A file of public keys, and the same bytes as a list of recipients.
  static let recipient = FuzzTarget("recipient") { bytes in
    _ = try? Recipient.list(parsing: SecretBytes(copying: bytes.span.bytes))
    for found in try PublicKeyFile.keys(in: SecretBytes(copying: bytes.span.bytes)) {
      let der =
        switch found.key {
        case .rsa(let key): try key.subjectPublicKeyInfo()
        case .ec(let key): try key.subjectPublicKeyInfo()
        }
      let again = try PublicKeyFile.keys(in: SecretBytes(copying: der.span.bytes))
      require(
        try again.map { try $0.key.fingerprint() } == [try found.key.fingerprint()],
        "a key is not the same in DER")
      _ = found.certificate?.validity
    }
  }
}
