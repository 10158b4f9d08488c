/// The end of a framed body, computed from the size of a file that holds one message. Only the
/// prefix of the final frame and the length of the footer are read.
struct BodyExtent: Equatable {
  /// Regular frames before the final one.
  let regularFrames: Int64
  /// Bytes of plaintext in the final frame.
  let finalLength: Int
  /// The offset in the message at which the final frame begins.
  let finalPosition: Int64

  func plaintextCount(_ frameLength: FrameLength) -> Int64 {
    regularFrames * Int64(frameLength.bytes) + Int64(finalLength)
  }

  /// Throws `truncated` if the bytes after the header cannot be a body and a footer.
  init(
    of source: any PositionalSource, headerLength: Int, frameLength: FrameLength, isSigned: Bool
  ) throws {
    let start = Int64(headerLength)
    guard isSigned else {
      guard let extent = try Self.find(source, from: start, to: source.count, frameLength) else {
        throw MessageError.truncated
      }
      self = extent
      return
    }
    // A footer begins with the length of its signature, in two bytes. The position of the footer is
    // not known, so try each length that a signature can have.
    let known = Int(max(0, min(Int64(Self.footerLengths.upperBound), source.count - start)))
    let tail = try source.bytes(at: source.count - Int64(known), count: known)
    for footerLength in Self.footerLengths {
      let offset = known - footerLength
      guard offset >= 0 else { break }
      guard Int(tail[offset]) << 8 | Int(tail[offset + 1]) == footerLength - 2 else { continue }
      let end = source.count - Int64(footerLength)
      if let extent = try Self.find(source, from: start, to: end, frameLength) {
        self = extent
        return
      }
    }
    throw MessageError.truncated
  }

  private static let footerLengths = 2 + 8...2 + 160

  private init(regularFrames: Int64, finalLength: Int, finalPosition: Int64) {
    self.regularFrames = regularFrames
    self.finalLength = finalLength
    self.finalPosition = finalPosition
  }

  /// Computes the number of regular frames from the length of the body. The prefix of the final
  /// frame must confirm it.
  private static func find(
    _ source: any PositionalSource, from start: Int64, to end: Int64, _ frameLength: FrameLength
  ) throws -> BodyExtent? {
    let overhead = Int64(FramePrefix.finalLength + AESGCM.tagLength)
    let regular = Int64(frameLength.sealedBytes)
    guard end - start >= overhead else { return nil }
    // With one frame fewer, the final frame would be longer than a frame may be.
    let frames = (end - start - overhead) / regular
    let position = start + frames * regular
    let length = end - position - overhead
    guard length <= frameLength.bytes else { return nil }
    let prefix = try source.bytes(at: position, count: FramePrefix.finalLength)
    let parsed = try? FrameOpener.parse(prefix.span.bytes, frameLength)
    guard case .final(let number, _, let contentLength)? = parsed,
      Int64(number) == frames + 1, Int64(contentLength) == length
    else { return nil }
    return BodyExtent(regularFrames: frames, finalLength: Int(length), finalPosition: position)
  }
}

extension PositionalSource {
  /// Exactly `count` bytes. Throws `truncated` if there are fewer.
  func bytes(at position: Int64, count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    guard try fill(&raw, at: position) == count else { throw MessageError.truncated }
    return bytes
  }
}
