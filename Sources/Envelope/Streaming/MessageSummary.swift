/// What a finished run did.
public struct MessageSummary: Equatable, Sendable {
  public let header: MessageHeader
  /// Bytes of plaintext.
  public let plaintextCount: Int64

  public init(header: MessageHeader, plaintextCount: Int64) {
    self.header = header
    self.plaintextCount = plaintextCount
  }
}

/// Told how many bytes of input have been worked off since the last call, on whichever thread did
/// it.
public typealias ProgressHandler = @Sendable (_ bytes: Int) -> Void
