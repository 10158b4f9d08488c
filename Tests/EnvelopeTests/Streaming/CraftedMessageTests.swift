import Testing

@testable import Envelope
@testable import TestSupport

/// Messages made by a holder of the key, valid and invalid. Every tag in them verifies, so an
/// invalid message is refused only because of the rule that it breaks.
@Suite struct CraftedMessageTests {
  /// Opens a message. Returns the bytes that a pipe receives, and the error.
  static func open(
    _ message: CraftedMessage, keyrings: [any Keyring]? = nil
  ) throws -> (released: [UInt8], error: (any Error)?) {
    let sink = MemorySink(discardsOnFailure: false)
    let decryptor = MessageDecryptor(
      materialsProvider: MultiKeyring(try keyrings ?? [testKeyring()]),
      requiredContext: EncryptionContext(), policy: .requireEncryptAllowDecrypt)
    let bytes = try message.bytes()
    do {
      _ = try decryptor.decrypt(from: MemorySource(bytes), to: sink)
      return (sink.bytes, nil)
    } catch {
      return (sink.bytes, error)
    }
  }

  static func expectOpens(_ message: CraftedMessage, _ what: Comment? = nil) throws {
    let (released, error) = try open(message)
    #expect(error == nil, what)
    #expect(released == message.pieces.flatMap(\.plaintext), what)
  }

  /// Expects that the message is refused and that only whole frames before the wrong one are
  /// released.
  static func expectRefused(
    _ message: CraftedMessage, releasing count: Int = 0, _ wanted: some Error & Equatable
  ) throws {
    let (released, error) = try open(message)
    #expect(error as? CryptoError == wanted as? CryptoError)
    #expect(error as? MessageError == wanted as? MessageError)
    #expect(released == Array(message.pieces.flatMap(\.plaintext).prefix(count)))
  }

  @Test(arguments: AlgorithmSuite.allCases, [0, 1, 15, 16, 17, 32, 39])
  func whatTheSpecificationSaysOpens(suite: AlgorithmSuite, count: Int) throws {
    try Self.expectOpens(CraftedMessage(suite.rawValue, patternBytes(count)))
    try Self.expectOpens(CraftedMessage(suite.rawValue, frameLength: nil, patternBytes(count)))
  }

  @Test(arguments: [0x0478, 0x0578] as [UInt16], [16, nil])
  func anotherCommitmentIsRefused(suite: UInt16, frameLength: Int?) throws {
    var message = CraftedMessage(suite, frameLength: frameLength)
    message.changesCommitment = true
    try Self.expectRefused(message, CryptoError.authenticationFailed)
  }

  /// Version 1 carries the nonce of the header's tag. Version 2 always uses zero, whatever nonce
  /// the tag was made with.
  @Test(arguments: AlgorithmSuite.allCases)
  func theHeadersNonceIsTheOneThatItsVersionSays(suite: AlgorithmSuite) throws {
    var message = CraftedMessage(suite.rawValue)
    message.headerNonce = patternBytes(12)
    if suite.formatVersion == .one {
      try Self.expectOpens(message)
    } else {
      try Self.expectRefused(message, CryptoError.authenticationFailed)
    }
  }

  @Test(arguments: [0x0014, 0x0478, 0x0578] as [UInt16])
  func aFinalFrameLongerThanTheOthersIsRefused(suite: UInt16) throws {
    var message = CraftedMessage(suite, patternBytes(39))
    message.pieces[2].plaintext = patternBytes(17)
    try Self.expectRefused(
      message, releasing: 32,
      MessageError.malformed("a final frame of 17 bytes in a message with frames of 16"))
    message.pieces[2].plaintext = patternBytes(16)
    try Self.expectOpens(message)
  }

  @Test(arguments: [
    [0, 1, 2], [2, 3, 4], [1, 1, 2], [1, 3, 4], [1, 2, 2], [1, 2, 4], [1, 2, 0], [3, 2, 1],
    [UInt32.max - 1, UInt32.max, 0],
  ])
  func framesAreNumberedFromOneOn(numbers: [UInt32]) throws {
    var message = CraftedMessage(0x0478, patternBytes(39))
    for (index, number) in numbers.enumerated() { message.pieces[index].number = number }
    let right = zip(numbers, 1...).prefix { $0 == UInt32($1) }.count
    let (released, error) = try Self.open(message)
    #expect(error is MessageError)
    #expect(patternBytes(16 * right).starts(with: released))
  }

