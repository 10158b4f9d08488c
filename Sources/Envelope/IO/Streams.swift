/// A source of bytes. One thread at a time reads from it.
public protocol ByteSource: AnyObject {
  /// Reads at most as many bytes as `buffer` holds, to its front. Returns their number, and 0 at the
  /// end of the input.
  func read(into buffer: inout MutableRawSpan) throws -> Int
  /// The likely number of bytes of the whole input, for buffer sizes and progress; nil if unknown.
  /// It is not a limit.
  var expectedCount: Int64? { get }
  /// The same bytes by position; nil if the source has no positions. After the first use do not read
  /// in order.
  var positional: (any PositionalSource)? { get }
  /// Waits until a read will not block, at most `milliseconds` if given. Returns `cancelled` if
  /// `cancellation` ends the wait.
  func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness
}

extension ByteSource {
  /// Nil: the source has no positions.
  public var positional: (any PositionalSource)? { nil }
  /// Returns `ready` at once, for sources whose reads do not block for long.
  public func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness { .ready }
}

/// A sink for bytes. One thread at a time writes to it.
public protocol ByteSink: AnyObject {
  /// Writes all of `bytes`.
  func write(_ bytes: RawSpan) throws
  /// True if nobody sees the bytes until the owner of the sink says that all of them are good.
  var discardsOnFailure: Bool { get }
  /// The same sink by position, for writes in any order; nil unless nobody sees the gaps. After the
  /// first use do not write in order.
  var positional: (any PositionalSink)? { get }
}

extension ByteSink {
  /// Nil: the sink has no positions.
  public var positional: (any PositionalSink)? { nil }
}

/// A file, pipe or terminal, read from its current offset on.
public final class DescriptorSource: ByteSource {
  private let descriptor: Descriptor
  /// The bytes by position, if it is a regular file with bytes after the current offset.
  public let positional: (any PositionalSource)?

  /// Reads `descriptor` from its current offset on. Enlarges the buffer of a pipe.
  public init(_ descriptor: Descriptor) {
    self.descriptor = descriptor
    positional = FileRegion(descriptor)
    if positional == nil { descriptor.enlargePipe() }
  }

  /// The number of bytes in a regular file; nil otherwise.
  public var expectedCount: Int64? { positional?.count }

  /// Waits until bytes arrive or the input ends. A regular file is always ready.
  public func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness {
    if positional != nil { return .ready }
    return descriptor.wait(milliseconds: milliseconds, unless: cancellation)
  }

  /// Reads at most as many bytes as `buffer` holds, and returns their number. Throws `IOError`.
  public func read(into buffer: inout MutableRawSpan) throws -> Int {
    try descriptor.read(into: &buffer)
  }
}

/// A pipe, terminal or device, whose reader sees the bytes at once.
public final class DescriptorSink: ByteSink {
  private let descriptor: Descriptor
  /// False: written bytes cannot be taken back.
  public let discardsOnFailure = false

  /// Writes to `descriptor`. Enlarges the buffer of a pipe.
  public init(_ descriptor: Descriptor) {
    self.descriptor = descriptor
    descriptor.enlargePipe()
  }

  /// Writes all of `bytes`. Throws `IOError`.
  public func write(_ bytes: RawSpan) throws { try descriptor.write(bytes) }

  /// Throws `IOError` if written bytes did not arrive. Call once, after the last write.
  public func finish() throws { try descriptor.flush() }
}

/// A sink that drops all bytes. Decrypt to it to verify a message.
public final class NullSink: ByteSink, PositionalSink {
  /// True: nobody sees the bytes.
  public let discardsOnFailure = true

  /// Makes a sink.
  public init() {}

  /// This sink.
  public var positional: (any PositionalSink)? { self }
  /// Drops `bytes`.
  public func write(_ bytes: RawSpan) {}
  /// Drops `bytes` and returns their number.
  public func write(_ bytes: RawSpan, at position: Int64) -> Int { bytes.byteCount }
  /// Does nothing.
  public func truncate(to count: Int64) {}
}
