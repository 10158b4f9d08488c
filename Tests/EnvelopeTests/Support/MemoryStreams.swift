@testable import Envelope

/// Bytes in memory as a source; each read brings at most `step` of them.
final class MemorySource: ByteSource {
  private let bytes: [UInt8]
  private let step: Int
  private var offset = 0

  init(_ bytes: [UInt8], step: Int = .max) {
    self.bytes = bytes
    self.step = step
  }

  var expectedCount: Int64? { nil }

  func read(into buffer: inout MutableRawSpan) -> Int {
    let count = min(bytes.count - offset, buffer.byteCount, step)
    let piece = bytes[offset..<offset + count]
    buffer.withUnsafeMutableBytes { $0.copyBytes(from: piece) }
    offset += count
    return count
  }
}

/// A sink that remembers, and says of itself what the test wants.
final class MemorySink: ByteSink {
  private(set) var bytes: [UInt8] = []
  let discardsOnFailure: Bool

  init(discardsOnFailure: Bool) { self.discardsOnFailure = discardsOnFailure }

  func write(_ span: RawSpan) { span.withUnsafeBytes { bytes.append(contentsOf: $0) } }
}
