/// Which messages are read: the specification's commitment policies that a tool which writes only
/// committing messages can have (`framework/commitment-policy.md`).
public enum CommitmentPolicy: String, CaseIterable, Sendable {
  case requireEncryptRequireDecrypt = "require-encrypt-require-decrypt"
  case requireEncryptAllowDecrypt = "require-encrypt-allow-decrypt"
}

/// A message that the reader's own rules refuse before any key is tried.
public enum DecryptionPolicyError: Error, Equatable, Sendable {
  /// The suite does not commit to its key, and the policy asks for that.
  case notCommitting(AlgorithmSuite)
  /// The message is signed, and only unsigned ones are wanted.
  case signed(AlgorithmSuite)
  /// The context lacks a pair that was given; `found` is the value that is there instead.
  case contextMismatch(key: String, expected: String, found: String?)
}

/// Decrypts messages (specification, `client-apis/decrypt.md`). No byte reaches the sink before its
/// tag is checked; the last frame, or the whole body where it is not framed, not before the
/// signature and the end of the input are.
public struct MessageDecryptor: Sendable {
  /// The most plaintext of a non-framed body that is held for a sink that cannot take it back.
  public static let nonFramedLimit = 16 << 20

  private let materialsProvider: any DecryptionMaterialsProvider
  private let requiredContext: EncryptionContext
  private let policy: CommitmentPolicy
  private let allowsSigned: Bool
  private let limits: HeaderLimits
  private let scheduler: Scheduler

  /// Every pair of `requiredContext` must be in a message's context.
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

  /// Decrypts the one message in `source`, armored or not, to `sink`.
  public func decrypt(
    from source: any ByteSource, to sink: any ByteSink, progress: ProgressHandler? = nil
  ) throws -> MessageSummary {
    try open(source).decrypt(to: sink, progress: progress)
  }

  /// Reads and authenticates the header of the one message in `source`, armored or not.
  public func open(_ source: any ByteSource) throws -> OpenedMessage {
    let detected = try MessageSource.detect(source)
    var input = InputBuffer(detected.source)
    let parsed = try input.readHeader(limits: limits)
    let header = parsed.header
    try check(header)
    let dataKey = try materialsProvider.dataKey(for: header)
    let derived = try MessageKeyDerivation(
      header.suite, dataKey: dataKey, messageID: header.messageID)
    guard LibCrypto.areEqual(derived.commitment, header.suiteData) else {
      throw CryptoError.authenticationFailed
    }
    try parsed.authentication.verify(parsed.body, under: derived.messageKey)
    let verifier = try verifier(for: header)
    try input.withBytes(parsed.length) { try verifier?.update($0) }
    input.consume(parsed.length)
    return OpenedMessage(
      parsed, isArmored: detected.isArmored,
      body: BodyKey(derived.messageKey.duplicate(), messageID: header.messageID),
      source: detected.source, input: input, verifier: verifier, scheduler: scheduler)
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
  /// Reads on until the header is whole. It is parsed anew each time: headers are small, and the
  /// window doubles, so that one that trickles in is not parsed at every byte.
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

  /// Parses what is at hand; nil where the header goes on behind it.
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
