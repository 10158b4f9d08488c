/// The reason why bytes are not a message that this program reads. No case depends on a key.
public enum MessageError: Error, Equatable, Sendable {
  /// The format that the bytes look like, if they are not a message.
  public enum Lookalike: Equatable, Sendable {
    case empty
    case base64
    case other
  }

  /// The bytes end inside a structure. If there are more, the reader is called again.
  case truncated
  case notAMessage(Lookalike)
  case unsupportedVersion(UInt8)
  case unsupportedType(UInt8)
  case unknownSuite(UInt16)
  /// A field has a value that the specification forbids; the text names it.
  case malformed(String)
  case tooManyEncryptedDataKeys(found: Int, limit: Int)
  case headerTooLong(limit: Int)
  case frameLengthOutOfRange(UInt32)
  case tooManyFrames
  /// A non-framed body that is too large to hold in memory until it is authenticated.
  case nonFramedBodyTooLarge(length: UInt64, limit: Int)
  case trailingData
  /// The armor is wrong, not the message in it; the text says what was found.
  case malformedArmor(String)
}
