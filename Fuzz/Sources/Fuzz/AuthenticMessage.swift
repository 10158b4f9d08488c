@testable import Envelope

/// The changes to an input before it is read as a message.
struct MessageChoice: OptionSet {
  let rawValue: UInt8

  /// The header gets the correct commitment and tag.
  static let header = MessageChoice(rawValue: 1)
  /// The content of frames, or of a non-framed body, is sealed in place.
  static let body = MessageChoice(rawValue: 2)
  /// The bytes after the body are replaced with a valid signature.
  static let signature = MessageChoice(rawValue: 4)
  static let armored = MessageChoice(rawValue: 8)
  /// The sink may receive plaintext that is not authenticated yet.
  static let discards = MessageChoice(rawValue: 16)
  static let inspected = MessageChoice(rawValue: 32)
}

/// Opens every message with one data key.
struct FixedDataKey: DecryptionMaterialsProvider {
  func open<Opened: ~Copyable>(
    _ header: MessageHeader, _ body: (borrowing DataKey) throws -> Opened?
  ) throws -> Opened {
    guard let opened = try body(try Self.dataKey(header.suite)) else {
      throw CryptoError.authenticationFailed
    }
    return opened
  }

  static func dataKey(_ suite: AlgorithmSuite) throws -> DataKey {
    DataKey(bytes: SecretBytes(count: suite.dataKeyLength) { _ in })
  }
}

/// Turns an input into a message as a malicious holder of the data key would write it: lengths,
/// numbers, nonces and order come from the input, and tags and signatures are correct.
enum AuthenticMessage {
  static func bytes(of input: [UInt8], _ choice: MessageChoice) throws -> [UInt8] {
    var bytes = input
    if choice.contains(.header),
      let parsed = try? ParsedHeader(parsing: input.span.bytes, limits: .standard)
    {
      try sign(&bytes, parsed, choice)
    }
    guard choice.contains(.armored) else { return bytes }
    let sink = MemorySink()
    let armor = ArmorSink(sink)
    try armor.write(bytes.span.bytes)
    try armor.finish()
    return sink.bytes
  }

  static func isArmor(_ bytes: [UInt8]) -> Bool {
    bytes.first.map { $0 == UInt8(ascii: "-") || Armor.isSpace($0) } ?? false
  }

  private static func sign(
    _ bytes: inout [UInt8], _ parsed: ParsedHeader, _ choice: MessageChoice
  ) throws {
    let header = parsed.header
    let dataKey = try FixedDataKey.dataKey(header.suite)
    let derived = try MessageKeyDerivation(
      header.suite, dataKey: dataKey, messageID: header.messageID)
    var body = parsed.body
    body.replaceSubrange(
      body.count - derived.commitment.count..<body.count, with: derived.commitment)
    bytes.replaceSubrange(0..<body.count, with: body)
    let tag = try AESGCM.seal(
      [UInt8]().span.bytes, under: derived.messageKey.bytes, nonce: parsed.authentication.nonce,
      authenticating: body)
    bytes.replaceSubrange(parsed.length - tag.count..<parsed.length, with: tag)
    guard choice.contains(.body) else { return }
    var end = parsed.length
    if case .framed(let length) = header.content {
      end = try sealFrames(&bytes, from: end, length, header.messageID, derived.messageKey)
    } else {
      end = try sealWhole(&bytes, from: end, header.messageID, derived.messageKey)
    }
    if choice.contains(.signature), let (curve, digest) = header.suite.signature {
      let message = Array(bytes[..<end])
      let signature = try key(on: curve).sign(message, isDigest: false, scheme: .ecdsa(digest))
      bytes = message + [0, UInt8(signature.count)] + signature
    }
  }

  /// Returns the end of the last complete frame.
  private static func sealFrames(
    _ bytes: inout [UInt8], from start: Int, _ frameLength: FrameLength, _ messageID: [UInt8],
    _ key: borrowing MessageKey
  ) throws -> Int {
    var position = start
    while true {
      let rest = Array(bytes[position...])
      guard let prefix = try? FrameOpener.parse(rest.span.bytes, frameLength) else {
        return position
      }
      var length = frameLength.bytes
      var isFinal = false
      if case .final(_, _, let contentLength) = prefix {
        length = Int(contentLength)
        isFinal = true
      }
      let content = position + prefix.length
      guard content + length + AESGCM.tagLength <= bytes.count else { return position }
      var aad = BodyAAD(messageID: messageID, content: isFinal ? .finalFrame : .regularFrame)
      aad.set(sequenceNumber: prefix.sequenceNumber, contentLength: UInt64(length))
      try seal(&bytes, content..<content + length, prefix.nonce, aad, key)
      position = content + length + AESGCM.tagLength
      if isFinal { return position }
    }
  }

  private static func sealWhole(
    _ bytes: inout [UInt8], from start: Int, _ messageID: [UInt8], _ key: borrowing MessageKey
  ) throws -> Int {
    let rest = Array(bytes[start...])
    let prefix = try? WireReader.read(rest.span.bytes) { (reader) throws(MessageError) in
      try NonFramedPrefix.transcode(nil, through: &reader)
    }
    guard let prefix, prefix.contentLength <= UInt64(bytes.count) else { return start }
    let content = start + NonFramedPrefix.length
    let end = content + Int(prefix.contentLength)
    guard end + AESGCM.tagLength <= bytes.count else { return start }
    var aad = BodyAAD(messageID: messageID, content: .nonFramed)
    aad.set(sequenceNumber: 1, contentLength: prefix.contentLength)
    try seal(&bytes, content..<end, prefix.nonce, aad, key)
    return end + AESGCM.tagLength
  }

  private static func seal(
    _ bytes: inout [UInt8], _ content: Range<Int>, _ nonce: Nonce, _ aad: BodyAAD,
    _ key: borrowing MessageKey
  ) throws {
    let plaintext = Array(bytes[content])
    let sealed = try AESGCM.seal(
      plaintext.span.bytes, under: key.bytes, nonce: nonce, authenticating: aad.bytes)
    bytes.replaceSubrange(content.lowerBound..<content.upperBound + AESGCM.tagLength, with: sealed)
  }

  /// Keys with published numbers (NIST's CAVP vectors). The seeds contain their public keys.
  private static func key(on curve: Curve) throws -> SigningKey {
    let der =
      curve == .p256
      ? "30310201010420"
        + "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534"
        + "a00a06082a8648ce3d030107"
      : "303e0201010430"
        + "3cc3122a68f0d95027ad38c067916ba0eb8c38894d22e1b1"
        + "5618b6818a661774ad463b205da88cf699ab4d43c9cf98a1" + "a00706052b81040022"
    let digits = Array(der.utf8)
    let bytes = stride(from: 0, to: digits.count, by: 2).map {
      UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)!
    }
    return try SigningKey(pkcs8: SecretBytes(copying: bytes.span.bytes))
  }
}