  @Test func oneFinalFrameEndsTheMessage() throws {
    var message = CraftedMessage(0x0478, patternBytes(39))
    var second = message.pieces[2]
    second.number = 4
    message.pieces.append(second)
    try Self.expectRefused(message, releasing: 32, MessageError.trailingData)
    message.pieces[3].isFinal = false
    message.pieces[3].plaintext = patternBytes(16)
    try Self.expectRefused(message, releasing: 32, MessageError.trailingData)
    message.pieces = Array(message.pieces.prefix(2))
    try Self.expectRefused(message, releasing: 32, MessageError.truncated)
  }

  /// The authenticated data of a frame: message ID, kind, sequence number, length.
  @Test(arguments: [0, 2])
  func authenticatedDataOfAnotherFrameIsRefused(index: Int) throws {
    let texts = [
      "AWSKMSEncryptionClient Frame", "AWSKMSEncryptionClient Final Frame",
      "AWSKMSEncryptionClient Single Block",
    ]
    let right = index == 2 ? 1 : 0
    for (other, text) in texts.enumerated() {
      var message = CraftedMessage(0x0478, patternBytes(39))
      message.pieces[index].text = text
      if other == right {
        try Self.expectOpens(message)
      } else {
        try Self.expectRefused(
          message, releasing: 16 * index, CryptoError.authenticationFailed)
      }
    }
    let changes: [(inout CraftedMessage.Piece) -> Void] = [
      { $0.aadNumber = $0.number + 1 }, { $0.aadLength = UInt64($0.plaintext.count + 1) },
      { $0.aadMessageID = patternBytes(32) },
    ]
    for change in changes {
      var message = CraftedMessage(0x0478, patternBytes(39))
      change(&message.pieces[index])
      try Self.expectRefused(message, releasing: 16 * index, CryptoError.authenticationFailed)
    }
  }

  @Test func authenticatedDataOfABodyInOnePieceIsItsOwn() throws {
    let changes: [(inout CraftedMessage.Piece) -> Void] = [
      { $0.text = "AWSKMSEncryptionClient Final Frame" }, { $0.aadNumber = 2 },
      { $0.aadLength = 38 }, { $0.aadMessageID = patternBytes(32) },
    ]
    for change in changes {
      var message = CraftedMessage(0x0478, frameLength: nil)
      change(&message.pieces[0])
      try Self.expectRefused(message, CryptoError.authenticationFailed)
    }
  }

  /// Old writers chose random nonces for frames. A reader uses the nonce in the frame.
  @Test(arguments: [0x0014, 0x0378, 0x0478] as [UInt16], [16, nil])
  func noncesThatAFrameCarriesOpenIt(suite: UInt16, frameLength: Int?) throws {
    var message = CraftedMessage(suite, frameLength: frameLength)
    for index in message.pieces.indices {
      message.pieces[index].nonce = Array(patternBytes(40)[index..<index + 12])
    }
    try Self.expectOpens(message)
  }

  // MARK: Encryption context

  /// A reader sorts pairs that the writer should have sorted, and finds a key that occurs twice.
  @Test func contextsOutOfOrderOpenAndTwiceTheSameKeyDoesNot() throws {
    var message = CraftedMessage(0x0478)
    message.context = [("b", "1"), ("a", "2"), ("c", "")]
    try Self.expectOpens(message)
    message.context = [("b", "1"), ("a", "2"), ("b", "3")]
    let (released, error) = try Self.open(message)
    #expect(error as? MessageError == .malformed("an encryption context with the key 'b' twice"))
    #expect(released.isEmpty)
    message.context = []
    try Self.expectOpens(message)
  }

  /// The worst order for a reader that sorts: the first key belongs after all others.
  @Test(.timeLimit(.minutes(10)))
  func aContextInTheWorstOrderIsReadQuickly() throws {
    var pairs: [(key: String, value: String)] = [("~", "")]
    var count = 2 + 5
    for number in 0... {
      let key = String(number, radix: 36)
      let padded = String(repeating: "0", count: 3 - key.count) + key
      count += 4 + padded.utf8.count
      guard count <= 65535 else { break }
      pairs.append((padded, ""))
    }
    let block = CraftedMessage.block(CraftedMessage.serialize(pairs))
    let started = threadTime()
    for _ in 0..<5 {
      let context = try WireReader.read(block.span.bytes) { (reader) throws(MessageError) in
        try EncryptionContext.transcode(nil, through: &reader)
      }
      #expect(context.pairs.count == pairs.count)
      #expect(context.pairs.last?.key == "~")
    }
    #expect(threadTime() - started < .seconds(4))
  }

