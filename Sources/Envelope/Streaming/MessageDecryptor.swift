/// The rule for accepting messages: two of the three commitment policies of the specification
/// (`framework/commitment-policy.md`). The third one forbids to write messages with key commitment,
/// and this library writes only such messages.
public enum CommitmentPolicy: String, CaseIterable, Sendable {
  /// Accepts only messages with key commitment.
  case requireEncryptRequireDecrypt = "require-encrypt-require-decrypt"
  /// Also accepts messages without key commitment.
  case requireEncryptAllowDecrypt = "require-encrypt-allow-decrypt"
}

/// The reason why a message is refused before any key is tried: it breaks a rule of the decryptor.
public enum DecryptionPolicyError: Error, Equatable, Sendable {
  /// The suite does not commit to its key, but the policy requires it.
  case notCommitting(AlgorithmSuite)
  /// The message is signed, but only unsigned ones are accepted.
  case signed(AlgorithmSuite)
  /// The context lacks a required pair; `found` is the value that it has instead.
  case contextMismatch(key: String, expected: String, found: String?)
}

/// A decryptor of messages (specification, `client-apis/decrypt.md`). No byte of a frame reaches
/// the sink before its tag is verified. The last frame also waits until the signature and the end
/// of the input are verified.
///
/// A non-framed body is held back until all of that is verified. Only a sink that discards on
/// failure receives it earlier.
public struct MessageDecryptor: Sendable {
  /// The most bytes of plaintext of a non-framed body that are held back for a sink that does not
  /// discard on failure: 16 MiB.
  public static let nonFramedLimit = 16 << 20

  private let materialsProvider: any DecryptionMaterialsProvider
  private let requiredContext: EncryptionContext
  private let policy: CommitmentPolicy
  private let allowsSigned: Bool
  private let limits: HeaderLimits
  private let scheduler: Scheduler

  /// Opens messages with the keys of `materialsProvider`. Every pair of `requiredContext` must be
  /// in the encryption context of a message. If `allowsSigned` is false, signed messages are
  /// refused before their body is read. `limits` applies to the header, because it is read before
  /// it is authenticated. All streams share the threads of `scheduler`.
  public init(
    materialsProvider: any DecryptionMaterialsProvider, requiredContext: EncryptionContext,
    policy: CommitmentPolicy = .requireEncryptRequireDecrypt, allowsSigned: Bool = true,
    limits: HeaderLimits = .standard, scheduler: Scheduler = Scheduler()
  ) {
    self.materialsProvider = materialsProvider
    self.requiredContext = requiredContext
    self.policy = policy
    self.allowsSigned = allowsSigned
    self.limits = limits
    self.scheduler = scheduler
  }

  /// Decrypts the single message in `source`, armored or not, to `sink`.
  ///
  /// `progress` receives the number of bytes of the binary message. Throws the errors of `open` and
  /// `OpenedMessage.decrypt(to:progress:)`.
  public func decrypt(
    from source: any ByteSource, to sink: any ByteSink, progress: ProgressHandler? = nil
  ) throws -> MessageSummary {
    try open(source).decrypt(to: sink, progress: progress)
  }

  /// Reads and authenticates the header of the single message in `source`, armored or not. Returns
  /// the message.
  ///
  /// Throws `MessageError` if the input does not begin with a message, `DecryptionPolicyError` if
  /// the message breaks a rule of this reader, `NoMatchingKeyError` if no key opens it,
  /// `CryptoError.authenticationFailed` if a key unwraps its data key but the header is not
  /// authentic, and the errors of `source` and of the keyrings.
  public func open(_ source: any ByteSource) throws -> OpenedMessage {
    let detected = try MessageSource.detect(source)
    var input = InputBuffer(detected.source)
    let parsed = try input.readHeader(limits: limits)
    let header = parsed.header
    try check(header)
    let derived = try materialsProvider.open(header) { try Self.derive(parsed, from: $0) }
    let verifier = try verifier(for: header)
    try input.withBytes(parsed.length) { try verifier?.update($0) }
    input.consume(parsed.length)
    return OpenedMessage(
      parsed, isArmored: detected.isArmored,
      bodyKey: BodyKey(derived.messageKey.duplicate(), messageID: header.messageID),
      source: detected.source, input: input, verifier: verifier, scheduler: scheduler)
  }

  /// Derives the keys from the data key. Returns nil if they do not authenticate the header.
  private static func derive(
    _ parsed: ParsedHeader, from dataKey: borrowing DataKey
  ) throws(CryptoError) -> MessageKeyDerivation? {
    let derived = try MessageKeyDerivation(
      parsed.header.suite, dataKey: dataKey, messageID: parsed.header.messageID)
    guard derived.isCommitment(parsed.header.suiteData) else { return nil }
    do {
      try parsed.authentication.verify(parsed.body, under: derived.messageKey)
    } catch .authenticationFailed {
      return nil
    }
    return derived
  }

  private func check(_ header: MessageHeader) throws {
    if policy == .requireEncryptRequireDecrypt, !header.suite.isCommitting {
      throw DecryptionPolicyError.notCommitting(header.suite)
    }
    if !allowsSigned, header.suite.isSigned { throw DecryptionPolicyError.signed(header.suite) }
    for pair in requiredContext.pairs {
      let found = header.encryptionContext[pair.key]
      guard let found, found.utf8.elementsEqual(pair.value.utf8) else {
        throw DecryptionPolicyError.contextMismatch(
          key: pair.key, expected: pair.value, found: found)
      }
    }
  }

  private func verifier(for header: MessageHeader) throws -> SignatureVerifier? {
    let encoded = header.encryptionContext[EncryptionContext.publicKeyName]
    guard let (curve, digest) = header.suite.signature else {
      guard encoded == nil else {
        throw MessageError.malformed("a public key in the context of an unsigned message")
      }
      return nil
    }
    guard let encoded, let point = Base64.decode(Array(encoded.utf8)) else {
      throw MessageError.malformed("a signed message without a public key in its context")
    }
    return try SignatureVerifier(curve: curve, digest: digest, publicKey: point)
  }
}

extension InputBuffer {
  /// Reads until the header is complete. Each attempt parses the header from its start. The number
  /// of bytes to wait for doubles each time, so a header that arrives slowly is parsed only a few
  /// times.
  mutating func readHeader(limits: HeaderLimits) throws -> ParsedHeader {
    var wanted = 1
    while true {
      let isMore = try fill(atLeast: wanted)
      if let parsed = try parseHeader(limits: limits) { return parsed }
      if count == 0 { throw MessageError.notAMessage(.empty) }
      guard isMore else { throw MessageError.truncated }
      guard count < HeaderLimits.length else {
        throw MessageError.headerTooLong(limit: HeaderLimits.length)
      }
      wanted = min(max(count * 2, 64), HeaderLimits.length)
    }
  }

  /// Parses the bytes at hand; nil if the header goes on after them.
  private borrowing func parseHeader(limits: HeaderLimits) throws -> ParsedHeader? {
    try withBytes(min(count, HeaderLimits.length)) { bytes -> ParsedHeader? in
      do {
        return try ParsedHeader(parsing: bytes, limits: limits)
      } catch MessageError.truncated {
        return nil
      } catch MessageError.unsupportedVersion(let version) {
        throw MessageSource.explain(
          version: version, prefix: bytes.extracting(first: min(bytes.byteCount, 64)))
      }
    }
  }
}
