/// The reason why bytes are not a message that this program reads. No case depends on a key.
public enum MessageError: Error, Equatable, Sendable {
  /// The format that the bytes look like, if they are not a message.
  public enum Lookalike: Equatable, Sendable {
    /// There are no bytes.
    case empty
    /// A message in base64 without the lines of armor around it.
    case base64
    /// Another format.
    case other
  }

  /// The bytes end inside a structure. If there are more, the reader is called again.
  case truncated
  /// The first byte is not a version of the format.
  case notAMessage(Lookalike)
  /// A later version of the format than 2.
  case unsupportedVersion(UInt8)
  /// A message type other than 0x80, customer authenticated encrypted data.
  case unsupportedType(UInt8)
  /// An algorithm suite ID that the specification does not have.
  case unknownSuite(UInt16)
  /// A field has a value that the specification forbids; the text names it.
  case malformed(String)
  /// More encrypted data keys than `HeaderLimits` or the format allow.
  case tooManyEncryptedDataKeys(found: Int, limit: Int)
  /// A header of more than `limit` bytes.
  case headerTooLong(limit: Int)
  /// A frame length in bytes that is not in `FrameLength.range`.
  case frameLengthOutOfRange(UInt32)
  /// A plaintext that needs more frames than the format can number: 4,294,967,295.
  case tooManyFrames
  /// A non-framed body that is too large to hold in memory until it is authenticated; `length` and
  /// `limit` are bytes of plaintext.
  case nonFramedBodyTooLarge(length: UInt64, limit: Int)
  /// Bytes follow the message.
  case trailingData
  /// The armor is wrong, not the message in it; the text says what was found.
  case malformedArmor(String)
}
