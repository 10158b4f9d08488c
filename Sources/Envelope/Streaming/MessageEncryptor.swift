/// An encryptor of streams. Each stream becomes a separate message with a separate data key
/// (specification, `client-apis/encrypt.md`).
public struct MessageEncryptor: Sendable {
  private let keyrings: [any Keyring]
  private let encryptionContext: EncryptionContext
  private let suite: AlgorithmSuite
  private let frameLength: FrameLength
  private let scheduler: Scheduler

  /// Any one of `keyrings` can open the messages. There must be at least one, and each must be able
  /// to wrap. `encryptionContext` is stored in the messages in plaintext. `suite` must have key
  /// commitment. All streams share the threads of `scheduler`.
  public init(
    keyrings: [any Keyring], encryptionContext: EncryptionContext,
    suite: AlgorithmSuite = .standard, frameLength: FrameLength = .standard,
    scheduler: Scheduler = Scheduler()
  ) {
    precondition(suite.isCommitting, "messages are written with key commitment")
    precondition(!keyrings.isEmpty, "a message needs a wrapping key")
    self.keyrings = keyrings
    self.encryptionContext = encryptionContext
    self.suite = suite
    self.frameLength = frameLength
    self.scheduler = scheduler
  }

  /// Encrypts all of `source` to `sink`, as armor if `isArmored`. Otherwise as
  /// `encrypt(from:to:progress:)`.
  public func encrypt(
    from source: any ByteSource, to sink: any ByteSink, isArmored: Bool,
    progress: ProgressHandler? = nil
  ) throws -> MessageSummary {
    try ArmorSink.wrapping(sink, if: isArmored) {
      try encrypt(from: source, to: $0, progress: progress)
    }
  }

  /// Encrypts all of `source` to `sink`, which is complete only when this returns.
  ///
  /// `progress` receives the number of plaintext bytes. Throws `MessageError.tooManyFrames` if the
  /// plaintext needs more than 4,294,967,295 frames, `malformed` if the encryption context has a
  /// reserved key or more than 65,535 bytes, `headerTooLong` or `tooManyEncryptedDataKeys` for too
  /// many keyrings, `KeyringError.readOnlyPadding`, `CryptoError`, `OutOfMemoryError`, and the
  /// errors of source and sink.
  public func encrypt(
    from source: any ByteSource, to sink: any ByteSink, progress: ProgressHandler? = nil
  ) throws -> MessageSummary {
    // If the input size is known, reject inputs that need too many frames before starting.
    if let count = source.positional?.count, !frameLength.canHold(count) {
      throw MessageError.tooManyFrames
    }
    let messageID = try Random.bytes(suite.formatVersion.messageIDLength)
    let materials = try EncryptionMaterials(
      suite: suite, encryptionContext: encryptionContext, keyrings: keyrings, messageID: messageID)
    return try encrypt(
      from: source, to: sink, materials: materials, messageID: messageID, progress: progress)
  }

  /// Encrypts with a data key and a message ID that no other message uses.
  func encrypt(
    from source: any ByteSource, to sink: any ByteSink, materials: borrowing EncryptionMaterials,
    messageID: [UInt8], progress: ProgressHandler?
  ) throws -> MessageSummary {
    let (header, serialized, bodyKey) = try begin(materials, messageID: messageID)
    let output = PlacedOutput(sink)
    try materials.signer?.update(serialized.span.bytes)
    try output.write(serialized.span.bytes, at: 0)

    let layout = FrameLayout(frameLength, batchLength: scheduler.batchLength)
    let last = try sealRegularFrames(
      of: source, layout, bodyKey, to: output, at: Int64(serialized.count),
      signer: materials.signer, progress: progress)
    defer { scheduler.giveBack(last.memory) }
    let frames = last.endFrame
    try close(
      last, bodyKey, to: output,
      at: Int64(serialized.count) + frames * Int64(layout.sealedLength), signer: materials.signer)
    progress?(last.rest.count)
    return MessageSummary(
      header: header,
      plaintextCount: frames * Int64(layout.plaintextLength) + Int64(last.rest.count))
  }

