@testable import Envelope

/// Writes a message of any suite, including those that the tool only reads. The reference vectors
/// test that the reader reads messages of other writers.
func makeMessage(
  _ suite: AlgorithmSuite, frameLength: Int?, _ plaintext: [UInt8]
) throws -> [UInt8] {
  let materials = try EncryptionMaterials(
    suite: suite, encryptionContext: try EncryptionContext([(key: "purpose", value: "test")]),
    keyrings: [try testKeyring()])
  let messageID = try Random.bytes(suite.formatVersion.messageIDLength)
  let derived = try MessageKeyDerivation(suite, dataKey: materials.dataKey, messageID: messageID)
  let content: MessageHeader.Content =
    try frameLength.map { .framed(try FrameLength(UInt32($0))) } ?? .nonFramed
  let header = MessageHeader(
    suite: suite, messageID: messageID, encryptionContext: materials.encryptionContext,
    encryptedDataKeys: materials.encryptedDataKeys, content: content,
    suiteData: derived.commitment)
  let headerBody = try header.serializedBody()
  var writer = WireWriter()
  _ = try HeaderAuthentication.transcode(
    try HeaderAuthentication(sealing: headerBody, under: derived.messageKey),
    version: suite.formatVersion, through: &writer)
  var message = headerBody + writer.bytes
  if case .framed(let length) = content {
    message += try frames(of: plaintext, length, derived.messageKey, messageID)
  } else {
    message += try wholeBody(of: plaintext, derived.messageKey, messageID)
  }
  if let signer = materials.signer {
    try signer.update(message.span.bytes)
    writer.reset()
    _ = try MessageFooter.transcode(try signer.finish(), through: &writer)
    message += writer.bytes
  }
  return message
}

private func frames(
  of plaintext: [UInt8], _ length: FrameLength, _ key: borrowing MessageKey, _ messageID: [UInt8]
) throws -> [UInt8] {
  let sealer = try FrameSealer(
    BodyKey(key.duplicate(), messageID: messageID), frameLength: length)
  var bytes: [UInt8] = []
  for start in stride(from: 0, to: plaintext.count, by: length.bytes) {
    let end = min(start + length.bytes, plaintext.count)
    let piece = Array(plaintext[start..<end])
    let number = UInt32(start / length.bytes + 1)
    let nonce = Nonce(sequenceNumber: number)
    let prefix =
      end == plaintext.count
      ? FramePrefix.final(
        sequenceNumber: number, nonce: nonce, contentLength: UInt32(piece.count))
      : .regular(sequenceNumber: number, nonce: nonce)
    var sealed = Buffer(capacity: 0)
    try sealed.grow(to: piece.count + FrameSealer.overhead, keeping: 0)
    let count = try sealer.seal(piece.span.bytes, as: prefix, into: &sealed, at: 0)
    sealed.withBytes(in: 0..<count) { span in
      span.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
  }
  return bytes
}

private func wholeBody(
  of plaintext: [UInt8], _ key: borrowing MessageKey, _ messageID: [UInt8]
) throws -> [UInt8] {
  let nonce = Nonce(sequenceNumber: 1)
  var aad = BodyAAD(messageID: messageID, content: .nonFramed)
  aad.set(sequenceNumber: 1, contentLength: UInt64(plaintext.count))
  var writer = WireWriter()
  _ = try NonFramedPrefix.transcode(
    NonFramedPrefix(nonce: nonce, contentLength: UInt64(plaintext.count)), through: &writer)
  let bytes = aad.bytes
  return writer.bytes
    + (try AESGCM.seal(
      plaintext.span.bytes, under: key.bytes, nonce: nonce, authenticating: bytes))
}
