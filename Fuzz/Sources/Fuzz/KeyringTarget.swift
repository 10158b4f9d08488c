@testable import Envelope

extension FuzzTarget {
  /// A keyring file, JSON or PEM.
  static let keyring = FuzzTarget("keyring") { bytes in
    let file = try KeyringFile(parsing: SecretBytes(copying: bytes.span.bytes))
    require(
      try KeyringFile(parsing: file.serialized()) == file, "a file is not written as it was read")
    for keyring in try file.keyrings() { _ = keyring.keyDescriptions }
  }
}
