/// A source of bytes.
public protocol ByteSource: AnyObject {
  /// Reads at most as many bytes as `buffer` holds. Returns 0 at the end of the input.
  func read(into buffer: inout MutableRawSpan) throws -> Int
  /// The likely number of bytes, for buffer sizes and progress. It is not a limit.
  var expectedCount: Int64? { get }
  /// The same bytes by position, if the source has positions. After the first use do not read in
  /// order.
  var positional: (any PositionalSource)? { get }
  /// Waits until a read will not block, at most `milliseconds` if given.
  func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness
}

extension ByteSource {
  public var positional: (any PositionalSource)? { nil }
  public func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness { .ready }
}

/// A sink for bytes.
public protocol ByteSink: AnyObject {
  /// Writes all of `bytes`.
  func write(_ bytes: RawSpan) throws
  /// True if nobody sees the bytes until the owner of the sink says that all of them are good.
  var discardsOnFailure: Bool { get }
  /// The same sink by position, for writes in any order, if nobody sees the gaps. After the first
  /// use do not write in order.
  var positional: (any PositionalSink)? { get }
}

extension ByteSink {
  public var positional: (any PositionalSink)? { nil }
}

/// A file, pipe or terminal, read from its current offset on.
public final class DescriptorSource: ByteSource {
  private let descriptor: Descriptor
  public let positional: (any PositionalSource)?

  public init(_ descriptor: Descriptor) {
    self.descriptor = descriptor
    positional = FileRegion(descriptor)
    if positional == nil { descriptor.enlargePipe() }
  }

  public var expectedCount: Int64? { positional?.count }

  public func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness {
    if positional != nil { return .ready }
    return descriptor.wait(milliseconds: milliseconds, unless: cancellation)
  }

  public func read(into buffer: inout MutableRawSpan) throws -> Int {
    try descriptor.read(into: &buffer)
  }
}

/// A pipe, terminal or device, whose reader sees the bytes at once.
public final class DescriptorSink: ByteSink {
  private let descriptor: Descriptor
  public let discardsOnFailure = false

  public init(_ descriptor: Descriptor) {
    self.descriptor = descriptor
    descriptor.enlargePipe()
  }

  public func write(_ bytes: RawSpan) throws { try descriptor.write(bytes) }

  /// Throws if written bytes did not arrive.
  public func finish() throws { try descriptor.flush() }
}

/// A sink that drops all bytes; `verify` writes to it.
public final class NullSink: ByteSink, PositionalSink {
  public let discardsOnFailure = true

  public init() {}

  public var positional: (any PositionalSink)? { self }
  public func write(_ bytes: RawSpan) {}
  public func write(_ bytes: RawSpan, at position: Int64) -> Int { bytes.byteCount }
  public func truncate(to count: Int64) {}
}
