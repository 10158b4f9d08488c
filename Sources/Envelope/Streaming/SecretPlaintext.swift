/// The error for a plaintext that is too large to be kept in memory.
package struct PlaintextLimitError: Error, Equatable, Sendable {
  package let limit: Int
}

/// A plaintext that is kept in memory, out of swap, and wiped at the end. Use it only after all of
/// the message is verified.
package final class SecretPlaintext: ByteSink {
  private let limit: Int
  private var writer = SecretWriter()

  /// True: nobody reads the plaintext of a message that is not authentic.
  package let discardsOnFailure = true

  /// Takes at most `limit` bytes.
  package init(limit: Int) { self.limit = limit }

  /// Throws `PlaintextLimitError`.
  package func write(_ bytes: RawSpan) throws {
    guard bytes.byteCount <= limit - writer.count else { throw PlaintextLimitError(limit: limit) }
    writer.append(bytes)
  }

  /// Returns the plaintext so far, and begins again.
  package func take() -> SecretBytes {
    var written = SecretWriter()
    swap(&written, &writer)
    return written.finish()
  }
}
