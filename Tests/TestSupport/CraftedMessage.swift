@testable import Envelope

/// A message assembled by hand from the specification. Each field can differ from what a writer
/// would write. It shares the primitives with the code under test, but no code of the format.
struct CraftedMessage {
  /// The parameters of a suite in `framework/algorithm-suites.md`.
  struct Parameters {
    let keyLength: Int
    /// Nil if the data key is the message key.
    let digest: Digest?
    let commits: Bool
    let signature: (Curve, Digest)?

    static func of(_ suite: UInt16) -> Parameters {
      switch suite {
      case 0x0014: Parameters(keyLength: 16, digest: nil, commits: false, signature: nil)
      case 0x0046: Parameters(keyLength: 24, digest: nil, commits: false, signature: nil)
      case 0x0078: Parameters(keyLength: 32, digest: nil, commits: false, signature: nil)
      case 0x0114: Parameters(keyLength: 16, digest: .sha256, commits: false, signature: nil)
      case 0x0146: Parameters(keyLength: 24, digest: .sha256, commits: false, signature: nil)
      case 0x0178: Parameters(keyLength: 32, digest: .sha256, commits: false, signature: nil)
      case 0x0214:
        Parameters(keyLength: 16, digest: .sha256, commits: false, signature: (.p256, .sha256))
      case 0x0346:
        Parameters(keyLength: 24, digest: .sha384, commits: false, signature: (.p384, .sha384))
      case 0x0378:
        Parameters(keyLength: 32, digest: .sha384, commits: false, signature: (.p384, .sha384))
      case 0x0478: Parameters(keyLength: 32, digest: .sha512, commits: true, signature: nil)
      default:
        Parameters(keyLength: 32, digest: .sha512, commits: true, signature: (.p384, .sha384))
      }
    }
  }

  /// One frame, or the non-framed body.
  struct Piece {
    var number: UInt32
    var isFinal = false
    var plaintext: [UInt8]
    /// Replaces the nonce; nil for the sequence number.
    var nonce: [UInt8]?
    /// The values of this property and the next ones replace the true values in the authenticated
    /// data.
    var text: String?
    var aadNumber: UInt32?
    var aadLength: UInt64?
    var aadMessageID: [UInt8]?
  }

  var suite: UInt16
  /// The pairs in the order of the wire.
  var context: [(key: String, value: String)] = [("purpose", "test")]
  /// Nil for a non-framed body.
  var frameLength: UInt32? = 16
  var pieces: [Piece]
  var headerNonce = [UInt8](repeating: 0, count: 12)
  var changesCommitment = false
  /// The public key in the context; nil for the correct one.
  var publicKey: String?
  var leavesPublicKeyOut = false
  /// The number of bytes at the start of the message that the signature leaves out.
  var signedSuffix: Int = 0
  var signatureSuffix: [UInt8] = []
  /// Encrypted data keys before the one that opens the message.
  var otherDataKeys: [EncryptedDataKey] = []

  /// Makes a message of `plaintext`, split into frames as writers split it.
  init(_ suite: UInt16, frameLength: Int? = 16, _ plaintext: [UInt8] = patternBytes(39)) {
    self.suite = suite
    self.frameLength = frameLength.map { UInt32($0) }
    pieces = []
    guard let frameLength else {
      pieces = [Piece(number: 1, plaintext: plaintext)]
      return
    }
    var rest = plaintext[...]
    repeat {
      let piece = rest.prefix(frameLength)
      rest = rest.dropFirst(frameLength)
      pieces.append(
        Piece(number: UInt32(pieces.count + 1), isFinal: rest.isEmpty, plaintext: Array(piece)))
    } while !rest.isEmpty
  }

