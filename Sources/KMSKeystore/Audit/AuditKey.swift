import Envelope

/// The key that authenticates the entries of an audit log.
struct AuditKey: ~Copyable, Sendable {
  let bytes: SecretBytes

  /// Returns an HMAC context for many entries.
  borrowing func context() throws -> HMACContext { try HMACContext(.sha256, key: bytes) }

  borrowing func authenticate(_ message: [UInt8]) throws -> [UInt8] {
    try HMAC.authenticate(message.span.bytes, with: .sha256, under: bytes)
  }

  borrowing func verifies(_ code: [UInt8], of message: [UInt8]) throws -> Bool {
    try HMAC.verify(code, of: message.span.bytes, with: .sha256, under: bytes)
  }
}
