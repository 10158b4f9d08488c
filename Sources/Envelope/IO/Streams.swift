/// Where bytes come from.
public protocol ByteSource: AnyObject {
  /// Reads at most as many bytes as `buffer` has; 0 says that the input has ended.
  func read(into buffer: inout MutableRawSpan) throws -> Int
  /// How many bytes are likely to come, for sizing buffers and progress; nothing is bounded by it.
  var expectedCount: Int64? { get }
  /// The same bytes by their places, where they have such; reading in order then stops.
  var positional: (any PositionalSource)? { get }
  /// Waits until a read will not, at most `milliseconds` where they are given.
  func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness
}

extension ByteSource {
  public var positional: (any PositionalSource)? { nil }
  public func wait(milliseconds: Int32?, unless cancellation: Cancellation?) -> Readiness { .ready }
}

/// Where bytes go.
public protocol ByteSink: AnyObject {
  /// Takes all of `bytes`.
  func write(_ bytes: RawSpan) throws
  /// Whether nobody sees what was written until the owner says that all of it is good.
  var discardsOnFailure: Bool { get }
  /// The same place for writing in any order, where nobody sees the gaps; writing in order then
  /// stops.
  var positional: (any PositionalSink)? { get }
}

extension ByteSink {
  public var positional: (any PositionalSink)? { nil }
}

/// A file, pipe or terminal, read from where it stands.
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

/// A pipe, terminal or device that shows what is written as it is written.
public final class DescriptorSink: ByteSink {
  private let descriptor: Descriptor
  public let discardsOnFailure = false

  public init(_ descriptor: Descriptor) {
    self.descriptor = descriptor
    descriptor.enlargePipe()
  }

  public func write(_ bytes: RawSpan) throws { try descriptor.write(bytes) }

  /// Throws where what was written did not arrive.
  public func finish() throws { try descriptor.flush() }
}

/// Nowhere: what `verify` writes to.
public final class NullSink: ByteSink, PositionalSink {
  public let discardsOnFailure = true

  public init() {}

  public var positional: (any PositionalSink)? { self }
  public func write(_ bytes: RawSpan) {}
  public func write(_ bytes: RawSpan, at position: Int64) -> Int { bytes.byteCount }
  public func truncate(to count: Int64) {}
}