  /// Encrypts a secret without a copy of it in memory that is not wiped. Returns the message. The
  /// suite must not sign.
  func encrypt(secret plaintext: borrowing SecretBytes) throws -> [UInt8] {
    precondition(!suite.isSigned, "the message of a secret is not signed")
    let materials = try EncryptionMaterials(
      suite: suite, encryptionContext: encryptionContext, keyrings: keyrings)
    let (_, header, bodyKey) = try begin(
      materials, messageID: try Random.bytes(suite.formatVersion.messageIDLength))
    var message = header
    let sealer = try FrameSealer(bodyKey, frameLength: frameLength)
    var sealed = Buffer(capacity: 0)
    try sealed.grow(to: frameLength.bytes + FrameSealer.overhead, keeping: 0)
    let length = frameLength.bytes
    let frames = plaintext.count / length
    for frame in 0...frames {
      let count = try plaintext.withBytes { bytes in
        try sealer.seal(
          bytes.extracting(frame * length..<min((frame + 1) * length, bytes.byteCount)),
          frame: Int64(frame), isFinal: frame == frames, into: &sealed)
      }
      sealed.withBytes(in: 0..<count) { bytes in
        bytes.withUnsafeBytes { message.append(contentsOf: $0) }
      }
    }
    return message
  }

  /// Derives the keys of a message and makes its header.
  private func begin(
    _ materials: borrowing EncryptionMaterials, messageID: [UInt8]
  ) throws -> (header: MessageHeader, serialized: [UInt8], bodyKey: BodyKey) {
    let derived = try MessageKeyDerivation(
      suite, dataKey: materials.dataKey, messageID: messageID)
    let header = MessageHeader(
      suite: suite, messageID: messageID, encryptionContext: materials.encryptionContext,
      encryptedDataKeys: materials.encryptedDataKeys, content: .framed(frameLength),
      suiteData: derived.commitment)
    return (
      header, try serialize(header, under: derived.messageKey),
      BodyKey(derived.messageKey.duplicate(), messageID: messageID)
    )
  }

  private func serialize(
    _ header: MessageHeader, under key: borrowing MessageKey
  ) throws -> [UInt8] {
    let body = try header.serializedBody()
    var writer = WireWriter()
    let authentication = try HeaderAuthentication(sealing: body, under: key)
    _ = try HeaderAuthentication.transcode(
      authentication, version: header.suite.formatVersion, through: &writer)
    guard body.count + writer.bytes.count <= HeaderLimits.length else {
      throw MessageError.headerTooLong(limit: HeaderLimits.length)
    }
    return body + writer.bytes
  }

  /// Seals all whole frames. Returns the last batch, which contains the rest: less than a frame.
  private func sealRegularFrames(
    of source: any ByteSource, _ layout: FrameLayout, _ bodyKey: BodyKey, to output: PlacedOutput,
    at start: Int64, signer: SignatureSigner?, progress: ProgressHandler?
  ) throws -> ReadBatch {
    let frameLength = frameLength
    let reader = BatchShape.plaintext(layout).reader(of: source, InputBuffer(source), at: 0)
    let pipeline = Pipeline(
      scheduler, from: reader,
      to: BatchWriter(output, at: start, frameLength: layout.sealedLength),
      signature: signer.map { .output($0) }, progress: progress
    ) { try FrameSealer(bodyKey, frameLength: frameLength) }
    let last = try pipeline.run()
    reader.finish(after: last)
    return last
  }

  /// Seals the rest as the final frame, and signs. The rest is empty if the plaintext ends with a
  /// full frame. The specification recommends to make that full frame the final one, but allows an
  /// empty final frame. The Python SDK refuses a full final frame.
  private func close(
    _ last: ReadBatch, _ bodyKey: BodyKey, to output: PlacedOutput, at position: Int64,
    signer: SignatureSigner?
  ) throws {
    let sealer = try FrameSealer(bodyKey, frameLength: frameLength)
    let count = try sealer.sealFinal(of: last)
    var end = position + Int64(count)
    try last.memory.output.withBytes(in: 0..<count) {
      try signer?.update($0)
      try output.write($0, at: position)
    }
    if let signer {
      var writer = WireWriter()
      _ = try MessageFooter.transcode(try signer.finish(), through: &writer)
      try output.write(writer.bytes.span.bytes, at: end)
      end += Int64(writer.bytes.count)
    }
    try output.finish(at: end)
  }
}
