/// A reencryptor that turns messages into messages under other keys in one pass, each with a fresh
/// data key, as the KMS operation ReEncrypt does for a small ciphertext. Plaintext stays in memory.
public struct MessageReencryptor: Sendable {
  /// The keys of the new messages.
  private enum Keys {
    case given([any Keyring])
    /// The keys of the old message.
    case kept(KeptKeys)
  }

  private let keys: Keys
  private let signs: Bool?
  private let frameLength: FrameLength?
  private let scheduler: Scheduler

  /// Any one of `keyrings` can open the new messages; there must be at least one. A message stays
  /// signed or unsigned and keeps its frame length unless `signs` and `frameLength` say otherwise.
  /// A non-framed message gets frames of the standard length. All streams share the threads of
  /// `scheduler`.
  public init(
    keyrings: [any Keyring], signs: Bool? = nil, frameLength: FrameLength? = nil,
    scheduler: Scheduler = Scheduler()
  ) {
    keys = .given(keyrings)
    self.signs = signs
    self.frameLength = frameLength
    self.scheduler = scheduler
  }

  /// Every message keeps its own wrapping keys.
  package init(
    keeping keys: KeptKeys, signs: Bool? = nil, frameLength: FrameLength? = nil,
    scheduler: Scheduler = Scheduler()
  ) {
    self.keys = .kept(keys)
    self.signs = signs
    self.frameLength = frameLength
    self.scheduler = scheduler
  }

  /// Returns true if reencryption would change nothing but the data key: the message has the same
  /// wrapping keys, suite and frame length already.
  public func isCurrent(_ message: OpenedMessage) throws -> Bool {
    let header = message.header
    let found = header.encryptedDataKeys.map(\.wrappingKey)
    let wanted =
      switch keys {
      case .given(let keyrings): keyrings.compactMap(\.wrappingKey)
      case .kept(let keys): try keys.names(of: header)
      }
    return found.count == wanted.count && Set(found) == Set(wanted)
      && header.suite == suite(for: header)
      && header.content == .framed(newFrameLength(for: header))
  }

  /// Returns the keyrings that wrap the data key of the new message. Throws `KeysNotKeptError` if
  /// `message` cannot keep all of its wrapping keys.
  package func keyrings(for message: OpenedMessage) throws -> [any Keyring] {
    switch keys {
    case .given(let keyrings): keyrings
    case .kept(let keys): try keys.keyrings(of: message.header)
    }
  }

  /// Returns an encryptor of messages that take the place of `message`: with its encryption context,
  /// and under the keys that this reencryptor gives it. Throws `KeysNotKeptError`.
  package func encryptor(for message: OpenedMessage) throws -> MessageEncryptor {
    let header = message.header
    // The public key in the context belongs to the old signature.
    let context = header.encryptionContext.removing(EncryptionContext.publicKeyName)
    return MessageEncryptor(
      keyrings: try keyrings(for: message), encryptionContext: context,
      suite: suite(for: header), frameLength: newFrameLength(for: header), scheduler: scheduler)
  }

  /// Reencrypts `message` to `sink`, as armor if `isArmored`. Otherwise as
  /// `reencrypt(_:to:progress:)`.
  public func reencrypt(
    _ message: OpenedMessage, to sink: any ByteSink, isArmored: Bool,
    progress: ProgressHandler? = nil
  ) throws -> MessageSummary {
    try ArmorSink.wrapping(sink, if: isArmored) {
      try reencrypt(message, to: $0, progress: progress)
    }
  }

  /// Reencrypts `message` to `sink` and keeps its encryption context. Needs one thread besides the
  /// calling one, unless the message is small.
  ///
  /// `progress` receives the number of bytes of the old message. Throws the errors of
  /// `OpenedMessage.decrypt` and `MessageEncryptor.encrypt`, and `SchedulerError.noThread`.
  public func reencrypt(
    _ message: OpenedMessage, to sink: any ByteSink, progress: ProgressHandler? = nil
  ) throws -> MessageSummary {
    let encryptor = try encryptor(for: message)
    guard message.fits(newFrameLength(for: message.header)) else {
      throw MessageError.tooManyFrames
    }
    guard try !message.readIfSmall(upTo: scheduler.batchLength) else {
      let plaintext = PlaintextMemory(
        capacity: Int(clamping: message.source.expectedCount ?? 0))
      _ = try message.decrypt(to: plaintext, progress: progress)
      return try encryptor.encrypt(from: plaintext, to: sink)
    }
    return try reencrypt(message, with: encryptor, to: sink, progress: progress)
  }

  /// Decrypts on a separate thread while this thread encrypts.
  private func reencrypt(
    _ message: OpenedMessage, with encryptor: MessageEncryptor, to sink: any ByteSink,
    progress: ProgressHandler?
  ) throws -> MessageSummary {
    let pipe = PlaintextPipe(
      capacity: 2 * scheduler.batchLength, expectedCount: message.source.expectedCount,
      discardsOnFailure: sink.discardsOnFailure)
    let cancellation = Cancellation()
    let reader = ThreadGroup(scheduler)
    // From here on only the other thread uses `message`.
    nonisolated(unsafe) let message = message
    let isStarted = reader.startSpare {
      let result = Result {
        try message.decrypt(to: pipe, progress: progress, cancellation: cancellation)
      }
      if case .failure(let error) = result { pipe.end(error) } else { pipe.end(nil) }
    }
    guard isStarted else { throw SchedulerError.noThread }
    let result = Result { try encryptor.encrypt(from: pipe, to: sink) }
    pipe.abandon()
    cancellation.cancel()
    reader.wait()
    return try result.get()
  }

  private func suite(for header: MessageHeader) -> AlgorithmSuite {
    signs ?? header.suite.isSigned ? .signing : .standard
  }

  private func newFrameLength(for header: MessageHeader) -> FrameLength {
    if let frameLength { return frameLength }
    guard case .framed(let length) = header.content else { return .standard }
    return length
  }
}