  @Test(arguments: [0x0214, 0x0346, 0x0378, 0x0578] as [UInt16])
  func aSignatureIsOfTheKeyInTheContext(suite: UInt16) throws {
    var message = CraftedMessage(suite)
    let stranger = try SignatureSigner(
      curve: suite == 0x0214 ? .p256 : .p384, digest: .sha256
    ).compressedPublicKey()
    message.publicKey = String(decoding: Base64.encode(stranger), as: UTF8.self)
    try Self.expectRefused(message, releasing: 32, CryptoError.authenticationFailed)
    message.publicKey = "AAAA"
    let curve = suite == 0x0214 ? "P-256" : "P-384"
    try Self.expectRefused(message, CryptoError.invalidKey("not a point on \(curve)"))
    // With the point at infinity anyone's signature would verify.
    message.publicKey = "AA=="
    try Self.expectRefused(message, CryptoError.invalidKey("not a public key on \(curve)"))
    message.publicKey = "?"
    let missing = MessageError.malformed("a signed message without a public key in its context")
    try Self.expectRefused(message, missing)
    message.publicKey = nil
    message.leavesPublicKeyOut = true
    try Self.expectRefused(message, missing)
  }

  @Test func aPublicKeyInAnUnsignedMessageIsRefused() throws {
    for suite in AlgorithmSuite.allCases where !suite.isSigned {
      var message = CraftedMessage(suite.rawValue)
      message.publicKey = "A"
      try Self.expectRefused(
        message, MessageError.malformed("a public key in the context of an unsigned message"))
    }
  }

  /// The signature covers the whole header and body. It is strict DER.
  @Test(arguments: [0x0214, 0x0346, 0x0378, 0x0578] as [UInt16], [16, nil])
  func theSignatureCoversEverything(suite: UInt16, frameLength: Int?) throws {
    let released = frameLength == nil ? 0 : 32
    var message = CraftedMessage(suite, frameLength: frameLength)
    message.signedSuffix = 1
    try Self.expectRefused(message, releasing: released, CryptoError.authenticationFailed)
    message.signedSuffix = 0
    message.signatureSuffix = [0]
    try Self.expectRefused(message, releasing: released, CryptoError.authenticationFailed)
    message.signatureSuffix = []
    try Self.expectOpens(message)
  }

  // MARK: Encrypted data keys

  /// A header that does not end is read up to 4 MiB, whatever it claims.
  @Test func aHeaderWithoutEndIsRefused() throws {
    let head = [2, 0x04, 0x78] + patternBytes(32) + [0, 0, 0xFF, 0xFF]
    let dataKey =
      CraftedMessage.block(Array("p".utf8)) + CraftedMessage.block([1])
      + CraftedMessage.block(patternBytes(65_000))
    let source = MemorySource(head + (0..<100).flatMap { _ in dataKey })
    let decryptor = MessageDecryptor(
      materialsProvider: MultiKeyring([try testKeyring()]), requiredContext: EncryptionContext(),
      limits: HeaderLimits(encryptedDataKeys: 65535))
    #expect(throws: MessageError.headerTooLong(limit: 4 << 20)) {
      try decryptor.decrypt(from: source, to: MemorySink(discardsOnFailure: false))
    }
    var rest = [UInt8](repeating: 0, count: 1 << 20)
    var span = rest.mutableSpan
    var raw = span.mutableBytes
    #expect(source.read(into: &raw) > 0)
  }

  /// A wrapped key with valid padding and a wrong key, and a wrapped key with invalid padding: if
  /// another key opens the message, the result is the same. From a difference an attacker could
  /// decrypt keys wrapped with PKCS #1 v1.5, one query at a time.
  @Test(arguments: [0x0178, 0x0478] as [UInt16])
  func aPaddingCannotBeAskedFor(suite: UInt16) throws {
    let key = try RSAPrivateKey.generate(bits: 2048)
    let publicKey = try key.publicKey()
    let keyrings: [any Keyring] = [
      try RawRSAKeyring(providerID: "p", keyName: "k", padding: .pkcs1, privateKey: key),
      try testKeyring(),
    ]
    let right = try publicKey.encrypt(SecretBytes(patternBytes(32)), padding: .pkcs1)
    let tooLong = try publicKey.encrypt(SecretBytes(patternBytes(33)), padding: .pkcs1)
    let wrong = try publicKey.encrypt(SecretBytes(patternBytes(32)), padding: .oaep(.sha256))
    for ciphertext in [right, tooLong, wrong] {
      var message = CraftedMessage(suite)
      message.otherDataKeys = [
        EncryptedDataKey(
          providerID: "p", providerInformation: Array("k".utf8), ciphertext: ciphertext)
      ]
      let (both, bothError) = try Self.open(message, keyrings: keyrings)
      #expect(bothError == nil)
      #expect(both == patternBytes(39))
      let (alone, aloneError) = try Self.open(message, keyrings: [keyrings[0]])
      #expect(aloneError as? CryptoError == .authenticationFailed)
      #expect(alone.isEmpty)
    }
  }
}
