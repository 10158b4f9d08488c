/// An error of a cryptographic operation.
public enum CryptoError: Error, Equatable, Sendable {
  /// A tag, signature, commitment or padding did not verify. The error never tells which one, or
  /// why.
  case authenticationFailed
  /// Key material of the wrong kind or size. The reason is a property of the key, never of data
  /// that it encrypted.
  case invalidKey(String)
  /// A private key instead of a public key. The text names the PEM block.
  case privateKey(String)
  /// The system refuses the number of bytes that an operation needs.
  case outOfMemory(Int)
  /// An operation of libcrypto failed that should work. The reasons are the codes of its error
  /// queue.
  case libcrypto(operation: String, reasons: [String])
}
