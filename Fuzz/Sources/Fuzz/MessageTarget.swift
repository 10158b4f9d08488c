import Glibc

@testable import Envelope

extension FuzzTarget {
  /// A message, read in pieces and by position, completely and in part. The first byte selects the
  /// parts that are made authentic first: otherwise every input would end at the header's tag. The
  /// second byte is the number of bytes per read, less one.
  static let message = FuzzTarget("message") { bytes in
    guard bytes.count >= 2 else { return }
    let choice = MessageChoice(rawValue: bytes[0])
    let step = Int(bytes[1]) + 1
    let message = try AuthenticMessage.bytes(of: Array(bytes.dropFirst(2)), choice)
    let decryptor = MessageDecryptor(
      materialsProvider: FixedDataKey(), requiredContext: EncryptionContext(),
      policy: .requireEncryptAllowDecrypt,
      scheduler: Scheduler(jobs: 1, batchLength: 64, helpThreshold: .max))

    let sink = MemorySink(discardsOnFailure: choice.contains(.discards))
    let ordered = Result {
      try decryptor.decrypt(from: MemorySource(message, step: step), to: sink)
    }
    let placed = FuzzOutput()
    let positional = Result { try decryptor.decrypt(from: FuzzFile(message), to: placed) }
    if case .success(let summary) = ordered {
      require(
        Int(summary.plaintextCount) == sink.bytes.count, "a count that is not the plaintext's")
      let other = try positional.get()
      require(other == summary && placed.bytes == sink.bytes, "by position it says something else")
      try checkHeader(summary.header)
    } else if case .success = positional {
      require(false, "by position it is read, in order it is not")
    }
    if choice.contains(.inspected) { try checkInspection(of: message, ordered) }
    try checkPart(of: message, sink.bytes, ordered, decryptor, choice)
    _ = try ordered.get()
  }

  private static func checkHeader(_ header: MessageHeader) throws {
    let body = try header.serializedBody()
    let tag = [UInt8](repeating: 0, count: AESGCM.tagLength + AESGCM.nonceLength)
    let again = try ParsedHeader(parsing: (body + tag).span.bytes, limits: .standard)
    require(again.header == header, "a header is not written as it was read")
  }

  private static func checkInspection(
    of message: [UInt8], _ decrypted: Result<MessageSummary, any Error>
  ) throws {
    let path = "/dev/shm/envcrypt-fuzz-message-\(getpid())"
    let number = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    unlink(path)
    let descriptor = Descriptor(owning: number, path: "message")
    message.withUnsafeBytes { _ = pwrite(number, $0.baseAddress, $0.count, 0) }
    let inspection = Result { try MessageInspector.inspect(descriptor, limits: .standard) }
    guard case .success(let summary) = decrypted else { return }
    let found = try inspection.get()
    require(found.header == summary.header, "inspection finds another header")
    require(
      found.body?.plaintextSize == summary.plaintextCount, "inspection finds another size")
  }

  private static func checkPart(
    of message: [UInt8], _ plaintext: [UInt8], _ decrypted: Result<MessageSummary, any Error>,
    _ decryptor: MessageDecryptor, _ choice: MessageChoice
  ) throws {
    let offset = plaintext.count / 3
    let count = plaintext.count / 2
    let part = MemorySink()
    let result = Result {
      try decryptor.open(FuzzFile(message)).decrypt(
        from: Int64(offset), count: Int64(count), to: part, ignoringSignature: true)
    }
    guard case .success(let summary) = decrypted, case .framed = summary.header.content,
      !choice.contains(.armored), !AuthenticMessage.isArmor(message)
    else { return }
    require(try Int(result.get()) == part.bytes.count, "a count that is not the part's")
    require(
      part.bytes == Array(plaintext[offset..<min(offset + count, plaintext.count)]),
      "a part says something else than the whole")
  }
}

/// Bytes in memory that can be read at any position.
final class FuzzFile: ByteSource, PositionalSource, @unchecked Sendable {
  private let bytes: [UInt8]
  private var offset = 0
  let count: Int64

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    count = Int64(bytes.count)
  }

  var positional: (any PositionalSource)? { self }
  var expectedCount: Int64? { count }

  func read(into buffer: inout MutableRawSpan) -> Int {
    let count = read(into: &buffer, at: Int64(offset))
    offset += count
    return count
  }

  func read(into buffer: inout MutableRawSpan, at position: Int64) -> Int {
    let start = min(Int(position), bytes.count)
    let piece = bytes[start..<min(start + buffer.byteCount, bytes.count)]
    buffer.withUnsafeMutableBytes { $0.copyBytes(from: piece) }
    return piece.count
  }

  func finish(at position: Int64) {}
}

/// Bytes in memory that can be written at any position.
final class FuzzOutput: ByteSink, PositionalSink, @unchecked Sendable {
  private(set) var bytes: [UInt8] = []
  let discardsOnFailure = true

  var positional: (any PositionalSink)? { self }

  func write(_ span: RawSpan) { _ = write(span, at: Int64(bytes.count)) }

  func write(_ span: RawSpan, at position: Int64) -> Int {
    let end = Int(position) + span.byteCount
    if bytes.count < end { bytes += repeatElement(0, count: end - bytes.count) }
    span.withUnsafeBytes { bytes.replaceSubrange(Int(position)..<end, with: $0) }
    return span.byteCount
  }

  func truncate(to count: Int64) { bytes.removeLast(max(0, bytes.count - Int(count))) }
}
