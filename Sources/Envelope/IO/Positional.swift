import Glibc

/// Bytes that any thread can read at any position.
public protocol PositionalSource: AnyObject, Sendable {
  /// The number of bytes at the time of opening. A file may have grown or shrunk since.
  var count: Int64 { get }
  /// Reads at most as many bytes as `buffer` holds, from `position` on, to the front of `buffer`.
  /// Returns their number, and 0 if there are none.
  func read(into buffer: inout MutableRawSpan, at position: Int64) throws -> Int
  /// Sets the position at which reading ended, for other processes that share the offset of the
  /// file.
  func finish(at position: Int64)
}

/// A sink that any thread can write to at any position.
public protocol PositionalSink: AnyObject, Sendable {
  /// Writes some of `bytes` at `position`; returns their number, at least one.
  func write(_ bytes: RawSpan, at position: Int64) throws -> Int
  /// Drops the bytes from position `count` on.
  func truncate(to count: Int64) throws
}

extension PositionalSource {
  /// Reads until `buffer` is full or there are no more bytes; returns the number of bytes.
  package func fill(_ buffer: inout MutableRawSpan, at position: Int64) throws -> Int {
    try buffer.withUnsafeMutableBytes { bytes in
      var done = 0
      while done < bytes.count {
        var rest = MutableRawSpan(
          _unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: bytes[done...]))
        let count = try read(into: &rest, at: position + Int64(done))
        if count == 0 { break }
        done += count
      }
      return done
    }
  }
}

extension PositionalSink {
  /// Writes all of `bytes`.
  func writeAll(_ bytes: RawSpan, at position: Int64) throws {
    var done = 0
    while done < bytes.byteCount {
      done += try write(
        bytes.extracting(done..<bytes.byteCount), at: position + Int64(done))
    }
  }
}

/// A regular file from its offset at the time of opening on.
package final class FileRegion: PositionalSource, PositionalSink {
  private let descriptor: Descriptor
  private let start: Int64
  package let count: Int64
  /// True if runs of zeros are not written, so that they become holes of a new file.
  private let makesHoles: Bool

  /// Nil unless `descriptor` is a regular file with bytes after its offset. (Files in /proc report
  /// size 0.)
  package init?(_ descriptor: Descriptor) {
    guard let status = try? descriptor.status(), status.kind == .regular else { return nil }
    let start = Int64(lseek(descriptor.number, 0, SEEK_CUR))
    guard start >= 0, status.size > start else { return nil }
    self.descriptor = descriptor
    self.start = start
    count = status.size - start
    makesHoles = false
  }

  /// The whole of a new file that is being written.
  init(writing descriptor: Descriptor, makingHoles makesHoles: Bool = false) {
    self.descriptor = descriptor
    start = 0
    count = 0
    self.makesHoles = makesHoles
  }

  package func read(into buffer: inout MutableRawSpan, at position: Int64) throws -> Int {
    try descriptor.read(into: &buffer, at: start + position)
  }

  package func write(_ bytes: RawSpan, at position: Int64) throws -> Int {
    guard makesHoles else { return try descriptor.write(bytes, at: start + position) }
    let run = ZeroBlocks.firstRun(of: bytes, at: position)
    if run.isZero { return run.count }
    return try descriptor.write(bytes.extracting(0..<run.count), at: start + position)
  }

  package func truncate(to count: Int64) throws { try descriptor.truncate(to: start + count) }

  package func finish(at position: Int64) {
    lseek(descriptor.number, off_t(start + position), SEEK_SET)
  }
}
