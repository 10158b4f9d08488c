/// What a finished run did.
public struct MessageSummary: Equatable, Sendable {
  public let header: MessageHeader
  /// Bytes of plaintext.
  public let plaintextCount: Int64
}

/// Told how many bytes of input have been worked off since the last call.
public typealias ProgressHandler = (_ bytes: Int) -> Void

/// The least work per batch, in plaintext bytes: enough that system calls cost nothing beside the
/// sealing, little enough to stay in the second-level cache.
let batchLength = 1 << 20
