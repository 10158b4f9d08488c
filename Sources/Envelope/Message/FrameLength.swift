/// Plaintext bytes in each regular frame of a message (specification,
/// `data-format/message-header.md`, "Frame Length").
public struct FrameLength: Equatable, Sendable {
  /// One byte to 64 MiB. The format allows 4 GiB. A frame is held in memory until it is
  /// authenticated, so a reader needs a bound. No known writer comes near this one.
  public static let range: ClosedRange<UInt32> = 1...(64 << 20)
  /// 64 KiB, which `MessageEncryptor` writes by default.
  public static let standard = FrameLength(trusted: 64 << 10)

  /// The number of bytes, in `range`.
  public let bytes: Int

  /// Bytes of a whole regular frame in a message.
  var sealedBytes: Int { FramePrefix.regularLength + bytes + AESGCM.tagLength }

  /// The most frames of a message, including the final one. Their numbers have 32 bits and begin at
  /// 1; the largest number marks the final frame.
  static let mostFrames = Int64(UInt32.max)

  /// True if a message with such frames can hold `count` bytes. An empty frame follows a last frame
  /// that would be full.
  func canHold(_ count: Int64) -> Bool { count / Int64(bytes) < Self.mostFrames }

  /// Makes a frame length of `bytes`. Throws `MessageError.frameLengthOutOfRange` unless it is in
  /// `range`.
  public init(_ bytes: UInt32) throws(MessageError) {
    guard Self.range.contains(bytes) else { throw .frameLengthOutOfRange(bytes) }
    self.bytes = Int(bytes)
  }

  private init(trusted bytes: Int) { self.bytes = bytes }
}
