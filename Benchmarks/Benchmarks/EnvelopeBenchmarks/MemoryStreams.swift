import Envelope

/// Reads an array.
final class MemorySource: ByteSource {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var expectedCount: Int64? { Int64(bytes.count) }

  func read(into buffer: inout MutableRawSpan) throws -> Int {
    let count = min(bytes.count - offset, buffer.byteCount)
    bytes.withUnsafeBytes { source in
      buffer.withUnsafeMutableBytes {
        $0.copyMemory(from: .init(rebasing: source[offset..<offset + count]))
      }
    }
    offset += count
    return count
  }
}

/// Reads one random MiB repeatedly, so that the plaintext stays in the cache.
final class PatternSource: ByteSource {
  private static let pattern: [UInt8] = {
    var generator = SystemRandomNumberGenerator()
    return (0..<1 << 20).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }()

  private var remaining: Int

  init(count: Int) {
    remaining = count
    _ = Self.pattern
  }

  var expectedCount: Int64? { Int64(remaining) }

  func read(into buffer: inout MutableRawSpan) throws -> Int {
    let count = min(remaining, buffer.byteCount, Self.pattern.count)
    Self.pattern.withUnsafeBytes { source in
      buffer.withUnsafeMutableBytes { $0.copyMemory(from: .init(rebasing: source[..<count])) }
    }
    remaining -= count
    return count
  }
}

/// Keeps the written bytes.
final class MemorySink: ByteSink {
  private(set) var bytes: [UInt8] = []
  let discardsOnFailure = true

  init(capacity: Int) { bytes.reserveCapacity(capacity) }

  func write(_ bytes: RawSpan) {
    bytes.withUnsafeBytes { self.bytes.append(contentsOf: $0) }
  }
}