  static func bigEndian(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64(count - 1 - $0))) }
  }

  static func block(_ bytes: [UInt8]) -> [UInt8] { bigEndian(UInt64(bytes.count), 2) + bytes }

  static func serialize(_ pairs: [(key: String, value: String)]) -> [UInt8] {
    if pairs.isEmpty { return [] }
    return bigEndian(UInt64(pairs.count), 2)
      + pairs.flatMap { block(Array($0.key.utf8)) + block(Array($0.value.utf8)) }
  }

  static func sorted(
    _ pairs: [(key: String, value: String)]
  ) -> [(key: String, value: String)] {
    pairs.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
  }

  /// Returns the authenticated data of a piece (`data-format/message-body-aad.md`).
  static func aad(
    messageID: [UInt8], text: String, number: UInt32, length: UInt64
  ) -> [UInt8] {
    messageID + Array(text.utf8) + bigEndian(UInt64(number), 4) + bigEndian(length, 8)
  }

  /// Returns the message key and the commitment (`framework/transitive-requirements.md`).
  static func derive(
    _ suite: UInt16, from dataKey: borrowing SecretBytes, messageID: [UInt8]
  ) throws -> (key: [UInt8], commitment: [UInt8]) {
    let parameters = Parameters.of(suite)
    guard let digest = parameters.digest else { return (dataKey.exposed, []) }
    let id = bigEndian(UInt64(suite), 2)
    if parameters.commits {
      let key = try HKDF.derive(
        digest, from: dataKey, salt: messageID, info: id + Array("DERIVEKEY".utf8), count: 32)
      let commitment = try HKDF.derive(
        digest, from: dataKey, salt: messageID, info: Array("COMMITKEY".utf8), count: 32)
      return (key.exposed, commitment.exposed)
    }
    let key = try HKDF.derive(
      digest, from: dataKey, salt: [UInt8](repeating: 0, count: digest.length),
      info: id + messageID, count: parameters.keyLength)
    return (key.exposed, [])
  }

  /// Returns the message, under the test keyring.
  func bytes() throws -> [UInt8] {
    let parameters = Parameters.of(suite)
    let signer = try parameters.signature.map { try SignatureSigner(curve: $0.0, digest: $0.1) }
    var pairs = context
    if let text = try publicKey
      ?? signer.map({
        String(decoding: Base64.encode(try $0.compressedPublicKey()), as: UTF8.self)
      }), !leavesPublicKeyOut
    {
      pairs.insert(("aws-crypto-public-key", text), at: 0)
    }
    let request = WrapRequest(
      dataKey: DataKey(bytes: try .random(count: parameters.keyLength)),
      context: Self.serialize(Self.sorted(pairs)))
    let dataKeys = otherDataKeys + [try testKeyring().wrap(request)]
    let messageID = try Random.bytes(parameters.commits ? 32 : 16)
    var (key, commitment) = try Self.derive(
      suite, from: request.dataKey.bytes, messageID: messageID)
    if changesCommitment { commitment[0] ^= 1 }

    var message: [UInt8] = parameters.commits ? [2] : [1, 0x80]
    message += Self.bigEndian(UInt64(suite), 2) + messageID + Self.block(Self.serialize(pairs))
    message += Self.bigEndian(UInt64(dataKeys.count), 2)
    for key in dataKeys {
      message += Self.block(Array(key.providerID.utf8)) + Self.block(key.providerInformation)
      message += Self.block(key.ciphertext)
    }
    message.append(frameLength == nil ? 1 : 2)
    if !parameters.commits { message += [0, 0, 0, 0, 12] }
    message += Self.bigEndian(UInt64(frameLength ?? 0), 4) + commitment
    let tag = try seal([], key, nonce: headerNonce, aad: message)
    message += (parameters.commits ? [] : headerNonce) + tag
    for piece in pieces { message += try body(piece, key, messageID) }
    if let signer {
      try signer.update(Array(message.dropFirst(signedSuffix)).span.bytes)
      message += Self.block(try signer.finish() + signatureSuffix)
    }
    return message
  }

  private func body(_ piece: Piece, _ key: [UInt8], _ messageID: [UInt8]) throws -> [UInt8] {
    let nonce = piece.nonce ?? Self.bigEndian(UInt64(piece.number), 12)
    let count = UInt64(piece.plaintext.count)
    let text: String
    let prefix: [UInt8]
    if frameLength == nil {
      text = "AWSKMSEncryptionClient Single Block"
      prefix = nonce + Self.bigEndian(count, 8)
    } else if piece.isFinal {
      text = "AWSKMSEncryptionClient Final Frame"
      prefix =
        [0xFF, 0xFF, 0xFF, 0xFF] + Self.bigEndian(UInt64(piece.number), 4) + nonce
        + Self.bigEndian(count, 4)
    } else {
      text = "AWSKMSEncryptionClient Frame"
      prefix = Self.bigEndian(UInt64(piece.number), 4) + nonce
    }
    let aad = Self.aad(
      messageID: piece.aadMessageID ?? messageID, text: piece.text ?? text,
      number: piece.aadNumber ?? piece.number, length: piece.aadLength ?? count)
    return prefix + (try seal(piece.plaintext, key, nonce: nonce, aad: aad))
  }

  private func seal(
    _ plaintext: [UInt8], _ key: [UInt8], nonce: [UInt8], aad: [UInt8]
  ) throws -> [UInt8] {
    try AESGCM.seal(
      plaintext.span.bytes, under: SecretBytes(key), nonce: Nonce(bytes: nonce),
      authenticating: aad)
  }
}
