/// The result of encrypting or decrypting one message.
public struct MessageSummary: Equatable, Sendable {
  /// The header that was written or read.
  public let header: MessageHeader
  /// Bytes of plaintext.
  public let plaintextCount: Int64

  package init(header: MessageHeader, plaintextCount: Int64) {
    self.header = header
    self.plaintextCount = plaintextCount
  }
}

/// A function that is called with the number of input bytes that were processed since the last
/// call, on the thread that processed them.
public typealias ProgressHandler = @Sendable (_ bytes: Int) -> Void
