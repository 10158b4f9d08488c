/// What a finished run did.
public struct MessageSummary: Equatable, Sendable {
  public let header: MessageHeader
  /// Bytes of plaintext.
  public let plaintextCount: Int64
}

/// Told how many bytes of input have been worked off since the last call, on whichever thread did
/// it.
public typealias ProgressHandler = @Sendable (_ bytes: Int) -> Void
