/// What can go wrong in a cryptographic operation.
public enum CryptoError: Error, Equatable, Sendable {
  /// A tag, signature, commitment or padding did not verify. Which one, and why, is never said.
  case authenticationFailed
  /// Key material of the wrong kind or size: a property of the key, never of data under it.
  case invalidKey(String)
  /// A private key where a public one is wanted; the text says where.
  case privateKey(String)
  /// The system does not grant as many bytes as an operation needs at once.
  case outOfMemory(Int)
  /// libcrypto refused an operation that should work; the reasons are the codes of its error queue.
  case libcrypto(operation: String, reasons: [String])
}
