/// The fields before the encrypted content of a frame (specification,
/// `data-format/message-body.md`).
enum FramePrefix: Equatable {
  /// Sequence number, nonce; the content has the frame length of the header.
  case regular(sequenceNumber: UInt32, nonce: Nonce)
  /// The end marker, then sequence number, nonce and content length.
  case final(sequenceNumber: UInt32, nonce: Nonce, contentLength: UInt32)

  /// Marks the final frame, in the place of a sequence number.
  static let endMarker = UInt32.max
  static let regularLength = 4 + AESGCM.nonceLength
  static let finalLength = 4 + 4 + AESGCM.nonceLength + 4

  var sequenceNumber: UInt32 {
    switch self {
    case .regular(let number, _), .final(let number, _, _): number
    }
  }

  /// Bytes of the prefix itself.
  var length: Int {
    switch self {
    case .regular: Self.regularLength
    case .final: Self.finalLength
    }
  }

  var nonce: Nonce {
    switch self {
    case .regular(_, let nonce), .final(_, let nonce, _): nonce
    }
  }

  /// True if a final frame begins at `offset`.
  static func announcesFinal(_ bytes: RawSpan, at offset: Int) -> Bool {
    offset + 4 <= bytes.byteCount
      && bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self) == endMarker
  }

  static func transcode(
    _ value: FramePrefix?, frameLength: FrameLength, through wire: inout some Wire
  ) throws(MessageError) -> FramePrefix {
    var contentLength: UInt32?
    if case .final(_, _, let length)? = value { contentLength = length }
    let first = try wire.uint32(contentLength == nil ? value?.sequenceNumber : endMarker)
    guard first == endMarker else {
      return .regular(sequenceNumber: first, nonce: try wire.nonce(value?.nonce))
    }
    let number = try wire.uint32(value?.sequenceNumber)
    let nonce = try wire.nonce(value?.nonce)
    let length = try wire.uint32(contentLength)
    guard Int(length) <= frameLength.bytes else {
      throw .malformed(
        "a final frame of \(length) bytes in a message with frames of \(frameLength.bytes)")
    }
    return .final(sequenceNumber: number, nonce: nonce, contentLength: length)
  }
}

/// The fields before the encrypted content of a non-framed body: nonce and length.
struct NonFramedPrefix: Equatable {
  static let length = AESGCM.nonceLength + 8
  /// The most that AES-GCM seals under one nonce.
  static let contentLimit: UInt64 = 1 << 36 - 32

  let nonce: Nonce
  let contentLength: UInt64

  static func transcode(
    _ value: NonFramedPrefix?, through wire: inout some Wire
  ) throws(MessageError) -> NonFramedPrefix {
    let nonce = try wire.nonce(value?.nonce)
    let length = try wire.uint64(value?.contentLength)
    guard length <= contentLimit else { throw .malformed("a non-framed body of \(length) bytes") }
    return NonFramedPrefix(nonce: nonce, contentLength: length)
  }
}

/// The footer after the body: the length of the signature, then the signature (specification,
/// `data-format/message-footer.md`).
enum MessageFooter {
  static func transcode(
    _ signature: [UInt8]?, through wire: inout some Wire
  ) throws(MessageError) -> [UInt8] {
    try wire.block(signature, "a signature")
  }
}

/// The additional authenticated data of frames and bodies (specification,
/// `data-format/message-body-aad.md`): message ID, a text that names the kind, sequence number and
/// content length. Made once for a message; only the numbers change.
struct BodyAAD {
  enum Content: String {
    case nonFramed = "AWSKMSEncryptionClient Single Block"
    case regularFrame = "AWSKMSEncryptionClient Frame"
    case finalFrame = "AWSKMSEncryptionClient Final Frame"
  }

  private(set) var bytes: [UInt8]
  private let numbers: Int

  init(messageID: [UInt8], content: Content) {
    bytes = messageID + Array(content.rawValue.utf8)
    numbers = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: 12))
  }

  mutating func set(sequenceNumber: UInt32, contentLength: UInt64) {
    bytes.withUnsafeMutableBytes {
      $0.storeBytes(of: sequenceNumber.bigEndian, toByteOffset: numbers, as: UInt32.self)
      $0.storeBytes(of: contentLength.bigEndian, toByteOffset: numbers + 4, as: UInt64.self)
    }
  }
}
