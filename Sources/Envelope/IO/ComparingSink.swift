import Glibc
import Synchronization

/// The reason why bytes are not those of a file.
package struct DifferentBytesError: Error, Equatable, Sendable {
  package init() {}
}

/// A sink that compares what is written to it with a file. Throws `DifferentBytesError` at the first
/// difference. Decrypt to it to verify that a message holds a file.
package final class ComparingSink: ByteSink, PositionalSink {
  private let file: Descriptor
  /// Receives the number of bytes that were compared.
  private let progress: (@Sendable (Int) -> Void)?
  /// The position of the next write in order.
  private let next = Mutex<Int64>(0)

  /// True: nobody sees the bytes.
  package let discardsOnFailure = true
  package var positional: (any PositionalSink)? { self }

  private static let pieceLength = 256 << 10

  package init(with file: Descriptor, progress: (@Sendable (Int) -> Void)? = nil) {
    self.file = file
    self.progress = progress
  }

  package func write(_ bytes: RawSpan) throws {
    let position = next.withLock { next in
      defer { next += Int64(bytes.byteCount) }
      return next
    }
    _ = try write(bytes, at: position)
  }

  package func write(_ bytes: RawSpan, at position: Int64) throws -> Int {
    var piece = [UInt8](repeating: 0, count: min(bytes.byteCount, Self.pieceLength))
    var done = 0
    while done < bytes.byteCount {
      let wanted = bytes.extracting(done..<min(done + piece.count, bytes.byteCount))
      let count = try piece.withUnsafeMutableBytes { piece in
        var target = MutableRawSpan(
          _unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: piece[..<wanted.byteCount]))
        return try file.read(into: &target, at: position + Int64(done))
      }
      guard count > 0 else { throw DifferentBytesError() }
      let isEqual = wanted.extracting(first: count).withUnsafeBytes { wanted in
        piece.withUnsafeBytes { memcmp(wanted.baseAddress!, $0.baseAddress!, count) == 0 }
      }
      guard isEqual else { throw DifferentBytesError() }
      done += count
      progress?(count)
    }
    return done
  }

  /// Throws unless the file ends at `count`.
  package func truncate(to count: Int64) throws { try requireEnd(at: count) }

  /// Throws `DifferentBytesError` unless the file has `count` bytes.
  package func requireEnd(at count: Int64) throws {
    guard try file.status().size == count else { throw DifferentBytesError() }
  }
}
