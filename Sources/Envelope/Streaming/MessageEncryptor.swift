/// Encrypts one stream after another, each as its own message with its own data key
/// (specification, `client-apis/encrypt.md`).
public struct MessageEncryptor {
  private let keyrings: [any Keyring]
  private let encryptionContext: EncryptionContext
  private let suite: AlgorithmSuite
  private let frameLength: FrameLength

  /// Every one of `keyrings` will open the messages alone. `suite` is one that commits to its key.
  public init(
    keyrings: [any Keyring], encryptionContext: EncryptionContext,
    suite: AlgorithmSuite = .standard,
    frameLength: FrameLength = .standard
  ) {
    precondition(suite.isCommitting, "messages are written with key commitment")
    precondition(!keyrings.isEmpty, "a message needs a wrapping key")
    self.keyrings = keyrings
    self.encryptionContext = encryptionContext
    self.suite = suite
    self.frameLength = frameLength
  }

  /// Encrypts all of `source` to `sink`.
  public func encrypt(
    from source: any ByteSource, to sink: any ByteSink, progress: ProgressHandler? = nil
  ) throws -> MessageSummary {
    var materials = try EncryptionMaterials(
      suite: suite, encryptionContext: encryptionContext, keyrings: keyrings)
    let messageID = try Random.bytes(suite.formatVersion.messageIDLength)
    let derived = try MessageKeyDerivation(
      suite, dataKey: materials.dataKey, messageID: messageID)
    let header = MessageHeader(
      suite: suite, messageID: messageID, encryptionContext: materials.encryptionContext,
      encryptedDataKeys: materials.encryptedDataKeys, content: .framed(frameLength),
      suiteData: derived.commitment)
    var output = SignedOutput(sink, signer: materials.takeSigner())
    let serialized = try serialize(header, under: derived.messageKey)
    try output.write(serialized.span.bytes)

    let sealer = try FrameSealer(
      key: derived.messageKey, messageID: messageID, frameLength: frameLength)
    let count = try sealFrames(of: source, with: sealer, to: &output, progress: progress)
    try output.finish()
    return MessageSummary(header: header, plaintextCount: count)
  }

  private func serialize(
    _ header: MessageHeader, under key: borrowing MessageKey
  ) throws -> [UInt8] {
    let body = try header.serializedBody()
    var writer = WireWriter()
    let authentication = try HeaderAuthentication(sealing: body, under: key)
    _ = try HeaderAuthentication.transcode(
      authentication, version: header.suite.formatVersion, through: &writer)
    return body + writer.bytes
  }

  /// Reads a batch, seals its frames, writes them. What is left at the end, less than a frame and
  /// possibly nothing, is the final frame. The specification would rather have a full last frame be
  /// the final one, and allows this; the Python SDK refuses a final frame that is full.
  private func sealFrames(
    of source: any ByteSource, with sealer: consuming FrameSealer, to output: inout SignedOutput,
    progress: ProgressHandler?
  ) throws -> Int64 {
    let length = frameLength.bytes
    let batch = max(1, batchLength / length) * length
    var input = InputBuffer(source, capacity: batch)
    var sealed = Buffer(capacity: 0)
    var total: Int64 = 0
    var hasEnded = false
    while !hasEnded {
      hasEnded = try !input.fill(atLeast: batch)
      let count = min(input.count, batch)
      let regularFrames = count / length
      sealed.grow(to: count + (regularFrames + 1) * FrameSealer.overhead, keeping: 0)
      var written = 0
      for frame in 0..<regularFrames {
        written += try input.withBytes(in: frame * length..<(frame + 1) * length) {
          try sealer.seal($0, isFinal: false, into: &sealed, at: written)
        }
      }
      if hasEnded {
        written += try input.withBytes(in: regularFrames * length..<count) {
          try sealer.seal($0, isFinal: true, into: &sealed, at: written)
        }
      }
      try sealed.withBytes(in: 0..<written) { try output.write($0) }
      input.consume(count)
      total += Int64(count)
      progress?(count)
    }
    return total
  }
}

/// A sink whose bytes are signed as they pass, where the message is.
private struct SignedOutput: ~Copyable {
  private let sink: any ByteSink
  private var signer: SignatureSigner?

  init(_ sink: any ByteSink, signer: consuming SignatureSigner?) {
    self.sink = sink
    self.signer = signer
  }

  mutating func write(_ bytes: RawSpan) throws {
    try signer?.update(bytes)
    try sink.write(bytes)
  }

  /// Writes the footer of a signed message.
  consuming func finish() throws {
    let sink = sink
    guard let signer = signer.take() else { return }
    var writer = WireWriter()
    _ = try MessageFooter.transcode(try signer.finish(), through: &writer)
    try sink.write(writer.bytes.span.bytes)
  }
}
