/// The key that seals and opens every frame of one message. Each thread makes its own sealer or
/// opener from it, because cipher contexts are not shared.
final class BodyKey: Sendable {
  let key: MessageKey
  let messageID: [UInt8]

  init(_ key: consuming MessageKey, messageID: [UInt8]) {
    self.key = key
    self.messageID = messageID
  }
}

/// The additional authenticated data (AAD) of the frames of a message, regular and final.
struct FrameAAD {
  private var regular: BodyAAD
  private var final: BodyAAD

  init(messageID: [UInt8]) {
    regular = BodyAAD(messageID: messageID, content: .regularFrame)
    final = BodyAAD(messageID: messageID, content: .finalFrame)
  }

  /// Lends the AAD of one frame.
  mutating func withBytes<Result>(
    of prefix: FramePrefix, contentLength: Int, _ body: (RawSpan) throws -> Result
  ) rethrows -> Result {
    let number = prefix.sequenceNumber
    let length = UInt64(contentLength)
    if case .regular = prefix {
      regular.set(sequenceNumber: number, contentLength: length)
      return try regular.bytes.withUnsafeBytes { try body(RawSpan(_unsafeBytes: $0)) }
    }
    final.set(sequenceNumber: number, contentLength: length)
    return try final.bytes.withUnsafeBytes { try body(RawSpan(_unsafeBytes: $0)) }
  }
}
