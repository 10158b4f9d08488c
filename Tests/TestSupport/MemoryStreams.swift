import Synchronization

@testable import Envelope

/// A source of bytes in memory. Each read returns at most `step` of them.
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

/// A sink that keeps its bytes. The test chooses its `discardsOnFailure`.
final class MemorySink: ByteSink {
  private(set) var bytes: [UInt8] = []
  let discardsOnFailure: Bool

  init(discardsOnFailure: Bool = false) { self.discardsOnFailure = discardsOnFailure }

  func write(_ span: RawSpan) { span.withUnsafeBytes { bytes.append(contentsOf: $0) } }
}

/// A failure that a test injects.
struct InjectedError: Error, Equatable { let position: Int64 }

/// A file in memory for reading, by position from any thread or sequentially.
final class MemoryFile: ByteSource, PositionalSource {
  private let bytes: [UInt8]
  /// The most bytes that one read returns.
  private let step: Int
  /// A read that touches this position fails.
  private let failure: Int64?
  /// The current end of the file, which may differ from the end that it claims.
  private let end: @Sendable () -> Int
  let count: Int64
  private let offset = Mutex(0)
  private let isPositional: Bool

  init(
    _ bytes: [UInt8], claiming count: Int? = nil, step: Int = .max, failingAt failure: Int64? = nil,
    isPositional: Bool = true, end: (@Sendable () -> Int)? = nil
  ) {
    self.bytes = bytes
    self.step = step
    self.failure = failure
    self.isPositional = isPositional
    self.count = Int64(count ?? bytes.count)
    let length = bytes.count
    self.end = end ?? { length }
  }

  var positional: (any PositionalSource)? { isPositional ? self : nil }
  var expectedCount: Int64? { count }

  func read(into buffer: inout MutableRawSpan) throws -> Int {
    try offset.withLock { offset in
      let count = try read(into: &buffer, at: Int64(offset))
      offset += count
      return count
    }
  }

  func read(into buffer: inout MutableRawSpan, at position: Int64) throws -> Int {
    let start = Int(position)
    let last = min(end(), bytes.count)
    let count = max(0, min(last - start, buffer.byteCount, step))
    if let failure, failure >= position, failure < position + Int64(max(count, 1)) {
      throw InjectedError(position: failure)
    }
    guard count > 0 else { return 0 }
    buffer.withUnsafeMutableBytes { $0.copyBytes(from: bytes[start..<start + count]) }
    return count
  }

  func finish(at position: Int64) {}
}

/// A file in memory for writing, by position from any thread or sequentially.
final class MemoryOutput: ByteSink, PositionalSink {
  private let contents = Mutex<[UInt8]>([])
  private let step: Int
  private let failure: Int64?
  private let isPositional: Bool
  let discardsOnFailure: Bool

  init(step: Int = .max, failingAt failure: Int64? = nil, isPositional: Bool = true) {
    self.step = step
    self.failure = failure
    self.isPositional = isPositional
    discardsOnFailure = isPositional
  }

  var bytes: [UInt8] { contents.withLock { $0 } }
  var positional: (any PositionalSink)? { isPositional ? self : nil }

  func write(_ bytes: RawSpan) throws {
    try writeAll(bytes, at: Int64(contents.withLock { $0.count }))
  }

  func write(_ bytes: RawSpan, at position: Int64) throws -> Int {
    let count = min(bytes.byteCount, step)
    if let failure, failure >= position, failure < position + Int64(count) {
      throw InjectedError(position: failure)
    }
    let piece = bytes.withUnsafeBytes { Array($0.prefix(count)) }
    contents.withLock { contents in
      let end = Int(position) + count
      if contents.count < end {
        contents.append(contentsOf: repeatElement(0, count: end - contents.count))
      }
      contents.replaceSubrange(Int(position)..<end, with: piece)
    }
    return count
  }

  func truncate(to count: Int64) {
    contents.withLock { if $0.count > count { $0.removeLast($0.count - Int(count)) } }
  }
}
