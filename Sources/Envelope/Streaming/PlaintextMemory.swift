/// The plaintext of a small message that is being reencrypted. It is written completely, and then
/// read.
final class PlaintextMemory: ByteSource, ByteSink {
  private var buffer: Buffer
  private var position = 0
  private var count = 0

  /// True: the plaintext is not read before all of the old message is verified.
  let discardsOnFailure = true

  init(capacity: Int) { buffer = Buffer(capacity: capacity) }

  var expectedCount: Int64? { Int64(count) }

  func write(_ bytes: RawSpan) throws {
    let end = count + bytes.byteCount
    if end > buffer.capacity { try buffer.grow(to: max(end, 2 * buffer.capacity), keeping: count) }
    buffer.copy(bytes, to: count)
    count = end
  }

  func read(into target: inout MutableRawSpan) throws -> Int {
    let moved = min(count - position, target.byteCount)
    buffer.withBytes(in: position..<position + moved) { bytes in
      target.withUnsafeMutableBytes { target in
        bytes.withUnsafeBytes { if $0.count > 0 { target.copyMemory(from: $0) } }
      }
    }
    position += moved
    return moved
  }
}
